import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { manifestName, manifestText } from './modelFolders.ts';
import type { ModelSpec } from './types.ts';

/** Windows holds on to files that were just written, for a virus scanner to look at them. */
async function renamePatiently(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (process.platform !== 'win32' || attempt >= 10 || !/^(EPERM|EACCES|EBUSY)$/.test(code)) throw error;
      await sleep(100 * attempt);
    }
  }
}

/** Writes the manifest and puts the folder in the place of what was there. */
export async function putInPlace(incoming: string, folder: string, spec: ModelSpec): Promise<void> {
  const handle = await open(path.join(incoming, manifestName), 'w');
  try {
    await handle.writeFile(manifestText(spec));
    await handle.sync();
  } finally {
    await handle.close();
  }
  const aside = `${folder}.${randomBytes(6).toString('hex')}.old`;
  try {
    await renamePatiently(folder, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await renamePatiently(incoming, folder);
  await rm(aside, { recursive: true, force: true });
}
