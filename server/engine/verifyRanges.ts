import type { RankedChunk } from '../../core/rank/types.ts';
import type { FileNow, Store } from '../store/index.ts';
import { toCurrentFile, type CurrentFile } from './currentFile.ts';
import type { KeptSource, KeptSources } from './keptSources.ts';
import { replaceStaleRanges, type SourceReader } from './sourceReader.ts';

export interface VerifyParts {
  store: Store;
  reader: SourceReader;
  kept: KeptSources;
}

/** A ranked range, where its lines stand now. */
export interface VerifiedRange {
  range: RankedChunk;
  current: CurrentFile;
}

/** What was kept of a file as long as it is true; what is read is kept for the next question. */
async function readOne(
  { reader, kept }: VerifyParts,
  { path, version, file }: FileNow,
  held: KeptSource | undefined,
): Promise<CurrentFile | null> {
  if (file === null && held !== undefined && kept.isTrue(held)) return held.current;
  const stored = file ?? held!.current.stored;
  const source = await reader.read(stored);
  if (source === null || source.fresh !== null) {
    kept.drop(path);
    return source === null ? null : toCurrentFile(stored, source);
  }
  // Touched, or too young to be trusted: the same content, by its hash.
  const current = file === null ? held!.current : toCurrentFile(stored, source);
  kept.keep({ version, identity: source.identity, current });
  return current;
}

/** Reads files once each. `stale` are those that have changed or vanished; the vanished are not in `files`. */
export async function readCurrent(
  parts: VerifyParts,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ files: Map<string, CurrentFile>; stale: string[] }> {
  const files = new Map<string, CurrentFile>();
  const stale: string[] = [];
  const held = new Map([...new Set(paths)].map((path) => [path, parts.kept.get(path)]));
  const known = await parts.store.filesNow([...held].map(([path, each]) => ({ path, held: each?.version })));
  await Promise.all(
    known.map(async (now) => {
      signal?.throwIfAborted();
      const current = await readOne(parts, now, held.get(now.path));
      if (current === null || current.source.fresh !== null) stale.push(now.path);
      if (current !== null) files.set(now.path, current);
    }),
  );
  return { files, stale: stale.sort() };
}

const inOrder = (a: RankedChunk, b: RankedChunk): number =>
  b.score - a.score || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.startLine - b.startLine);

/** Ranges of changed files are replaced, those of vanished files dropped. */
export async function verifyRanges(
  parts: VerifyParts,
  query: string,
  ranked: readonly RankedChunk[],
  signal: AbortSignal | undefined,
): Promise<{ ranges: VerifiedRange[]; files: Map<string, CurrentFile>; stale: string[] }> {
  const byPath = new Map<string, RankedChunk[]>();
  for (const range of ranked) {
    const list = byPath.get(range.path);
    if (list === undefined) byPath.set(range.path, [range]);
    else list.push(range);
  }
  const { files, stale } = await readCurrent(parts, [...byPath.keys()], signal);
  const ranges = [...files].flatMap(([path, current]) => {
    const { fresh } = current.source;
    const before = byPath.get(path)!;
    const now = fresh === null ? before : replaceStaleRanges(query, before, fresh);
    return now.map((range) => ({ range, current }));
  });
  return { ranges: ranges.sort((a, b) => inOrder(a.range, b.range)), files, stale };
}
