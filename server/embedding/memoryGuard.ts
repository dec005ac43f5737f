import { totalmem } from 'node:os';
import { freeMemory } from '../system/freeMemory.ts';

export interface MemoryGuardOptions {
  /** A process that takes more is ended between two runs, in bytes. */
  ceilingBytes: number;
  /** Default: what the system says. */
  freeBytes?: (() => Promise<number>) | undefined;
}

/** Keeps the memory of embedding processes within bounds. */
export interface MemoryGuard {
  /** What a process has after its n-th run: `end` for one that is to be ended, `useless` when that does not help. */
  judge(rssBytes: number, runs: number): 'fine' | 'end' | 'useless';
  /** Whether there is room for another process. */
  hasRoom(): Promise<boolean>;
  /** What was done last, in a sentence; null for nothing. */
  readonly note: string | null;
}

const mb = 2 ** 20;
/** Of a process that was not seen yet: a small model of bytes, loaded (measured: 136 to 181 MB). */
const usualBytes = 200 * mb;
/** What is left to everybody else, at most, and as a share of the machine. */
const mostSpareBytes = 512 * mb;
const spareShare = 0.1;
/** A process that is above the ceiling after so few runs was so from the start; the second in a row settles it. */
const fewRuns = 3;
const uselessAfter = 2;

const megabytes = (bytes: number): string => `${Math.round(bytes / mb)} MB`;

export function createMemoryGuard({ ceilingBytes, freeBytes = freeMemory }: MemoryGuardOptions): MemoryGuard {
  let largest = usualBytes;
  let earlyEnds = 0;
  let note: string | null = null;
  return {
    get note() {
      return note;
    },
    judge(rssBytes, runs) {
      largest = Math.max(largest, rssBytes);
      if (rssBytes <= ceilingBytes) {
        if (runs > fewRuns) earlyEnds = 0;
        return 'fine';
      }
      earlyEnds = runs <= fewRuns ? earlyEnds + 1 : 0;
      note = `an embedding process was started anew, since it took ${megabytes(rssBytes)} where ${megabytes(ceilingBytes)} are allowed`;
      return earlyEnds >= uselessAfter ? 'useless' : 'end';
    },
    async hasRoom() {
      const spare = Math.min(mostSpareBytes, totalmem() * spareShare);
      return (await freeBytes()) >= spare + Math.min(largest, ceilingBytes);
    },
  };
}
