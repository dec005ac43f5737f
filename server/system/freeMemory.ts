import { execFile } from 'node:child_process';
import { freemem } from 'node:os';

/**
 * What `vm_stat` of macOS calls free, and what it gives up when somebody asks (speculative, inactive), in bytes. Node
 * counts the first alone there, which is next to nothing on a healthy machine. Null when it cannot be read.
 */
export function readVmStat(output: string): number | null {
  const pageSize = Number(/page size of (\d+) bytes/.exec(output)?.[1]);
  const pages = ['free', 'speculative', 'inactive'].map((name) =>
    Number(new RegExp(`^Pages ${name}:\\s+(\\d+)`, 'm').exec(output)?.[1]),
  );
  const bytes = pages.reduce((sum, count) => sum + count, 0) * pageSize;
  return Number.isFinite(bytes) ? bytes : null;
}

/** Bytes that may be taken without anybody having to give back what they use; a limit of the container counts. */
export function freeMemory(platform: NodeJS.Platform = process.platform): Promise<number> {
  // Not in Node 20.11.
  const { availableMemory } = process as { availableMemory?: () => number };
  const known = Math.min(freemem(), availableMemory?.() ?? Infinity);
  if (platform !== 'darwin') return Promise.resolve(known);
  return new Promise((resolve) => {
    execFile('/usr/bin/vm_stat', { timeout: 5_000, encoding: 'utf8' }, (error, output) =>
      resolve(error === null ? (readVmStat(output) ?? known) : known),
    );
  });
}
