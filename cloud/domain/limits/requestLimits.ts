import { LimiterUnavailable, type LimitRequest, type LimitVerdict, type RateLimiter } from '../../ports/rateLimiter.ts';
import type { Log } from '../../ports/log.ts';
import { ApiError, type RateState } from '../apiError.ts';
import type { Caller } from '../caller.ts';

export interface RequestLimits {
  /**
   * Counts a request on its organization and, where it has a limit of its own, on its key.
   * @returns the state of the tighter of the two.
   * @throws {ApiError} rate_limited; unavailable for a write while the store of the limits has been silent for long.
   */
  hit(caller: Caller, isWrite: boolean): Promise<RateState>;
}

const windowMs = 60_000;
/** So long after the store fell silent, writes are still let in by what this server counts alone. */
const graceMs = 60_000;

export interface LimitParts {
  /** What all servers share. */
  shared: RateLimiter;
  /** Of this server alone: counts while the shared one is silent. */
  local: RateLimiter;
  log: Log;
  /** Milliseconds, never going back. */
  now: () => number;
}

function requestsOf({ org, keyId, limits, keyRequestsPerMinute }: Caller): LimitRequest[] {
  const ofOrg = { key: `org:${org}`, limit: limits.requestsPerMinute, windowMs };
  if (keyRequestsPerMinute === null) return [ofOrg];
  return [ofOrg, { key: `key:${keyId}`, limit: keyRequestsPerMinute, windowMs }];
}

/** The one that refuses for longest, else the one with the least room. */
function tightest(verdicts: readonly LimitVerdict[]): LimitVerdict {
  return [...verdicts].sort(
    (a, b) =>
      Number(a.allowed) - Number(b.allowed) ||
      (a.allowed ? a.remaining - b.remaining : b.resetMs - a.resetMs) ||
      a.limit - b.limit,
  )[0]!;
}

/**
 * Limits by a store that all servers share. While it does not answer, each server counts for itself: for a minute
 * everything goes on, then reads go on and writes are refused until it is back.
 */
export function requestLimits({ shared, local, log, now }: LimitParts): RequestLimits {
  let silentSince: number | undefined;

  const hitShared = async (requests: readonly LimitRequest[]): Promise<LimitVerdict[] | undefined> => {
    try {
      const verdicts = await shared.hit(requests);
      if (silentSince !== undefined) log('info', 'limits.store_back', { silent_ms: Math.round(now() - silentSince) });
      silentSince = undefined;
      return verdicts;
    } catch (error) {
      if (!(error instanceof LimiterUnavailable)) throw error;
      if (silentSince === undefined) log('error', 'limits.store_silent', { reason: String(error.cause) });
      silentSince ??= now();
      return undefined;
    }
  };

  return {
    hit: async (caller, isWrite) => {
      const requests = requestsOf(caller);
      let verdicts = await hitShared(requests);
      if (verdicts === undefined) {
        if (isWrite && now() - silentSince! >= graceMs) {
          throw new ApiError('unavailable', 'Changes cannot be accepted now: the store of the rate limits is down.', {
            hint: 'Try again in a minute. Questions are answered meanwhile.',
            retryAfterMs: windowMs,
          });
        }
        verdicts = await local.hit(requests);
      }
      const verdict = tightest(verdicts);
      if (verdict.allowed) return verdict;
      throw new ApiError('rate_limited', `More than ${verdict.limit} requests in a minute.`, {
        hint: `Wait ${Math.ceil(verdict.resetMs / 1000)} s; a plan with more requests a minute is another way.`,
        retryAfterMs: verdict.resetMs,
        rateLimit: verdict,
      });
    },
  };
}

/** @throws {ApiError} quota_exceeded */
export function requireQuota({ limits, queriesThisMonth }: Caller, now: Date): void {
  if (limits.queriesPerMonth === null || queriesThisMonth < limits.queriesPerMonth) return;
  const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  throw new ApiError('quota_exceeded', `The ${limits.queriesPerMonth} queries of this month are used up.`, {
    hint: 'A larger plan acts at once; otherwise it begins anew with the next month (UTC).',
    retryAfterMs: next - now.getTime(),
  });
}
