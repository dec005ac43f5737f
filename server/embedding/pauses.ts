/** Why embedding is held back; of several the first one is told. */
export const pauseReasons = ['user', 'battery', 'typing', 'memory'] as const;
export type PauseReason = (typeof pauseReasons)[number];

/** `pause`: nothing is embedded that nobody waits for. `slow`: with a part of the usual share. */
export interface Hold {
  reason: PauseReason;
  level: 'pause' | 'slow';
}

/** Whether embedding goes on, slower, or not at all: the sum of what several parts of the program know. */
export interface Pauses {
  /** What holds; null when nothing does. A pause stands above what only slows down. */
  readonly hold: Hold | null;
  /** Holds for this reason, for so many ms or until it is lifted (null). */
  set(reason: PauseReason, level: Hold['level'] | null, forMs?: number): void;
  close(): void;
}

const isSame = (a: Hold | null, b: Hold | null): boolean => a?.reason === b?.reason && a?.level === b?.level;

export function createPauses(onChange: (hold: Hold | null) => void): Pauses {
  const holds = new Map<PauseReason, { level: Hold['level']; timer: NodeJS.Timeout | undefined }>();
  let told: Hold | null = null;

  function current(): Hold | null {
    for (const level of ['pause', 'slow'] as const) {
      const reason = pauseReasons.find((each) => holds.get(each)?.level === level);
      if (reason !== undefined) return { reason, level };
    }
    return null;
  }

  function drop(reason: PauseReason): void {
    clearTimeout(holds.get(reason)?.timer);
    holds.delete(reason);
  }

  function tell(): void {
    const hold = current();
    if (isSame(hold, told)) return;
    told = hold;
    onChange(hold);
  }

  return {
    get hold() {
      return current();
    },
    set(reason, level, forMs) {
      drop(reason);
      if (level !== null) {
        const lift = (): void => {
          drop(reason);
          tell();
        };
        const timer = forMs === undefined ? undefined : setTimeout(lift, forMs).unref();
        holds.set(reason, { level, timer });
      }
      tell();
    },
    close() {
      for (const reason of pauseReasons) drop(reason);
    },
  };
}

/** The first pause for slow typing, in ms; each that follows soon is twice as long, up to the longest. */
const typingPause = { firstMs: 10_000, longestMs: 120_000, soonMs: 60_000 };
/** An editor that got no processor for so long in a second is slow to the touch, in ms. */
export const slowTypingMs = 80;

/** How long to pause for typing that was starved for so many ms of a second; null for not at all. */
export function createTypingPauses(now: () => number = () => performance.now()): (starvedMs: number) => number | null {
  let lengthMs = 0;
  let endsAt = -Infinity;
  return (starvedMs) => {
    const at = now();
    if (starvedMs < slowTypingMs) return null;
    // Told of once more in the same pause: it begins anew, as typing goes on.
    if (at > endsAt) {
      const isSoon = at - endsAt < typingPause.soonMs;
      lengthMs = isSoon ? Math.min(lengthMs * 2, typingPause.longestMs) : typingPause.firstMs;
    }
    endsAt = at + lengthMs;
    return lengthMs;
  };
}
