export interface TypingWatchOptions {
  /** Ms of a clock that never goes back. */
  now?: () => number;
  /** Ms of the processor that this process has used. */
  cpuMs?: () => number;
  /** In a second in which somebody typed this process wanted the processor and did not get it, for so many ms. */
  onStarved: (starvedMs: number) => void;
}

/** Finds out whether typing is slow because others have the processor. */
export interface TypingWatch {
  /** A key was pressed. */
  typed(): void;
  dispose(): void;
}

/** Ticks while somebody types, and so long after the last key, in ms. */
const tickMs = 50;
const afterKeyMs = 2_000;
const windowMs = 1_000;
/** Timers are never more exact than this: Windows counts in steps of 15.6 ms. */
const toleranceMs = 20;

const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * A timer that is late although this process did nothing of its own meanwhile had to wait for the processor. What is
 * late since an extension keeps the loop busy is not counted: no pause of ours would help.
 */
export function createTypingWatch({
  now = () => performance.now(),
  cpuMs = ownCpuMs,
  onStarved,
}: TypingWatchOptions): TypingWatch {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let typedAt = -Infinity;
  let dueAt = 0;
  let cpuAtStart = 0;
  let windowEndsAt = 0;
  let starvedMs = 0;

  function wait(): void {
    cpuAtStart = cpuMs();
    dueAt = now() + tickMs;
    timer = setTimeout(tick, tickMs);
  }

  function tick(): void {
    const at = now();
    const starved = at - dueAt - (cpuMs() - cpuAtStart);
    if (starved > toleranceMs) starvedMs += starved;
    if (at >= windowEndsAt) {
      if (starvedMs > 0) onStarved(Math.round(starvedMs));
      starvedMs = 0;
      windowEndsAt = at + windowMs;
    }
    timer = undefined;
    if (at - typedAt < afterKeyMs) wait();
  }

  return {
    typed() {
      typedAt = now();
      if (timer !== undefined) return;
      starvedMs = 0;
      windowEndsAt = typedAt + windowMs;
      wait();
    },
    dispose() {
      clearTimeout(timer);
    },
  };
}
