import { runGit } from './runGit.ts';

/** Files that git tracks although a pattern matches them, and the folders above them; relative paths, '/' between. */
export interface TrackedPaths {
  files: ReadonlySet<string>;
  /** Each ends in '/'. */
  folders: ReadonlySet<string>;
}

export const noTrackedPaths: TrackedPaths = { files: new Set(), folders: new Set() };

/**
 * Asks git for the tracked files below `folder` that its patterns match; `prefix` (ends in '/' or is '') is put before
 * each. Without git, outside a repository or when git refuses, nothing counts as tracked.
 */
export async function readTrackedIgnored(folder: string, prefix: string, signal?: AbortSignal): Promise<TrackedPaths> {
  const printed = await runGit(folder, ['ls-files', '-z', '-c', '-i', '--exclude-standard'], signal);
  if (printed === null || printed === '') return noTrackedPaths;
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const name of Buffer.from(printed, 'latin1').toString('utf8').split('\0')) {
    if (name === '') continue;
    const path = prefix + name;
    files.add(path);
    addFoldersAbove(path, folders);
  }
  return { files, folders };
}

function addFoldersAbove(path: string, folders: Set<string>): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const folder = path.slice(0, slash + 1);
    if (folders.has(folder)) return;
    folders.add(folder);
  }
}
