import fs from 'node:fs';
import path from 'node:path';

/** Why the whole folder is looked at again. */
export type ScanReason = 'polled' | 'head moved' | 'woke up' | 'came back';

export interface FollowOptions {
  root: string;
  /** `auto` polls where no events can be hoped for. */
  watch: 'auto' | 'poll' | 'off';
  pollSeconds: number;
  /** The client tells of files that change outside the editor. */
  clientWatches: boolean;
  /** Compares all stamps; content is read only of what differs. */
  scan: (reason: ScanReason) => Promise<void>;
  /** The folder is gone, until `scan` is called with 'came back'. */
  onGone: () => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

export interface Follower {
  readonly polls: boolean;
  stop(): void;
}

const tickMs = 1_000;
/** A tick that is so late means that the machine slept: what happened meanwhile nobody told. */
const sleptMs = 5_000;

/** File systems whose changes are made elsewhere, by the magic numbers of statfs(2): events do not arrive. */
const distant: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2 and later
  0x01021997, // 9P: Windows drives under WSL
  0x5346414f, // AFS
  0x00c36400, // Ceph
  0x786f4256, // shared folders of VirtualBox
  0xbacbacbc, // shared folders of VMware
]);

const absentCodes = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ESTALE']);

/** What `ask` gives, or null where the path is not there or not to be had. */
function orNull<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (absentCodes.has(String((error as NodeJS.ErrnoException).code))) return null;
    throw error;
  }
}

/** Whether changes are made on another machine. False where the system does not say. */
export function isDistant(folder: string): boolean {
  // Windows answers 0 for every drive; a share is known by its name.
  if (process.platform === 'win32') return folder.startsWith('\\\\');
  const type = orNull(() => fs.statfsSync(folder).type);
  return type !== null && distant.has(type >>> 0);
}

/** The git folder of the work tree around a folder, and the one its branches lie in (another one for a worktree). */
function gitFolders(folder: string): { own: string; common: string } | null {
  for (let at = folder; ; at = path.dirname(at)) {
    const dotGit = path.join(at, '.git');
    const stats = fs.statSync(dotGit, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return { own: dotGit, common: dotGit };
    if (stats?.isFile() === true) {
      const named = /^gitdir: (.+)$/m.exec(fs.readFileSync(dotGit, 'utf8'))?.[1];
      if (named === undefined) return null;
      const own = path.resolve(at, named);
      const common = orNull(() => fs.readFileSync(path.join(own, 'commondir'), 'utf8').trim());
      return { own, common: common === null ? own : path.resolve(own, common) };
    }
    if (path.dirname(at) === at) return null;
  }
}

/** What is checked out, as the files of git say it, without asking git: two small files a second. Null where none is. */
export function readHead(folder: string): string | null {
  const git = orNull(() => gitFolders(folder));
  if (git === null) return null;
  const head = orNull(() => fs.readFileSync(path.join(git.own, 'HEAD'), 'utf8').trim());
  const branch = head === null ? undefined : /^ref: (.+)$/.exec(head)?.[1];
  if (head === null || branch === undefined) return head;
  const commit = orNull(() => fs.readFileSync(path.join(git.common, ...branch.split('/')), 'utf8').trim());
  if (commit !== null) return `${head} ${commit}`;
  const packed = orNull(() => fs.statSync(path.join(git.common, 'packed-refs')));
  return `${head} ${packed === null ? 'unborn' : packed.mtimeMs}`;
}

/** Sees to it that what nobody tells of is noticed: branches, sleep, drives without events, a folder that comes and goes. */
export function followFolder(options: FollowOptions): Follower {
  const { root, watch, pollSeconds, clientWatches, scan, onGone, log } = options;
  const polls = watch === 'poll' || (watch === 'auto' && (!clientWatches || isDistant(root)));
  if (watch === 'off') return { polls: false, stop: () => undefined };
  log('following', { polls, everySeconds: polls ? pollSeconds : null });

  let head = readHead(root);
  let tickedAt = Date.now();
  let scannedAt = Date.now();
  let isGone = false;
  let scanning: Promise<void> | undefined;

  function reasonToScan(now: number): ScanReason | null {
    const there = orNull(() => fs.statSync(root))?.isDirectory() === true;
    if (!there) {
      if (!isGone) onGone();
      isGone = true;
      return null;
    }
    const cameBack = isGone;
    isGone = false;
    const before = head;
    head = readHead(root);
    if (cameBack) return 'came back';
    // Also when the clock was put back: what the time says then is worth nothing.
    if (Math.abs(now - tickedAt - tickMs) > sleptMs) return 'woke up';
    if (head !== before) return 'head moved';
    return polls && now - scannedAt >= pollSeconds * 1_000 ? 'polled' : null;
  }

  function tick(): void {
    const now = Date.now();
    // One after the other; a reason that comes up meanwhile is not lost, since nothing of it is taken as seen.
    if (scanning !== undefined) return;
    let reason: ScanReason | null = null;
    try {
      reason = reasonToScan(now);
    } catch (error) {
      // A disk that fails now may answer a second later; a bug is not hidden.
      if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
      log('folder could not be looked at', { message: String(error) });
    }
    tickedAt = now;
    if (reason === null) return;
    if (reason !== 'polled') log('folder looked at again', { reason });
    scanning = scan(reason)
      .catch((error: unknown) => log('folder could not be looked at again', { reason, message: String(error) }))
      .finally(() => {
        scanning = undefined;
        scannedAt = Date.now();
        tickedAt = Date.now();
      });
  }

  const timer = setInterval(tick, tickMs);
  timer.unref();
  return { polls, stop: () => clearInterval(timer) };
}
