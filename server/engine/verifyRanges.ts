import type { PackFile } from '../../core/pack/types.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type { Store, StoredFile } from '../store/index.ts';
import { contentOf, replaceStaleRanges, type CurrentSource, type SourceReader } from './sourceReader.ts';

export interface VerifyParts {
  store: Store;
  reader: SourceReader;
}

/** A file as it is on disk now. */
export interface CurrentFile {
  stored: StoredFile;
  source: CurrentSource;
  file: PackFile;
}

/** A ranked range, where its lines stand now. */
export interface VerifiedRange {
  range: RankedChunk;
  current: CurrentFile;
}

export function toPackFile(stored: StoredFile, source: CurrentSource): PackFile {
  const { fresh } = source;
  return {
    path: stored.path,
    language: stored.language,
    symbols: fresh?.symbols ?? stored.symbols,
    imports: fresh?.imports ?? stored.imports,
    lineCount: source.lineStarts.length - 1,
    slice: (startLine, endLine) => contentOf(source, { startLine, endLine }),
  };
}

/** Reads files once each. `stale` are those that have changed or vanished; the vanished are not in `files`. */
export async function readCurrent(
  { store, reader }: VerifyParts,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ files: Map<string, CurrentFile>; stale: string[] }> {
  const files = new Map<string, CurrentFile>();
  const stale: string[] = [];
  const known = await store.filesInfo([...new Set(paths)]);
  await Promise.all(
    known.map(async (stored) => {
      signal?.throwIfAborted();
      const source = await reader.read(stored);
      if (source === null || source.fresh !== null) stale.push(stored.path);
      if (source !== null) files.set(stored.path, { stored, source, file: toPackFile(stored, source) });
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
