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

/** What the index knows of one file, without its words. */
export interface StoredFile extends KnownFile {
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  chunks: Chunk[];
  symbols: CodeSymbol[];
}

export interface FoundSymbolRow extends CodeSymbol {
  path: string;
}

export interface StoreCounts {
  files: number;
  chunks: number;
  symbols: number;
  lines: number;
  /** Largest first. */
  languages: { language: string; files: number }[];
  truncatedChunks: number;
  filesWithSyntaxErrors: number;
  generation: number;
  /** ISO time of the last completed run that changed something. */
  lastIndexedAt: string | null;
  /** Size of index.db; 0 before the first checkpoint. */
  diskBytes: number;
}

/** One save: all of it or nothing becomes visible. */
export interface StoreUpdate {
  put: AnalyzedFile[];
  touch: ({ path: string } & FileStamp)[];
  remove: string[];
  skip: SkippedRecord[];
  unskip: string[];
}

export interface SearchRequest {
  limit: number;
  /** Folders or globs; empty means everything. */
  sources: string[];
  explain?: boolean;
}
