/** Measures how fast things get done. */
export interface RateMeter {
  /** Begins anew: what was done before says nothing about now. */
  start(): void;
  count(done: number): void;
  /** Seconds that so many will take; null while nothing can be said. */
  secondsFor(left: number): number | null;
}

/** What happened within this time makes the rate. */
const windowMs = 20_000;
const leastDone = 8;
const leastMs = 1_000;

export function createRateMeter(now: () => number = () => performance.now()): RateMeter {
  let marks: { at: number; done: number }[] = [];
  return {
    start() {
      marks = [{ at: now(), done: 0 }];
    },
    count(done) {
      const at = now();
      if (marks.length === 0) marks.push({ at, done: 0 });
      marks.push({ at, done });
      // One mark from before the window stays: the time since then belongs to what follows it.
      while (marks.length > 2 && marks[1]!.at < at - windowMs) marks.shift();
    },
    secondsFor(left) {
      const done = marks.slice(1).reduce((sum, mark) => sum + mark.done, 0);
      const took = (marks.at(-1)?.at ?? 0) - (marks[0]?.at ?? 0);
      return done < leastDone || took < leastMs ? null : Math.ceil((left * took) / done / 1_000);
    },
  };
}
