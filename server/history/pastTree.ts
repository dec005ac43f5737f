import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { diffTrees, listTree, openBlobs, type TreeFile } from './treeFiles.ts';

/** A folder that holds the files of a past commit. */
export interface PastTree {
  /** Brings the folder to a commit; the paths that changed are returned, all of them the first time. */
  moveTo(commit: string): Promise<string[]>;
  close(): void;
}

export interface PastTreeOptions {
  /** A folder of the repository; nothing in it is touched. */
  folder: string;
  /** Of the folder in its work tree; only what lies below it is written. */
  prefix: string;
  /** An empty folder of ours. */
  target: string;
  /** Larger files are not written. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

const sniffedBytes = 8_192;
/** Contents asked for at once; bounds memory. */
const atOnce = 64;

/** A tree can hold any name; a name that leads elsewhere is not followed. */
const isSafe = (name: string): boolean =>
  name
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !/^\.git$/i.test(part) && !/[\\:\0]/.test(part));

/** Git does not apply ignore files to what it tracks, and all of a commit is tracked. */
const isWanted = (name: string): boolean => isSafe(name) && !/(?:^|\/)\.gitignore$/.test(name);

/** Files come straight from git's objects: the work tree, the index, the refs and the filters of the user stay out of it. */
export function openPastTree({ folder, prefix, target, maxBytes, signal }: PastTreeOptions): PastTree {
  const blobs = openBlobs(folder, signal);
  let at: string | undefined;
  // Where the tree ends: without it the ignore files of a repository around it would apply.
  mkdirSync(path.join(target, '.git'));
  writeFileSync(path.join(target, '.git', 'HEAD'), 'ref: refs/heads/none\n');

  async function write({ path: name, blob }: TreeFile): Promise<void> {
    const bytes = await blobs.read(blob!);
    if (bytes === null || bytes.length > maxBytes || bytes.subarray(0, sniffedBytes).includes(0)) return;
    const file = path.join(target, ...name.split('/'));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }

  return {
    async moveTo(commit) {
      const changes = (
        at === undefined
          ? await listTree(folder, prefix, commit, signal)
          : await diffTrees(folder, prefix, [at, commit], signal)
      ).filter((file) => isWanted(file.path));
      for (const file of at === undefined ? [] : changes)
        rmSync(path.join(target, ...file.path.split('/')), { recursive: true, force: true });
      const written = changes.filter(({ blob }) => blob !== null);
      for (let i = 0; i < written.length; i += atOnce) {
        signal?.throwIfAborted();
        await Promise.all(written.slice(i, i + atOnce).map(write));
      }
      at = commit;
      return changes.map((file) => file.path);
    },
    close: () => blobs.close(),
  };
}
