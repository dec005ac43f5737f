import { readdirSync, readFileSync } from 'node:fs';

const sampleEveryMs = 100;

export interface MemoryMeter {
  /** The most that the process and all below it held together, in a sample. */
  peakMb(): number;
  stop(): void;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

/** Children of a process, as Linux lists them; none elsewhere. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readIfThere(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`))?.[1];
  const below = childrenOf(pid).reduce((sum, child) => sum + residentMb(child), 0);
  return below + (kb === undefined ? 0 : Number(kb) / 1024);
}

/** Samples resident memory of a process and its children. */
export function createMemoryMeter(pid: number): MemoryMeter {
  let peak = 0;
  const sample = (): void => void (peak = Math.max(peak, residentMb(pid)));
  const timer = setInterval(sample, sampleEveryMs);
  return {
    peakMb() {
      sample();
      return peak;
    },
    stop: () => clearInterval(timer),
  };
}
