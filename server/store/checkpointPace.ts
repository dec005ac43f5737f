/** So long without a change is quiet. */
const quietMs = 2_000;
/** While there are changes all the time, from the end of one checkpoint to the next; and so many times what it took. */
const busyMs = 5_000;
const busyTimes = 10;
/** A due checkpoint waits for a moment like this, in which what was just changed is asked for, but not for ever. */
const pauseMs = 400;
const patienceMs = 2_000;

/**
 * When to publish a checkpoint: soon when it is quiet, and while it is not, seldom enough to cost less than a tenth of
 * the time and between changes. Taking the bytes of a large index keeps every call waiting for a tenth of a second: not
 * the question that follows a save. Times are milliseconds of one clock.
 */
export class CheckpointPace {
  #endedAt = 0;
  #tookMs = 0;
  /** The first change that is in no checkpoint. */
  #changedAt: number | undefined;

  /** A change at `now`: in how many milliseconds a checkpoint is to begin; null to leave it as it was last said. */
  changed(now: number): number | null {
    this.#changedAt ??= now;
    const dueAt = Math.max(this.#changedAt + quietMs, this.#endedAt + Math.max(busyMs, busyTimes * this.#tookMs));
    if (now < dueAt) return quietMs;
    return now < dueAt + patienceMs ? pauseMs : null;
  }

  /** What was changed so far is in the checkpoint that begins. */
  began(): void {
    this.#changedAt = undefined;
  }

  /** It is on the disk. */
  ended(now: number, tookMs: number): void {
    this.#endedAt = now;
    this.#tookMs = tookMs;
  }
}
