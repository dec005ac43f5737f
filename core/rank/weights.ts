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
  /** Weight of a definition whose whole name the query spells out. */
  wholeName: number;
  /** Weight of two neighbouring words of the query that code joins into one. */
  pair: number;
  /** Weight of terms that stand only in later lines of the query, next to 1 in the first. */
  later: number;
  /** Weight of words that say what kind of change is asked for, such as `fix`. */
  change: number;
  /** Weight of the score by related stems (`auth` for `authentication`). */
  near: number;
  /** Weight of the score of the path's words, at file level. */
  path: number;
  /** Share that a word of a path counts which only begins like one of the query, such as `auth`. */
  pathNear: number;
  /** How much more a path's words weigh that a change message names before its colon. */
  inScope: number;
  /** Weight of the share of the query's terms that the file's own name holds. */
  stem: number;
  /** Weight of the file name's match, by how much of the whole query it covers. */
  covers: number;
  /** How much of a test's score (before its prior) goes to the source file that it is named after. */
  tests: number;
  /** How much a file gains that has all words of the query, in whatever places, as a share of its score. */
  coverage: number;
  /** How much of a long file has to have a word for it to count wholly for that: 0 for one place, however long it is. */
  coverageLength: number;
  /** What the score of a file of declarations is multiplied with. */
  declaration: number;
  /** How many of the best files pass some of their score on to the files around them. */
  seeds: number;
  /** Share that passes along imports, both ways. */
  importNear: number;
  /** Share that passes along calls, both ways. */
  callNear: number;
  /** Share that passes to files of the same folder. */
  folderNear: number;
  /** How much of its score before its prior a test passes on. */
  testVoice: number;
  /** What a doubling of the number of its importers adds to a file's score, as a share of it: decides ties. */
  central: number;
  /** How much the second, third … best chunk of a file adds to the best one. */
  support: number;
  /** How many further chunks count. */
  supportDepth: number;
  /** How much a file's score grows when it was changed lately, at most by this share. */
  recency: number;
  /** How much of the score of the best files goes to the files that were changed together with them. */
  coChange: number;
  /** Weight of past commits whose subject resembles the query, for the files that they changed. */
  pastChanges: number;
  /** What the chunk nearest in meaning gains, as a share of the best score by words. */
  meaning: number;
  /** What the file of that chunk gains besides. */
  meaningFile: number;
  /** So many chunks gain for their meaning, each less than the one before. */
  meaningDepth: number;
  /** What a chunk loses of its nearness (1 for the nearest one) where the prior of its role is 0; in proportion above. */
  meaningPrior: number;
  /**
   * What these weights are multiplied with where vectors take part, which do some of their work; `neighbours` are
   * those by imports and by calls.
   */
  besideMeaning: { near: number; spread: number; neighbours: number };
  /**
   * The first `files` are what others are compared with: the question moves towards their best chunks by `pull` of its
   * length, and their `whole` counts for so much of the likeness. What is least alike falls back as if it lost `most` of
   * its score (`besideHistory` where past changes take part, which say what belongs together, too); the first ones, as
   * many as it `keeps`, stay where they are.
   */
  feedback: { files: number; pull: number; most: number; besideHistory: number; keeps: number; whole: number };
  /** 0 keeps the ranges of a file together, 1 orders them by their own score within the file's. */
  spread: number;
  /** What a file's score is multiplied with, unless the query asks for its role. */
  prior: Record<FileRole, number>;
}

/**
 * Raised whenever a weight comes to mean something else, or a signal comes or goes that others were balanced against:
 * weights that a repository has fitted for itself are then no longer used.
 */
export const rankingVersion = 4;

export const defaultWeights: RankingWeights = {
  k1: 1.2,
  b: 0.5,
  comment: 0.8,
  exact: 0.4,
  name: 0.5,
  scope: 0.2,
  definition: 1,
  wholeName: 1,
  pair: 0.25,
  later: 0.7,
  change: 0.7,
  near: 0.3,
  path: 0.6,
  pathNear: 0.8,
  inScope: 4,
  stem: 1,
  covers: 1,
  tests: 0.3,
  coverage: 0.45,
  coverageLength: 0.35,
  declaration: 0.7,
  seeds: 30,
  importNear: 0.46,
  callNear: 0.33,
  folderNear: 0.1,
  testVoice: 0.6,
  central: 0.01,
  support: 0.1,
  supportDepth: 2,
  recency: 0.1,
  coChange: 0.1,
  pastChanges: 0.8,
  meaning: 0.3,
  meaningFile: 0.2,
  meaningDepth: 200,
  meaningPrior: 0.3,
  besideMeaning: { near: 2 / 3, spread: 1.2, neighbours: 0.65 },
  feedback: { files: 8, pull: 0.7, most: 0.45, besideHistory: 0.25, keeps: 4, whole: 0.35 },
  spread: 0.5,
  prior: { source: 1, test: 0.3, docs: 0.4, example: 0.4, generated: 0.4, config: 0.5, vendored: 0.3 },
};
