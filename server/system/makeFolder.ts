import fs from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and those above it. Node's own recursive mkdir never comes back where the system denies a folder
 * whose parent is there with ENOENT, as below /proc: here that is an error like any other.
 */
export function makeFolder(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    // Made by somebody else meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !fs.statSync(folder).isDirectory()) throw error;
  }
}
