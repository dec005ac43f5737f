/** A file to analyse. */
export interface SourceText {
  /** Relative to the root of the project, with `/`. */
  path: string;
  text: string;
}

/** What the search index keeps of a file: packed, in the form of the local index. */
export interface AnalyzedSource {
  kind: 'analyzed';
  language: string;
  role: string;
  chunkedBy: string;
  lineCount: number;
  syntaxErrors: boolean;
  chunkCount: number;
  symbolCount: number;
  chunks: Uint8Array;
  symbols: Uint8Array;
  links: Uint8Array;
  /** With the terms it uses. */
  words: Uint8Array;
  /** 16 bytes of each chunk. */
  digests: Uint8Array;
}

/** A file that is not searched, with the reason as the local index gives it. */
export interface SkippedSource {
  kind: 'skipped';
  reason: string;
  detail: string;
}

export type SourceAnalysis = AnalyzedSource | SkippedSource;

/** Chunks, definitions, links and words of texts, made by the code of the local engine. */
export interface SourceAnalyzer {
  /** Changes whenever an unchanged text would come out otherwise. */
  readonly version: string;
  /**
   * An analysis for each file, in their order. What a file may hold is never an error: one that takes too long, or on
   * which the parser dies, is skipped with that reason.
   */
  analyze(files: readonly SourceText[]): Promise<SourceAnalysis[]>;
  close(): Promise<void>;
}
