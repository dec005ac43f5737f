import { findRepository } from './findRepository.ts';
import { runGit } from './gitProgram.ts';
import { diffTrees } from './treeFiles.ts';

/** What git has put into a workspace folder. Paths are relative to the folder, with '/'. */
export interface Checkout {
  head: string;
  /** Of the folder within its repository; '' at the top. */
  prefix: string;
  /** Files that are not as the head has them, and those that git does not know; a nested repository is one path. */
  changed: string[];
}

/** What is checked out in a folder; null where there is no repository, no commit, or no git. */
export async function readCheckout(folder: string, signal?: AbortSignal): Promise<Checkout | null> {
  const found = await findRepository(folder, signal);
  if (found.kind !== 'repository' || found.head === null) return null;
  const { head, prefix } = found;
  const answer = await runGit(
    folder,
    ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=dirty', '--', '.'],
    { signal },
  );
  if (answer.kind !== 'done') return null;
  // "XY path", relative to the top of the repository wherever git runs.
  const changed = answer.out
    .toString('utf8')
    .split('\0')
    .map((entry) => entry.slice(3))
    .filter((path) => path.startsWith(prefix) && path !== prefix)
    .map((path) => path.slice(prefix.length).replace(/\/$/, ''));
  return { head, prefix, changed };
}

/** Paths that differ between two commits in a folder; null where git cannot tell, as one of them is gone. */
export async function pathsBetween(
  folder: string,
  prefix: string,
  commits: readonly [from: string, to: string],
  signal?: AbortSignal,
): Promise<string[] | null> {
  const known = await runGit(folder, ['cat-file', '-e', `${commits[0]}^{commit}`], { signal });
  if (known.kind !== 'done') return null;
  return (await diffTrees(folder, prefix, commits, signal)).map(({ path }) => path);
}
