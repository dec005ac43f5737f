import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { isRunning } from '../system/isRunning.ts';

/** Containers share a temporary folder, but not their process ids: only what this host has made is judged by them. */
const prefixOf = (purpose: string): string => `contextkit-${purpose}-${hostname().replace(/[^\w.]/g, '_')}-`;

/** Removes folders of processes that were killed before they could do it themselves. */
function removeAbandoned(prefix: string): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isRunning(Number(pid))) continue;
    try {
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      // Somebody else's: theirs to remove.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM') throw error;
    }
  }
}

/** Removes the folder when the work is over, also when the process is told to end at once; a killed one's at the next time. */
export async function withTemporaryFolder<T>(purpose: string, work: (folder: string) => Promise<T>): Promise<T> {
  const prefix = prefixOf(purpose);
  removeAbandoned(prefix);
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  try {
    return await work(folder);
  } finally {
    process.removeListener('exit', remove);
    remove();
  }
}
