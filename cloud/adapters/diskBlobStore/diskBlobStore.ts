import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rmdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobStoreError, type BlobInfo, type BlobStore } from '../../ports/blobStore.ts';
import type { OrgId } from '../../ports/organization.ts';
import { checkBlobFolder, checkBlobPath, checkBlobPrefix, checkListLimit, mostListed } from '../rules/blobRules.ts';
import { fileName, folderName, segmentOf } from './fileNames.ts';

export interface DiskBlobStoreOptions {
  /** Absolute; made when it is not there. Blobs lie in `orgs/{org}/…`, those that are being written in `tmp`. */
  root: string;
}

const isWindows = process.platform === 'win32';
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
/** What may pass: no space, too many open files, a fault of the device or the network drive. */
const passing = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO', 'EBUSY', 'EAGAIN', 'ETIMEDOUT', 'ESTALE']);
/** Windows refuses to replace a file that somebody reads. */
const busyOnWindows = new Set(['EPERM', 'EACCES', 'EBUSY']);
const mostTries = 20;
const leftoverMs = 3_600_000;

function failure(error: unknown): BlobStoreError {
  const code = codeOf(error);
  if (code === '') throw error;
  return new BlobStoreError(`the folder of the blobs refuses (${code})`, {
    isUnavailable: passing.has(code),
    cause: error,
  });
}

/** Undefined where there is no such file, or where a folder of its path is none. */
async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What was made, renamed or removed in a folder is on the disk afterwards. Windows does it by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (isWindows) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and those above it, which nobody but this user may read. Node's own way hangs where the system says
 * ENOENT of a folder whose parent is there.
 */
async function makeFolder(folder: string): Promise<void> {
  if ((await ifThere(stat(folder)))?.isDirectory() === true) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    // Made by somebody else meanwhile.
    if (codeOf(error) !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
  }
  await syncFolder(parent);
}

async function writeWhole(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Moves a file to a folder that is made for it: also where the folder is removed, being empty, at the same moment. */
async function moveInto(source: string, folder: string, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await makeFolder(folder);
      await rename(source, target);
      break;
    } catch (error) {
      const code = codeOf(error);
      if (tries >= mostTries || !(code === 'ENOENT' || (isWindows && busyOnWindows.has(code)))) throw error;
      await sleep(code === 'ENOENT' ? 0 : 5 * tries);
    }
  }
  // The folder may be gone again by now, with what was put.
  await ifThere(syncFolder(folder));
}

/** Removes a folder if it is empty. @returns whether it is gone. */
async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || (isWindows && busyOnWindows.has(code))) return false;
    throw error;
  }
}

/** Removes all in a folder and then the folder. @returns how many blobs there were. */
async function removeFolder(folder: string): Promise<number> {
  let count = 0;
  for (const entry of (await ifThere(readdir(folder, { withFileTypes: true }))) ?? []) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) count += await removeFolder(at);
    else if ((await ifThere(unlink(at).then(() => true))) && segmentOf(entry.name, 'file') !== undefined) count++;
  }
  await removeIfEmpty(folder);
  return count;
}

interface Walk {
  prefix: string;
  after: string;
}

interface Place {
  /** Of the blob, or of the folder with `/` at its end. */
  path: string;
  file: string;
  isFolder: boolean;
}

function placeOf(entry: Dirent, folder: string, above: string): Place | undefined {
  const isFolder = entry.isDirectory();
  const segment = isFolder || entry.isFile() ? segmentOf(entry.name, isFolder ? 'folder' : 'file') : undefined;
  if (segment === undefined) return undefined;
  return { path: `${above}${segment}${isFolder ? '/' : ''}`, file: path.join(folder, entry.name), isFolder };
}

function isWanted({ path: at, isFolder }: Place, { prefix, after }: Walk): boolean {
  if (!isFolder) return at.startsWith(prefix) && at > after;
  // All in it start with its path: they come after `after` unless that stands behind them all.
  return (at.startsWith(prefix) || prefix.startsWith(at)) && (at > after || after.startsWith(at));
}

/** The blobs in a folder, in the order of their paths. */
async function* blobsIn(folder: string, above: string, walk: Walk): AsyncGenerator<Place> {
  const entries = (await ifThere(readdir(folder, { withFileTypes: true }))) ?? [];
  const places = entries
    .map((entry) => placeOf(entry, folder, above))
    .filter((place) => place !== undefined)
    .filter((place) => isWanted(place, walk))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const place of places) {
    if (place.isFolder) yield* blobsIn(place.file, place.path, walk);
    else yield place;
  }
}

