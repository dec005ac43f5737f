/** Why nothing can be embedded, and until when that is taken for granted. */
export interface Outage {
  /** Null when it may be tried: nothing is wrong, or the time has come to try again. */
  readonly error: Error | null;
  /** Since the last time that all was well something was wrong, and it has not been shown to be over. */
  readonly isOnTrial: boolean;
  /** How long the next one will last, in ms. */
  readonly nextMs: number;
  /** `lasting`: time will not mend it. Returns after how many ms it will be tried again; null for not by itself. */
  begin(error: Error, lasting: boolean): number | null;
  /** It may be tried at once. */
  lift(): void;
  /** All is well. */
  end(): void;
}

/** Of the first outage; each that follows without success in between lasts twice as long, up to the longest. */
const firstMs = 60_000;
const longestMs = 15 * 60_000;

export function createOutage(now: () => number = () => performance.now(), startMs: number = firstMs): Outage {
  let current: { error: Error; until: number } | null = null;
  let nextMs = startMs;
  return {
    get error() {
      return current !== null && now() < current.until ? current.error : null;
    },
    get isOnTrial() {
      return current !== null;
    },
    get nextMs() {
      return nextMs;
    },
    begin(error, lasting) {
      const lengthMs = lasting ? null : nextMs;
      current = { error, until: lengthMs === null ? Infinity : now() + lengthMs };
      if (!lasting) nextMs = Math.min(nextMs * 2, longestMs);
      return lengthMs;
    },
    lift() {
      if (current !== null) current.until = -Infinity;
      nextMs = startMs;
    },
    end() {
      current = null;
      nextMs = startMs;
    },
  };
}
