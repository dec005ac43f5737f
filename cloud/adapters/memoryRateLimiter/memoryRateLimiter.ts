import { LimiterUnavailable, type LimitRequest, type LimitVerdict, type RateLimiter } from '../../ports/rateLimiter.ts';
import { checkLimits, windowName } from '../rules/limitRules.ts';

export interface MemoryRateLimiterOptions {
  /** Windows that may hold hits at once; default 100,000. A hit that would need one more is an error. */
  maxWindows?: number;
  /** Milliseconds of a clock that never goes back; default that of the process. */
  now?: () => number;
}

const sweepPauseMs = 100;

/** The times of the hits in a window, oldest first. */
interface Window {
  times: number[];
  /** Those before it have left. */
  first: number;
  windowMs: number;
}

const countOf = ({ times, first }: Window): number => times.length - first;

function forget(window: Window, now: number): void {
  const { times, windowMs } = window;
  while (window.first < times.length && now - times[window.first]! >= windowMs) window.first++;
  // The room of those that left is given back once they are the larger half.
  if (window.first > times.length / 2) {
    times.splice(0, window.first);
    window.first = 0;
  }
}

/** Until one more hit has room. */
function resetOf(window: Window, { limit, windowMs }: LimitRequest, now: number): number {
  const count = countOf(window);
  if (limit === 0) return windowMs;
  if (count === 0) return 0;
  const leaving = window.times[window.first + Math.max(0, count - limit)]!;
  // In this order: times have fractions, and the sum of one and a window may be rounded up beyond the window.
  return Math.max(0, Math.ceil(windowMs - (now - leaving)));
}

/** Counts in this process alone: for one server, or while the store that servers share is away. */
export function memoryRateLimiter(options: MemoryRateLimiterOptions = {}): RateLimiter {
  const { maxWindows = 100_000, now: clock = () => performance.now() } = options;
  const windows = new Map<string, Window>();
  let sweepAt = Math.min(1_000, maxWindows);
  let lastSweep = -Infinity;

  function dropEmpty(now: number): void {
    for (const [name, window] of windows) {
      forget(window, now);
      if (countOf(window) === 0) windows.delete(name);
    }
    sweepAt = Math.min(maxWindows, Math.max(1_000, windows.size * 2));
    lastSweep = now;
  }

  /** Makes sure that as many windows can be added. */
  function makeRoom(count: number, now: number): void {
    // Looking at all takes its time: where all are in use, not at each hit.
    if (windows.size + count > sweepAt && now >= lastSweep + sweepPauseMs) dropEmpty(now);
    if (windows.size + count > maxWindows)
      throw new LimiterUnavailable(new Error(`more than ${maxWindows} windows hold hits`));
  }

  function windowOf({ key, windowMs }: LimitRequest, now: number): Window {
    const found = windows.get(windowName(key, windowMs));
    if (found === undefined) return { times: [], first: 0, windowMs };
    forget(found, now);
    return found;
  }

  return {
    async hit(requests) {
      checkLimits(requests);
      const now = clock();
      const counted = requests.map((request) => ({ request, window: windowOf(request, now) }));
      const isAllowed = counted.every(({ request, window }) => countOf(window) < request.limit);
      if (isAllowed) {
        makeRoom(counted.filter(({ window }) => countOf(window) === 0).length, now);
        for (const { request, window } of counted) {
          window.times.push(now);
          windows.set(windowName(request.key, request.windowMs), window);
        }
      }
      return counted.map(({ request, window }): LimitVerdict => {
        const count = countOf(window);
        return {
          allowed: isAllowed || count < request.limit,
          limit: request.limit,
          remaining: Math.max(0, request.limit - count),
          resetMs: resetOf(window, request, now),
        };
      });
    },
    async health() {},
    async close() {
      windows.clear();
    },
  };
}
