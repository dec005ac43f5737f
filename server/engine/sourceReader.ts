import { lstatSync } from 'node:fs';
import type { ImportLink } from '../../core/graph/types.ts';
import type { Chunk, CodeSymbol } from '../../core/model.ts';
import { lineStartsOf, sliceLines } from '../../core/lexical/lineStarts.ts';
import { TermDictionary } from '../../core/lexical/termDictionary.ts';
import { SearchIndex } from '../../core/rank/searchIndex.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type { ParsePool } from '../indexing/parsePool.ts';
import type { FileIdentity } from '../indexing/discovery/fileIdentity.ts';
import { isFileSystemError } from '../indexing/discovery/gitRepository.ts';
import { readSource } from '../indexing/discovery/readSource.ts';
import { toOsPath } from '../indexing/discovery/workspacePath.ts';
import { decodeChunkRanges, decodeChunks, decodeImports, decodeSymbols } from '../../core/records/fileRecords.ts';
import type { AnalyzedFile, FileStamp } from '../store/types.ts';

/** What the index says of a file, as far as reading it again needs it. */
export interface IndexedSource extends FileStamp {
  path: string;
  hash: string;
}

/** A file that was analysed for one answer. */
export interface FreshFile {
  file: AnalyzedFile;
  chunks: Chunk[];
  symbols: CodeSymbol[];
  imports: ImportLink[];
}

/** A file as it is on disk now. */
export interface CurrentSource {
  text: string;
  lineStarts: Uint32Array;
  /** The analysis of the new content, when it is not what the index knows. */
  fresh: FreshFile | null;
  /** By which it can be told later that it has not changed; null when it cannot. */
  identity: FileIdentity | null;
}

export interface SourceReader {
  /** Null when the file is gone or can no longer be indexed. */
  read(known: IndexedSource): Promise<CurrentSource | null>;
  /** Size, time and inode are what the index knows, which is how an index run tells as well. */
  isUntouched(known: IndexedSource): boolean;
}

export interface SourceReaderOptions {
  root: string;
  maxFileKb: number;
  pool: () => ParsePool;
}

const hashMatchesNothing = '';

const toCurrent = (
  { text, identity }: { text: string; identity: FileIdentity | null },
  fresh: FreshFile | null,
): CurrentSource => ({ text, lineStarts: lineStartsOf(text), fresh, identity });

/** Reads files for an answer and checks them against the index: what has changed is analysed on the spot. */
export function createSourceReader({ root, maxFileKb, pool }: SourceReaderOptions): SourceReader {
  async function analyze(known: IndexedSource): Promise<AnalyzedFile | null> {
    const { size, mtimeMs, inode } = known;
    const outcomes = await pool().parse([
      { path: known.path, stamp: { size, mtimeMs, inode }, knownHash: hashMatchesNothing },
    ]);
    const outcome = outcomes[0];
    return outcome?.kind === 'analyzed' ? outcome.file : null;
  }

  return {
    isUntouched({ path, size, mtimeMs, inode }) {
      try {
        const stats = lstatSync(toOsPath(root, path));
        return stats.isFile() && stats.size === size && stats.mtimeMs === mtimeMs && stats.ino === inode;
      } catch (error) {
        if (isFileSystemError(error)) return false; // whoever reads it says what is wrong
        throw error;
      }
    },

    async read(known) {
      const source = readSource(toOsPath(root, known.path), known, { maxFileKb });
      if (source.kind === 'skip') return null;
      if (source.hash === known.hash) return toCurrent(source, null);
      const file = await analyze(known);
      if (file === null) return null;
      const again = readSource(toOsPath(root, known.path), file, { maxFileKb });
      // Changed once more between the two reads: better left out of this answer than shown wrong.
      if (again.kind === 'skip' || again.hash !== file.hash) return null;
      const fresh = {
        file,
        chunks: decodeChunks(file.chunks),
        symbols: decodeSymbols(file.symbols),
        imports: decodeImports(file.links),
      };
      return toCurrent(again, fresh);
    },
  };
}

/** Text of a range as it is shown: without the newline of its last line. */
export function contentOf(source: CurrentSource, range: { startLine: number; endLine: number }): string {
  return sliceLines(source.text, source.lineStarts, range.startLine, range.endLine);
}

/**
 * The ranges of a changed file in place of those that the index ranked: as many as before, the best by the words of
 * the query within this file, each with the score that the old range of the same place had.
 */
export function replaceStaleRanges(query: string, stale: readonly RankedChunk[], { file }: FreshFile): RankedChunk[] {
  const terms = new TermDictionary();
  const index = new SearchIndex(terms);
  const ids = file.words.terms.map((term) => terms.idOf(term));
  index.put({
    path: file.path,
    language: file.language,
    role: file.role,
    chunks: decodeChunkRanges(file.chunks).flat,
    words: { ...file.words, termIds: file.words.termIds.map((local) => ids[local]!) },
  });
  return index.search(query, { limit: stale.length }).map((range, i) => ({ ...range, score: stale[i]!.score }));
}

/** The innermost scope of the chunk that holds a line. */
export function scopeAt(chunks: readonly Pick<Chunk, 'startLine' | 'endLine' | 'scope'>[], line: number): string {
  return chunks.find((chunk) => chunk.startLine <= line && line <= chunk.endLine)?.scope ?? '';
}
