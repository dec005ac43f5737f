import { Redis } from 'ioredis';
import { LimiterUnavailable, type RateLimiter } from '../../ports/rateLimiter.ts';
import { checkLimits } from '../rules/limitRules.ts';
import { scriptArguments, scriptKeys, slidingWindowScript, slidingWindowSha1, verdictsOf } from './slidingWindow.ts';

export interface RedisRateLimiterOptions {
  /** `redis://` or `rediss://`, with the name, password and number of the database as Redis writes them. */
  url: string;
  /** Before each key; the part in braces keeps the keys of a hit on one node of a cluster. */
  keyPrefix?: string;
  /** How long a hit may take; default 250. */
  timeoutMs?: number;
  /** Hears when the connection is lost and why; what a hit fails of is thrown there. */
  onConnectionError?: (error: Error) => void;
}

const mostReconnectDelayMs = 2_000;

/** So that many servers do not come back in one moment. */
const reconnectDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 10), mostReconnectDelayMs) * (0.5 + Math.random() / 2);

function connect({ url, timeoutMs = 250, onConnectionError }: RedisRateLimiterOptions): Redis {
  const redis = new Redis(url, {
    protocol: 2,
    // Without a connection a hit fails now: it is of no use later.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    // Nobody knows whether a hit whose reply was lost is counted: it must not be counted twice.
    autoResendUnfulfilledCommands: false,
    commandTimeout: timeoutMs,
    connectTimeout: Math.max(1_000, timeoutMs),
    // A server that is silent while it owes a reply: give the connection up, and with it all that waits on it.
    socketTimeout: timeoutMs * 4,
    retryStrategy: reconnectDelayMs,
    // A server that has become a replica refuses writes: the address may lead elsewhere by now.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
  redis.on('error', (error: Error) => onConnectionError?.(error));
  return redis;
}

/** Resolves when it is known whether the first connection succeeds, or after the time that a hit may take. */
function firstContact(redis: Redis, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    for (const event of ['ready', 'close', 'end'])
      redis.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
  });
}

/**
 * Counts in Redis (5 or newer), for all servers that share it, in one round trip a hit. It connects at once and again
 * whenever the connection is lost.
 */
export function redisRateLimiter(options: RedisRateLimiterOptions): RateLimiter {
  const { keyPrefix = '{contextkit}:limit:', timeoutMs = 250 } = options;
  const redis = connect(options);
  const contact = firstContact(redis, timeoutMs);

  async function run(keys: string[], values: number[]): Promise<unknown> {
    try {
      return await redis.evalsha(slidingWindowSha1, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await redis.eval(slidingWindowScript, keys.length, ...keys, ...values);
    }
  }

  return {
    async hit(requests) {
      checkLimits(requests);
      if (requests.length === 0) return [];
      await contact;
      try {
        return verdictsOf(await run(scriptKeys(requests, keyPrefix), scriptArguments(requests)), requests);
      } catch (error) {
        throw new LimiterUnavailable(error);
      }
    },
    async health() {
      await contact;
      try {
        await redis.ping();
      } catch (error) {
        throw new LimiterUnavailable(error);
      }
    },
    async close() {
      // What is under way may end; without a connection, or after the time of a hit, nothing is waited for.
      try {
        await redis.quit();
      } catch (error) {
        options.onConnectionError?.(error instanceof Error ? error : new Error(String(error)));
      }
      redis.disconnect();
    },
  };
}
