import type { AnalyzedWords } from '../../core/lexical/types.ts';
import type { Chunk, ChunkedBy, CodeSymbol, FileRole, SkipReason } from '../../core/model.ts';

/** What change detection compares, cheapest first. */
export interface FileStamp {
  /** Bytes. */
  size: number;
  mtimeMs: number;
  inode: number;
}

/** A file as a parse worker hands it over. */
export interface AnalyzedFile extends FileStamp {
  path: string;
  /** Hex digest of the bytes on disk. */
  hash: string;
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  chunks: Chunk[];
  symbols: CodeSymbol[];
  words: AnalyzedWords;
}

/** A path that is not indexed although it is not ignored, with what was known when that was decided. */
export interface SkippedRecord extends FileStamp {
  path: string;
  reason: SkipReason;
  detail: string;
}

export interface KnownFile extends FileStamp {
  path: string;
  hash: string;
}
