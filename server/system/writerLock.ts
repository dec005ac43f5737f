import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { isRunning } from './isRunning.ts';

/** Who writes in a folder; the content of its lock file. */
export interface LockOwner {
  pid: number;
  host: string;
  startedAt: string;
  id: string;
  /** Start time of the process in clock ticks since boot, where the system tells: guards against reused pids. */
  processStart: string | null;
  /** What people call the program; null where it does not say. */
  program: string | null;
}

export interface WriterLock {
  readonly owner: LockOwner;
  /** Is the lock file still this one? Asked before each publication. */
  held(): boolean;
  release(): void;
}

/** A lock of another host cannot be asked whether its process lives: it counts as dead after so long without a beat. */
const foreignStaleMs = 120_000;
const beatMs = 20_000;

function processStart(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null; // no /proc on this system, or no such process: kill(pid, 0) decides
  }
}

/** The owner named in a lock file; null if there is none or it cannot be read as one. */
export function readLock(file: string): LockOwner | null {
  try {
    const owner = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<LockOwner>;
    if (typeof owner.pid !== 'number' || typeof owner.host !== 'string' || typeof owner.id !== 'string') return null;
    return {
      pid: owner.pid,
      host: owner.host,
      id: owner.id,
      startedAt: owner.startedAt ?? '',
      processStart: owner.processStart ?? null,
      program: typeof owner.program === 'string' ? owner.program : null,
    };
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isStale(file: string, owner: LockOwner): boolean {
  if (owner.host === hostname()) {
    if (!isRunning(owner.pid)) return true;
    const now = processStart(owner.pid);
    return owner.processStart !== null && now !== null && now !== owner.processStart;
  }
  // A beat from the future is one of a clock that was put back: it says as little as an old one.
  return Math.abs(Date.now() - fs.statSync(file).mtimeMs) > foreignStaleMs;
}

/** What a lock file says of its owner. */
export type LockState =
  | { kind: 'free' }
  /** Not a lock of ours, or cut off in the middle. */
  | { kind: 'unreadable' }
  | { kind: 'held' | 'stale'; owner: LockOwner; isForeign: boolean };

export function describeLock(dir: string): LockState {
  const file = path.join(dir, 'index.lock');
  const owner = readLock(file);
  if (owner === null) return fs.existsSync(file) ? { kind: 'unreadable' } : { kind: 'free' };
  try {
    return { kind: isStale(file, owner) ? 'stale' : 'held', owner, isForeign: owner.host !== hostname() };
  } catch (error) {
    // Given back in between.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'free' };
    throw error;
  }
}

/** Writes the whole lock elsewhere and links it into place: nobody sees a half-written lock, and only one wins. */
function create(file: string, owner: LockOwner): boolean {
  const temporary = `${file}.${owner.id}.tmp`;
  try {
    fs.writeFileSync(temporary, JSON.stringify(owner));
    fs.linkSync(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    // No hard links on this file system.
    return createExclusively(file, owner);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

function createExclusively(file: string, owner: LockOwner): boolean {
  try {
    fs.writeFileSync(file, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead owner's lock away, unless somebody else has taken it meanwhile. */
function removeStale(file: string, stale: LockOwner): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}.stale`;
  try {
    fs.renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readLock(aside);
  // Two cleaners: the second one has moved a fresh lock; give it back.
  if (moved !== null && moved.id !== stale.id && !fs.existsSync(file)) fs.renameSync(aside, file);
  else fs.rmSync(aside, { force: true });
}

/** What could not be read for so long is no lock that is being written. */
const cutOffMs = 60_000;

/** Whether nobody will come back for a file beside the lock: its process is gone, or it was cut off long ago. */
function isAbandoned(file: string): boolean {
  try {
    const owner = readLock(file);
    return owner === null ? Date.now() - fs.statSync(file).mtimeMs > cutOffMs : isStale(file, owner);
  } catch (error) {
    // Taken away in between.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Removes what processes left that were killed while they took the lock, or moved a dead one away. */
function removeLeftovers(file: string): void {
  const folder = path.dirname(file);
  const begins = `${path.basename(file)}.`;
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(begins) || !/^[0-9a-f]+\.(?:tmp|stale)$/.test(name.slice(begins.length))) continue;
    const left = path.join(folder, name);
    if (isAbandoned(left)) fs.rmSync(left, { force: true });
  }
}

/**
 * Takes the lock of a folder, or says who has it.
 * @param program what the owner calls itself, for those who find the folder taken.
 */
export function takeLock(dir: string, program: string | null = null, name = 'index.lock'): WriterLock | LockOwner {
  const file = path.join(dir, name);
  const owner: LockOwner = {
    pid: process.pid,
    host: hostname(),
    startedAt: new Date().toISOString(),
    id: randomBytes(8).toString('hex'),
    processStart: processStart(process.pid),
    program,
  };
  for (let attempt = 0; attempt < 5; attempt++) {
    if (create(file, owner)) {
      const lock = heldLock(file, owner);
      removeLeftovers(file);
      return lock;
    }
    const other = readLock(file);
    if (other === null) fs.rmSync(file, { force: true });
    else if (isStale(file, other)) removeStale(file, other);
    else return other;
  }
  return readLock(file) ?? owner;
}

function heldLock(file: string, owner: LockOwner): WriterLock {
  const held = (): boolean => readLock(file)?.id === owner.id;
  const beat = setInterval(() => {
    const now = new Date();
    if (held()) fs.utimesSync(file, now, now);
  }, beatMs);
  beat.unref();
  const release = (): void => {
    clearInterval(beat);
    process.off('exit', release);
    if (held()) fs.rmSync(file, { force: true });
  };
  process.on('exit', release);
  return { owner, held, release };
}

export const isWriterLock = (lock: WriterLock | LockOwner): lock is WriterLock => 'release' in lock;
