import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const ticksPerSecond = 100;

interface Times {
  parent: number;
  /** Of the process and of those below it that have ended. */
  seconds: number;
}

/** Undefined for a process that has ended meanwhile. */
function timesOf(pid: string): Times | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The name stands in parentheses and may hold anything; what follows are numbers.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return { parent: Number(fields[1]), seconds: ticks / ticksPerSecond };
}

/** Processor time that a process, and all that it has started, have used so far. */
export function cpuSecondsOf(pid: number): number {
  const all = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const times = timesOf(name);
        return times === undefined ? [] : [[Number(name), times] as const];
      }),
  );
  const isBelow = (each: number): boolean => {
    for (let at: number | undefined = each; at !== undefined && at > 1; at = all.get(at)?.parent)
      if (at === pid) return true;
    return false;
  };
  return [...all].reduce((sum, [each, { seconds }]) => (isBelow(each) ? sum + seconds : sum), 0);
}

/** The most that a process with its threads held in memory so far. */
export function peakMbOf(pid: number): number {
  const kb = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}