/**
 * Blobs as files. One becomes visible by a rename, after its bytes and before the folder's entry are on the disk.
 * Names are spelled so that every file system takes them: see folderName.
 */
export function diskBlobStore({ root }: DiskBlobStoreOptions): BlobStore {
  if (!path.isAbsolute(root)) throw new TypeError('the folder of the blobs is absolute');
  const scratch = path.join(root, 'tmp');
  let tidied: Promise<void> | undefined;

  const treeOf = (org: OrgId): string => path.join(root, 'orgs', org);
  const folderOf = (org: OrgId, segments: readonly string[]): string =>
    path.join(treeOf(org), ...segments.map(folderName));

  function placeFor(org: OrgId, blob: string): { folder: string; file: string } {
    checkBlobPath(blob);
    const segments = blob.split('/');
    const folder = folderOf(org, segments.slice(0, -1));
    return { folder, file: path.join(folder, fileName(segments.at(-1)!)) };
  }

  /** Removes what a killed process was writing. */
  async function tidy(): Promise<void> {
    await makeFolder(scratch);
    for (const name of await readdir(scratch)) {
      const file = path.join(scratch, name);
      const found = await ifThere(stat(file));
      if (found !== undefined && found.mtimeMs < Date.now() - leftoverMs) await ifThere(unlink(file));
    }
  }

  async function write(folder: string, file: string, content: Uint8Array): Promise<void> {
    tidied ??= tidy();
    try {
      await tidied;
    } catch (error) {
      tidied = undefined;
      throw error;
    }
    const draft = path.join(scratch, randomUUID());
    try {
      await writeWhole(draft, content);
      await moveInto(draft, folder, file);
    } catch (error) {
      await ifThere(unlink(draft));
      throw error;
    }
  }

  /** Empty folders from here up to the organization's go. */
  async function prune(org: OrgId, folder: string): Promise<void> {
    const tree = treeOf(org);
    let at = folder;
    while (at.startsWith(tree) && (await removeIfEmpty(at))) at = path.dirname(at);
    await ifThere(syncFolder(at));
  }

  async function infoOf(blob: string, file: string): Promise<BlobInfo | undefined> {
    const found = await ifThere(stat(file));
    return found === undefined ? undefined : { path: blob, bytes: found.size };
  }

  async function guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw failure(error);
    }
  }

  async function list(org: OrgId, walk: Walk, limit: number): Promise<{ blobs: BlobInfo[]; next: string | null }> {
    const blobs: BlobInfo[] = [];
    for await (const place of blobsIn(treeOf(org), '', walk)) {
      if (blobs.length === limit) return { blobs, next: blobs.at(-1)!.path };
      const info = await infoOf(place.path, place.file);
      if (info !== undefined) blobs.push(info);
    }
    return { blobs, next: null };
  }

  return {
    async put(org, blob, content) {
      const { folder, file } = placeFor(org, blob);
      await guarded(write(folder, file, content));
    },
    async get(org, blob) {
      const bytes = await guarded(ifThere(readFile(placeFor(org, blob).file)));
      return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    async head(org, blob) {
      return guarded(infoOf(blob, placeFor(org, blob).file));
    },
    async list(org, prefix, { after = '', limit = mostListed } = {}) {
      checkBlobPrefix(prefix);
      checkBlobPrefix(after);
      checkListLimit(limit);
      return guarded(list(org, { prefix, after }, limit));
    },
    async delete(org, paths) {
      const places = paths.map((blob) => placeFor(org, blob));
      const changed = new Set<string>();
      for (const { folder, file } of places)
        if (await guarded(ifThere(unlink(file).then(() => true)))) changed.add(folder);
      for (const folder of changed) await guarded(prune(org, folder));
    },
    async deleteFolder(org, prefix) {
      checkBlobFolder(prefix);
      const folder = folderOf(org, prefix.split('/').slice(0, -1));
      const count = await guarded(removeFolder(folder));
      await guarded(prune(org, prefix === '' ? folder : path.dirname(folder)));
      return count;
    },
    async presign(_org, blob) {
      checkBlobPath(blob);
      return undefined;
    },
    async health() {
      const probe = path.join(scratch, randomUUID());
      await guarded(makeFolder(scratch).then(() => writeWhole(probe, new Uint8Array(1))));
      await guarded(unlink(probe));
    },
    async close() {},
  };
}
