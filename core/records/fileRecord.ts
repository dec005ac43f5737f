import type { AnalyzedWords } from '../lexical/types.ts';
import type { ChunkedBy, FileRole } from '../model.ts';

/** What the analysis of a text gives: packed at once, as it travels and is stored. */
export interface FileRecord {
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  /** As `encodeChunks` writes them. */
  chunks: Uint8Array;
  chunkCount: number;
  /** As `encodeSymbols` writes them. */
  symbols: Uint8Array;
  words: AnalyzedWords;
  /** Imports, calls and types of variables, as `encodeLinks` writes them. */
  links: Uint8Array;
  /** Of each chunk 16 bytes of a SHA-256 of its `chunkText`: by them vectors are found. */
  digests: Uint8Array;
}
