import fs from 'node:fs';
import type { FileStamp } from '../../store/types.ts';

export type EntryKind = 'file' | 'folder' | 'link' | 'fifo' | 'socket' | 'device';

export interface FolderEntry {
  name: string;
  kind: EntryKind;
  /** False for a name that is not valid UTF-8: `name` then shows it, but cannot be opened. */
  nameIsText: boolean;
}

/** The entries of a folder in the order of their names. Rejects with the system's error. */
export async function listFolder(folder: string): Promise<FolderEntry[]> {
  const dirents = await readDirents(folder);
  const entries = await Promise.all(dirents.map((dirent) => toEntry(folder, dirent)));
  if (entries.some(({ name }) => name.includes('\ufffd'))) await markBadNames(folder, entries);
  return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

// The callback forms cost a third of what fs.promises does: a walk makes thousands of these calls.
const readDirents = (folder: string): Promise<fs.Dirent[]> =>
  new Promise((resolve, reject) => {
    fs.readdir(folder, { withFileTypes: true }, (error, dirents) =>
      error === null ? resolve(dirents) : reject(error),
    );
  });

/** Size, time and type of a path itself, links not followed. Rejects with the system's error. */
export const statEntry = (file: string): Promise<fs.Stats> =>
  new Promise((resolve, reject) => {
    fs.lstat(file, (error, stats) => (error === null ? resolve(stats) : reject(error)));
  });

/** What `statEntry` finds for each name in `folder`, or the error; one promise for all, since there are thousands. */
export function statEntries(folder: string, names: readonly string[]): Promise<(fs.Stats | NodeJS.ErrnoException)[]> {
  return new Promise((resolve) => {
    const found = new Array<fs.Stats | NodeJS.ErrnoException>(names.length);
    let left = names.length;
    if (left === 0) resolve(found);
    names.forEach((name, i) => {
      fs.lstat(`${folder}/${name}`, (error, stats) => {
        found[i] = error ?? stats;
        if (--left === 0) resolve(found);
      });
    });
  });
}

export const stampOf = (stats: fs.Stats): FileStamp => ({
  size: stats.size,
  mtimeMs: stats.mtimeMs,
  inode: stats.ino,
});

type Typed = Pick<fs.Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>;

export function kindOf(typed: Typed): EntryKind {
  if (typed.isFile()) return 'file';
  if (typed.isDirectory()) return 'folder';
  if (typed.isSymbolicLink()) return 'link';
  if (typed.isFIFO()) return 'fifo';
  return typed.isSocket() ? 'socket' : 'device';
}

async function toEntry(folder: string, dirent: fs.Dirent): Promise<FolderEntry> {
  const { name } = dirent;
  const kind = kindOf(dirent);
  // Some file systems do not say the type when they list.
  const unsure = kind === 'device' && !dirent.isBlockDevice() && !dirent.isCharacterDevice();
  if (!unsure) return { name, kind, nameIsText: true };
  return { name, kind: kindOf(await statEntry(`${folder}/${name}`)), nameIsText: true };
}

/** U+FFFD in a name is either that very character, or what stands for bytes that are no UTF-8: the bytes tell. */
async function markBadNames(folder: string, entries: FolderEntry[]): Promise<void> {
  const names = await new Promise<Buffer[]>((resolve, reject) => {
    fs.readdir(folder, { encoding: 'buffer' }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });
  const good = new Set(names.filter(isUtf8Name).map(String));
  for (const entry of entries) if (!good.has(entry.name)) entry.nameIsText = false;
}

const isUtf8Name = (name: Buffer): boolean => Buffer.from(name.toString('utf8'), 'utf8').equals(name);
