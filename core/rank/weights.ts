import type { FileRole } from '../model.ts';

/** Every constant of the ranking, in one place; what each buys is measured by the retrieval benchmark. */
export interface RankingWeights {
  /** BM25 saturation. */
  k1: number;
  /** BM25 length normalisation of a chunk. */
  b: number;
  /** Weight of an occurrence in a comment, next to 1 for one in code. */
  comment: number;
  /** Share of the whole-word score; the rest is scored by stems. */
  exact: number;
  /** Weight of the separate BM25 over the names defined in a chunk. */
  name: number;
  /** Weight of the rarity of a query term that stands in a chunk's scope line. */
  scope: number;
  /** Weight of the rarity of a name that the query holds exactly as a chunk defines it. */
  definition: number;
  /** Weight of the score by related stems (`auth` for `authentication`). */
  near: number;
  /** Weight of the score of the path's words, at file level. */
  path: number;
  /** Weight of the share of the query's terms that the file's own name holds. */
  stem: number;
  /** Weight of the file name's match, by how much of the whole query it covers. */
  covers: number;
  /** How much of a test's score (before its prior) goes to the source file that it is named after. */
  tests: number;
  /** How much the second, third … best chunk of a file adds to the best one. */
  support: number;
  /** How many further chunks count. */
  supportDepth: number;
  /** 0 keeps the ranges of a file together, 1 orders them by their own score within the file's. */
  spread: number;
  /** What a file's score is multiplied with, unless the query asks for its role. */
  prior: Record<FileRole, number>;
}

export const defaultWeights: RankingWeights = {
  k1: 1.2,
  b: 0.5,
  comment: 0.8,
  exact: 0.5,
  name: 0.5,
  scope: 0.2,
  definition: 0.6,
  near: 0.3,
  path: 0.6,
  stem: 0.6,
  covers: 1,
  tests: 0.3,
  support: 0.2,
  supportDepth: 2,
  spread: 0.5,
  prior: { source: 1, test: 0.4, docs: 0.4, example: 0.4, generated: 0.4, config: 0.5, vendored: 0.3 },
};
