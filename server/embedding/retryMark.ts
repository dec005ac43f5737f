import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../system/makeFolder.ts';

/** In the cache folder: touched when somebody has seen that embedding works here. */
const name = 'embedding-works';

/** Tells all processes of this user, whatever they have given up, that embedding works. */
export function touchRetryMark(cacheDir: string): void {
  const file = path.join(cacheDir, name);
  try {
    makeFolder(cacheDir);
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, `${new Date().toISOString()}\n`);
  } catch (error) {
    // A cache that cannot be written is told elsewhere; the others try again when their time has come.
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  }
}

/** Another text each time that it was touched; '' when it never was, or cannot be read. */
export function readRetryMark(cacheDir: string): string {
  try {
    const { mtimeMs, ino } = fs.statSync(path.join(cacheDir, name));
    return `${mtimeMs} ${ino}`;
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    return '';
  }
}
