import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A work tree and where its git data lies. In a linked worktree `gitDir` and `commonDir` differ. */
export interface GitRepository {
  /** Absolute path of the folder that holds `.git`. */
  top: string;
  gitDir: string;
  /** Holds config and info/exclude, shared by all worktrees. */
  commonDir: string;
}

/** The repository whose top is exactly `folder`, or null. `.git` may be a folder or a file with `gitdir:`. */
export function repositoryAt(folder: string): GitRepository | null {
  const gitDir = gitDirOf(path.join(folder, '.git'));
  if (gitDir === null || !exists(path.join(gitDir, 'HEAD'))) return null;
  const common = readText(path.join(gitDir, 'commondir'))?.trimEnd();
  return { top: folder, gitDir, commonDir: common === undefined ? gitDir : path.resolve(gitDir, common) };
}

/** The repository that `folder` lies in, looking upwards; null if there is none. */
export function repositoryAround(folder: string): GitRepository | null {
  for (let at = folder; ; at = path.dirname(at)) {
    const found = repositoryAt(at);
    if (found !== null) return found;
    if (path.dirname(at) === at) return null;
  }
}

function gitDirOf(dotGit: string): string | null {
  const stats = statSync(dotGit, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  if (stats.isDirectory()) return dotGit;
  if (!stats.isFile()) return null;
  const target = /^gitdir: (.+?)[\r\n]*$/s.exec(readText(dotGit) ?? '')?.[1];
  return target === undefined ? null : path.resolve(path.dirname(dotGit), target);
}

const exists = (file: string): boolean =>
  readable(() => statSync(file, { throwIfNoEntry: false }) !== undefined) === true;

const readText = (file: string): string | undefined => readable(() => readFileSync(file, 'utf8'));

/** Git data that is absent or closed to us counts as absent: the folder is then no repository to us. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isFileSystemError(error)) return undefined;
    throw error;
  }
}

/** An error of the operating system (ENOENT, EACCES, ELOOP …), as opposed to a bug. */
export function isFileSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error;
}
