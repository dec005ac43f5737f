import type { IndexPhase, IndexProgress } from './types.ts';

/** Rate over the last seconds, so that the estimate follows the machine and not the start-up. */
const windowMs = 3_000;

export interface ProgressMeter {
  measure(now: {
    phase: IndexPhase;
    filesDone: number;
    filesTotal: number;
    chunks: number;
    slowFile: string | null;
  }): IndexProgress;
}

/** Turns counts into files per second and seconds left; `clock` is in milliseconds. */
export function createProgressMeter(clock: () => number = () => performance.now()): ProgressMeter {
  const samples: { at: number; done: number }[] = [];
  return {
    measure({ phase, filesDone, filesTotal, chunks, slowFile }) {
      const at = clock();
      samples.push({ at, done: filesDone });
      while (samples.length > 2 && at - samples[0]!.at > windowMs) samples.shift();
      const first = samples[0]!;
      const seconds = (at - first.at) / 1000;
      const filesPerSecond = seconds > 0 ? (filesDone - first.done) / seconds : 0;
      // While files are still being found nobody knows how many are left.
      const honest = phase === 'indexing' && filesPerSecond > 0;
      return {
        phase,
        filesDone,
        filesTotal,
        chunks,
        filesPerSecond: Math.round(filesPerSecond * 10) / 10,
        etaSeconds: honest ? Math.ceil((filesTotal - filesDone) / filesPerSecond) : null,
        slowFile,
      };
    },
  };
}
