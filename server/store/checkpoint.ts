import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isRunning } from '../system/isRunning.ts';

const retryCodes = new Set(['EPERM', 'EBUSY', 'EACCES']);

/** Windows refuses to replace a file while a virus scanner or a reader has it open: a few tries, then the error. */
function renameWithRetry(from: string, to: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      fs.renameSync(from, to);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (process.platform !== 'win32' || attempt === 8 || code === undefined || !retryCodes.has(code)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 * 2 ** attempt);
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there; the rename is journalled
  const handle = await fs.promises.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Puts new bytes in place of a file so that readers and a crash see the old ones or the new ones: temporary file of a
 * random name, fsync, rename, fsync of the folder. `mayPublish` is asked at the last moment; false leaves all as it was.
 * The disk is waited for without keeping the thread.
 */
export async function replaceFile(file: string, bytes: Uint8Array, mayPublish: () => boolean): Promise<boolean> {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await fs.promises.open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!mayPublish()) return false;
    renameWithRetry(temporary, file);
    await syncFolder(path.dirname(file));
    return true;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Removes what writers that are gone have left beside the index. Only the holder of the lock may call it. */
export function removeStaleTemporaries(folder: string, base: string): void {
  for (const name of fs.readdirSync(folder)) {
    const pid = /^\.(\d+)\.[0-9a-f]+\.tmp$/.exec(name.slice(base.length))?.[1];
    if (name.startsWith(base) && pid !== undefined && !isRunning(Number(pid)))
      fs.rmSync(path.join(folder, name), { force: true });
  }
}

/** Keeps one damaged index for a look into it; returns its new name. */
export function setAside(file: string): string {
  const folder = path.dirname(file);
  const base = path.basename(file);
  for (const name of fs.readdirSync(folder)) {
    if (name.startsWith(`${base}.damaged-`)) fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  const aside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  renameWithRetry(file, aside);
  return path.basename(aside);
}
