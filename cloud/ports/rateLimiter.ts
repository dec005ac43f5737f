export interface LimitRequest {
  /** What is counted: `org:ID`, `key:ID`. */
  key: string;
  /** At most this many units in any window of that length. */
  limit: number;
  windowMs: number;
}

export interface LimitVerdict {
  allowed: boolean;
  limit: number;
  /** Units left after this hit; 0 where it was refused. */
  remaining: number;
  /** Until the oldest counted hit leaves the window, that is until there is room again. */
  resetMs: number;
}

/**
 * A true sliding window: at no moment were there more than `limit` hits in the `windowMs` before it. A refused hit is
 * not counted. Time is that of the store, so that servers whose clocks differ count alike.
 */
export interface RateLimiter {
  /**
   * One hit on several limits at once: it is counted on all of them or on none.
   * @returns a verdict for each request, in their order; the hit is allowed if all are.
   * @throws {LimiterUnavailable} when the store does not answer.
   */
  hit(requests: readonly LimitRequest[]): Promise<LimitVerdict[]>;
  health(): Promise<void>;
  close(): Promise<void>;
}

export class LimiterUnavailable extends Error {
  constructor(cause: unknown) {
    super('the store of the rate limits does not answer', { cause });
    this.name = 'LimiterUnavailable';
  }
}
