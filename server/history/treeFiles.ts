import { gitText, startGit } from './gitProgram.ts';

export interface TreeFile {
  /** Relative to the workspace folder. */
  path: string;
  /** Id of its content; null where there is no regular file (any more). */
  blob: string | null;
}

const isRegular = (mode: string): boolean => mode === '100644' || mode === '100755';

/** The tree of the workspace folder at a commit. */
const treeOf = (commit: string, prefix: string): string => `${commit}:${prefix.replace(/\/$/, '')}`;

/** Every regular file of a commit: no links, no submodules. */
export async function listTree(
  folder: string,
  prefix: string,
  commit: string,
  signal?: AbortSignal,
): Promise<TreeFile[]> {
  const out = await gitText(folder, ['ls-tree', '-r', '-z', '--full-tree', treeOf(commit, prefix)], { signal });
  return out.split('\0').flatMap((entry) => {
    const found = /^(\d+) \w+ ([0-9a-f]+)\t(.+)$/s.exec(entry);
    return found !== null && isRegular(found[1]!) ? [{ path: found[3]!, blob: found[2]! }] : [];
  });
}

/** What differs between two commits. */
export async function diffTrees(
  folder: string,
  prefix: string,
  [from, to]: readonly [string, string],
  signal?: AbortSignal,
): Promise<TreeFile[]> {
  const out = await gitText(
    folder,
    ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-ext-diff', treeOf(from, prefix), treeOf(to, prefix)],
    { signal },
  );
  const tokens = out.split('\0');
  const files: TreeFile[] = [];
  for (let at = 0; at + 1 < tokens.length; at += 2) {
    const found = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) \w$/.exec(tokens[at]!);
    if (found !== null) files.push({ path: tokens[at + 1]!, blob: isRegular(found[1]!) ? found[2]! : null });
  }
  return files;
}

export interface BlobReader {
  /** The bytes as they are in the repository, without filters; null if they are not there (a partial clone). */
  read(blob: string): Promise<Buffer | null>;
  close(): void;
}

const newline = 10;

/** One `git cat-file --batch` process; it answers in order. */
export function openBlobs(folder: string, signal?: AbortSignal): BlobReader {
  const child = startGit(folder, ['cat-file', '--batch'], signal);
  const waiting: { resolve: (bytes: Buffer | null) => void; reject: (error: Error) => void }[] = [];
  let pieces: Buffer[] = [];
  let length = 0;
  /** Bytes that the answer at the front takes, its last line break included; undefined before its first line is in. */
  let wanted: number | undefined;
  let ended: Error | undefined;

  function end(error: Error): void {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  }

  /** The first line of an answer: `ID blob SIZE`, or `ID missing`. */
  function takeHead(): boolean {
    const bytes = Buffer.concat(pieces);
    const at = bytes.indexOf(newline);
    if (at < 0) return false;
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(bytes.toString('latin1', 0, at))?.[1];
    pieces = [bytes.subarray(at + 1)];
    length = bytes.length - at - 1;
    if (size === undefined) waiting.shift()?.resolve(null);
    else wanted = Number(size) + 1;
    return true;
  }

  function takeBody(): boolean {
    if (wanted === undefined || length < wanted) return false;
    const bytes = Buffer.concat(pieces);
    waiting.shift()?.resolve(bytes.subarray(0, wanted - 1));
    pieces = [bytes.subarray(wanted)];
    length -= wanted;
    wanted = undefined;
    return true;
  }

  child.stdout.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    length += chunk.length;
    while (wanted === undefined ? takeHead() : takeBody());
  });
  // What it says and how it ends are told by the answers that do not come.
  child.stdin.on('error', () => undefined);
  child.stderr.resume();
  child.once('error', end);
  child.once('close', () => end(new Error('git cat-file ended')));
  return {
    read: (blob) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        waiting.push({ resolve, reject });
        child.stdin.write(`${blob}\n`);
      }),
    close: () => void child.stdin.end(),
  };
}
