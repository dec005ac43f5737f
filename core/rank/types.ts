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

/** Vectors of chunks, for what compares more than a question with each. */
export interface ChunkVectors {
  has(path: string, index: number): boolean;
  /** Adds a chunk's vector, times a factor, to a sum. The chunk has one. */
  addTo(sum: Float32Array, path: string, index: number, factor: number): void;
  /** Of each file the highest cosine that one of its chunks has with a vector of unit length; -Infinity for none. */
  mostLike(vector: Float32Array, paths: readonly string[]): Float64Array;
  /** Adds the direction of the mean of a file's vectors, times a factor, to a sum; false for a file without one. */
  addMeanTo(sum: Float32Array, path: string, factor: number): boolean;
  /** Of each file the cosine of its mean with a vector of unit length; -Infinity for a file without one. */
  meansLike(vector: Float32Array, paths: readonly string[]): Float64Array;
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
  /** The question's vector, of unit length, and those of the chunks; without them there is no feedback from the first files. */
  vectors?: { question: Float32Array; chunks: ChunkVectors };
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
