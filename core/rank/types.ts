import type { EmbeddedChunks } from './partialVectors.ts';
import type { FileWords } from '../lexical/types.ts';
import type { ChangeSignals } from '../history/types.ts';
import type { FileRole } from '../model.ts';
import type { RankingWeights } from './weights.ts';

/** One file as the search index takes it. */
export interface SearchableFile {
  path: string;
  language: string;
  role: FileRole;
  /** Flat triples startLine, endLine, model tokens. */
  chunks: Uint32Array;
  /** Term ids are those of the index's dictionary. */
  words: FileWords;
}

/** A chunk by its file and its place among the file's chunks, with the cosine of its vector and the question's. */
export interface NearChunk {
  path: string;
  index: number;
  similarity: number;
}

export interface SearchOptions {
  /** At most so many ranges. */
  limit: number;
  /** Only files it says yes to. */
  accept?: (path: string) => boolean;
  /** Fill `parts`. */
  explain?: boolean;
  /** In place of the index's own. */
  weights?: RankingWeights;
  /** The chunks most like the question in meaning, best first; none where there are no vectors. */
  meaning?: readonly NearChunk[];
  /** Where only some chunks have a vector; without it all of them have one. */
  embedded?: EmbeddedChunks;
  /** What is known of past changes; asked for only when a weight wants it, null when nothing is known. */
  signals?: () => ChangeSignals | null;
}

/** A named share of a score; see RankedChunk.parts. */
export interface ScorePart {
  name: string;
  value: number;
  detail?: string;
}

export interface RankedChunk {
  path: string;
  language: string;
  role: FileRole;
  startLine: number;
  endLine: number;
  tokens: number;
  score: number;
  parts?: ScorePart[];
}
