import type { LimitRequest } from '../../ports/rateLimiter.ts';

/** Each hit of a window is remembered: so many take about 1 MB. */
export const mostUnits = 100_000;
const mostWindowMs = 31 * 24 * 3_600_000;
const mostLimits = 16;
const mostCharacters = 200;

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most;

/** @throws {RangeError} for what no limiter counts: limits come from plans, never out of a request. */
export function checkLimits(requests: readonly LimitRequest[]): void {
  if (requests.length > mostLimits) throw new RangeError(`a hit is on at most ${mostLimits} limits`);
  const seen = new Set<string>();
  for (const { key, limit, windowMs } of requests) {
    if (key === '' || key.length > mostCharacters)
      throw new RangeError(`the key of a limit has 1 to ${mostCharacters} characters`);
    if (!isWhole(limit, 0, mostUnits)) throw new RangeError(`a limit is a whole number up to ${mostUnits}`);
    if (!isWhole(windowMs, 1, mostWindowMs))
      throw new RangeError(`a window is a whole number of milliseconds up to ${mostWindowMs}`);
    const name = windowName(key, windowMs);
    if (seen.has(name)) throw new RangeError('the same limit stands twice in a hit');
    seen.add(name);
  }
}

/** What hits are kept under: those of one key in windows of different lengths are counted apart. */
export const windowName = (key: string, windowMs: number): string => `${windowMs}:${key}`;
