/** Keeps work within a share of the processors, by what the processes say they have used of them. */
export interface CpuBudget {
  /** Cores that may be used in the mean, e.g. 0.5; Infinity for no limit. */
  setCores(cores: number): void;
  /** So much time of the processors was used, in ms. */
  spend(cpuMs: number): void;
  /** How long the next piece of work has to wait, in ms; 0 for not at all. */
  waitMs(): number;
}

/**
 * What was not used is not saved up for longer than this, in ms, or than a piece of work takes: a share is a share of
 * every moment, but what comes in while a piece is under way belongs to it.
 */
const mostSavedMs = 100;
/** Of the longest piece so far, with each that is shorter. */
const forgetting = 0.9;

/** A bucket that fills by `cores` ms each ms; work begins when it is not empty, and what it cost is taken out at its end. */
export function createCpuBudget(cores: number, now: () => number = () => performance.now()): CpuBudget {
  let level = 0;
  let filledAt = now();
  let pieceMs = mostSavedMs;

  function fill(): void {
    const at = now();
    level = Math.min(pieceMs * cores, level + (at - filledAt) * cores);
    filledAt = at;
  }

  return {
    setCores(next) {
      if (next === cores) return;
      if (cores === Infinity) level = 0;
      else fill();
      cores = next;
      filledAt = now();
    },
    spend(cpuMs) {
      if (cores === Infinity) return;
      pieceMs = Math.max(mostSavedMs, cpuMs, pieceMs * forgetting);
      fill();
      level -= cpuMs;
    },
    waitMs() {
      if (cores === Infinity) return 0;
      fill();
      return level >= 0 ? 0 : -level / cores;
    },
  };
}
