import { createHash } from 'node:crypto';
import type { LimitRequest, LimitVerdict } from '../../ports/rateLimiter.ts';
import { windowName } from '../rules/limitRules.ts';

/**
 * A true sliding window over several keys, all or nothing, by the clock of the server, in microseconds.
 *
 * Each key is a list of the times of its hits, oldest first: about 10 bytes a hit, never more hits than the limit, and
 * gone when the last of them has left the window. Where the clock went back, hits are counted at the time of the
 * latest one, so that none leaves too early; where it went back by more than the window, what was counted is forgotten,
 * for nobody shall be shut out for as long as the clock was wrong.
 *
 * KEYS: a list for each limit. ARGV: for each limit its units and its window in microseconds.
 * Reply: for each limit 1 or 0 (there is room), units left, and milliseconds until there is room for one more.
 */
export const slidingWindowScript = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function timeAt(key, index)
  return tonumber(redis.call('LINDEX', key, index))
end

-- Drops what has left the window.
local function forget(key, window)
  local count = redis.call('LLEN', key)
  if count == 0 then return 0, now end
  local last = timeAt(key, -1)
  if last <= now - window or last > now + window then
    redis.call('DEL', key)
    return 0, now
  end
  local at = math.max(now, last)
  local low, high = 0, count - 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if timeAt(key, middle) > at - window then high = middle else low = middle + 1 end
  end
  if low > 0 then redis.call('LTRIM', key, low, -1) end
  return count - low, at
end

local limits = {}
local allowed = true
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local count, at = forget(key, window)
  limits[i] = { limit = limit, window = window, count = count, at = at, room = count < limit }
  allowed = allowed and count < limit
end

local reply = {}
for i, key in ipairs(KEYS) do
  local each = limits[i]
  if allowed then
    redis.call('RPUSH', key, string.format('%.0f', each.at))
    redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((each.at + each.window - now) / 1000)))
    each.count = each.count + 1
  end
  local reset = 0
  if each.limit == 0 then
    reset = each.window
  elseif each.count > 0 then
    reset = timeAt(key, math.max(0, each.count - each.limit)) + each.window - now
  end
  reply[3 * i - 2] = each.room and 1 or 0
  reply[3 * i - 1] = math.max(0, each.limit - each.count)
  reply[3 * i] = math.max(0, math.ceil(reset / 1000))
end
return reply
`;

/** By which a server knows the script once it has run there. */
export const slidingWindowSha1 = createHash('sha1').update(slidingWindowScript).digest('hex');

export const scriptKeys = (requests: readonly LimitRequest[], prefix: string): string[] =>
  requests.map(({ key, windowMs }) => prefix + windowName(key, windowMs));

export const scriptArguments = (requests: readonly LimitRequest[]): number[] =>
  requests.flatMap(({ limit, windowMs }) => [limit, windowMs * 1000]);

/** @throws {TypeError} for a reply that the script does not give. */
export function verdictsOf(reply: unknown, requests: readonly LimitRequest[]): LimitVerdict[] {
  if (!Array.isArray(reply) || reply.length !== 3 * requests.length || !reply.every(Number.isSafeInteger))
    throw new TypeError('the script of the sliding window gave an unknown reply');
  const numbers = reply as number[];
  return requests.map(({ limit }, i) => ({
    allowed: numbers[3 * i] === 1,
    limit,
    remaining: numbers[3 * i + 1]!,
    resetMs: numbers[3 * i + 2]!,
  }));
}
