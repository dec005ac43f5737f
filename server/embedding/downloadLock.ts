import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { isRunning } from '../system/isRunning.ts';
import { makeFolder } from '../system/makeFolder.ts';

/** Who downloads a model; the content of the lock file. */
export interface Downloader {
  pid: number;
  host: string;
  startedAt: string;
  id: string;
}

export interface DownloadLock {
  release(): Promise<void>;
}

const beatMs = 5_000;
/** Without a beat for so long its owner is dead or its machine asleep. Ids of processes are given again, beats are not. */
const staleMs = 60_000;

/** Beside the folder of the model, which is renamed into place as a whole. */
const lockFile = (modelDir: string): string => `${modelDir}.lock`;

async function readOwner(file: string): Promise<Downloader | null> {
  try {
    const { pid, host, startedAt, id } = JSON.parse(await readFile(file, 'utf8')) as Partial<Downloader>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof id !== 'string') return null;
    return { pid, host, startedAt: startedAt ?? '', id };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Milliseconds since the last beat; null when the file has gone. */
async function silence(file: string): Promise<number | null> {
  try {
    return Date.now() - (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function isStale(file: string, owner: Downloader | null): Promise<boolean> {
  const silent = await silence(file);
  if (silent === null) return true;
  // A file without an owner is being written just now, or was left by a crash.
  if (owner === null) return silent > beatMs;
  if (owner.host === hostname() && !isRunning(owner.pid)) return true;
  return silent > staleMs;
}

/** Who downloads the model of this folder just now; null for nobody. */
export async function readDownload(modelDir: string): Promise<Downloader | null> {
  const file = lockFile(modelDir);
  const owner = await readOwner(file);
  return owner === null || (await isStale(file, owner)) ? null : owner;
}

/** Moves a dead owner's lock away. Two may do so at once: each moves what it has judged, the other finds it gone. */
async function removeStale(file: string, judged: Downloader | null): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}.stale`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = await readOwner(aside);
  if (moved !== null && moved.id !== judged?.id) await rename(aside, file);
  else await rm(aside, { force: true });
}

async function create(file: string, owner: Downloader): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(JSON.stringify(owner));
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function held(file: string, owner: Downloader): DownloadLock {
  const beat = setInterval(() => {
    const now = new Date();
    // Taken away by somebody who thought us dead: the download goes on, its last step is atomic all the same.
    utimes(file, now, now).catch(() => undefined);
  }, beatMs);
  beat.unref();
  return {
    async release() {
      clearInterval(beat);
      if ((await readOwner(file))?.id === owner.id) await rm(file, { force: true });
    },
  };
}

/** Takes the right to download the model of this folder, or says who has it. */
export async function takeDownload(modelDir: string): Promise<DownloadLock | Downloader> {
  const file = lockFile(modelDir);
  makeFolder(path.dirname(file));
  const owner: Downloader = {
    pid: process.pid,
    host: hostname(),
    startedAt: new Date().toISOString(),
    id: randomBytes(8).toString('hex'),
  };
  for (;;) {
    if (await create(file, owner)) return held(file, owner);
    const other = await readOwner(file);
    if (await isStale(file, other)) await removeStale(file, other);
    else if (other !== null) return other;
    // Written just now: in a moment it says whose it is.
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const isDownloadLock = (lock: DownloadLock | Downloader): lock is DownloadLock => 'release' in lock;
