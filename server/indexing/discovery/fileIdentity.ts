import fs from 'node:fs';
import { isFileSystemError } from './gitRepository.ts';

/** What shows, without reading it again, that a file is still the one that was read. */
export interface FileIdentity {
  size: number;
  mtimeMs: number;
  /** Of the last change of anything about it: no program can set it, as it can set the time of modification. */
  ctimeMs: number;
  inode: number;
}

/**
 * Times of files move in steps: milliseconds on most disks, seconds on some. A file that was younger than this when it
 * was read could be written once more within the same step, with as many bytes: its times would not tell (git calls
 * such entries racy).
 */
const leastAgeMs = 3_000;

/**
 * Null when the times of a file do not tell whether it changes after it was read.
 * @param stats before and after it was read
 * @param readAt when reading began, by `Date.now()`
 */
export function identityOf(stats: fs.Stats, readAt: number): FileIdentity | null {
  const { size, mtimeMs, ctimeMs, ino: inode } = stats;
  // NTFS has times of change and ids as well; FAT has neither, and what is 0 tells nothing.
  if (inode === 0 || ctimeMs <= 0) return null;
  if (readAt - Math.max(mtimeMs, ctimeMs) < leastAgeMs) return null;
  return { size, mtimeMs, ctimeMs, inode };
}

/** Whether the path still leads to the very file that was read, unchanged. */
export function isStill(absolutePath: string, { size, mtimeMs, ctimeMs, inode }: FileIdentity): boolean {
  try {
    const now = fs.lstatSync(absolutePath);
    return now.isFile() && now.size === size && now.mtimeMs === mtimeMs && now.ctimeMs === ctimeMs && now.ino === inode;
  } catch (error) {
    if (isFileSystemError(error)) return false; // whoever reads it says what is wrong
    throw error;
  }
}
