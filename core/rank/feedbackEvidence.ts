import type { ChunkScorer } from './chunkScorer.ts';
import type { ChunkTable } from './chunkTable.ts';
import type { FileScores } from './fileScores.ts';
import type { ChunkVectors, SearchOptions } from './types.ts';
import type { RankingWeights } from './weights.ts';

/** So many of the best files are compared with the first ones. */
export const comparedFiles = 100;
/** By likeness, those from this one on have none. */
const leastLike = 50;

/** Of a file without a vector. */
const unknown = -Infinity;

type Vectors = NonNullable<SearchOptions['vectors']>;

/** A file that the others are compared with. */
interface Seed {
  place: number;
  score: number;
}

/**
 * What the files found last have in common with those found first: a change or an answer is seldom in one file alone,
 * and its other files often lack the words of the question. The question's vector is moved towards the best chunks of
 * the first files (Rocchio 1971, "Relevance feedback in information retrieval", with the first answers taken for
 * relevant ones; with vectors of language models Li et al. 2021, "Pseudo relevance feedback with deep language seeds
 * and dense retrievers"), and files are compared as a whole as well. Those that are less alike fall back.
 *
 * Files exchange their places and, with them, their scores: how much of an answer goes to the first ones stays as it is.
 */
export class FeedbackEvidence {
  readonly #table: ChunkTable;
  readonly #scorer: ChunkScorer;

  constructor(table: ChunkTable, scorer: ChunkScorer) {
    this.#table = table;
    this.#scorer = scorer;
  }

  /**
   * Fills `feedback`, and adds it to the scores.
   * @param best places of the best files, best first
   * @param known whether past changes take part, and whether the question names a file, which keeps its place as the
   * first ones do
   */
  weigh(
    best: readonly number[],
    scores: FileScores,
    weights: RankingWeights,
    vectors: Vectors,
    { history, isNamed }: { history: boolean; isNamed: (place: number) => boolean },
  ): void {
    const { keeps } = weights.feedback;
    const most = history ? weights.feedback.besideHistory : weights.feedback.most;
    if (most === 0) return;
    const likeness = this.#likeness(best.slice(0, comparedFiles), scores, weights, vectors);
    if (likeness === null) return;
    const lowered = best.map((place, i) => {
      const share = i < keeps || isNamed(place) ? 1 : (likeness[i] ?? 0);
      return scores.score[place]! * (1 - most * (1 - share));
    });
    const inOrder = [...best.keys()].sort((a, b) => lowered[b]! - lowered[a]! || a - b);
    const given = best.map((place) => scores.score[place]!);
    inOrder.forEach((from, to) => {
      const place = best[from]!;
      scores.feedback[place] = given[to]! - given[from]!;
      scores.score[place] = given[to]!;
    });
  }

  /** Of each file, how much it is like the first ones, 0 to 1; null where these have no vector. */
  #likeness(
    places: readonly number[],
    { score }: FileScores,
    { feedback: { files, pull, whole } }: RankingWeights,
    vectors: Vectors,
  ): Float64Array | null {
    const seeds = places.slice(0, files).map((place): Seed => ({ place, score: score[place]! }));
    const moved = this.#moveQuestion(seeds, pull, vectors);
    if (moved === null) return null;
    const paths = places.map((place) => this.#table.fileAt(place).path);
    const byChunk = asShares(vectors.chunks.mostLike(moved, paths));
    const byFile = asShares(this.#likenessToOthers(seeds, paths, vectors));
    return byChunk.map((share, i) => (1 - whole) * share + whole * byFile[i]!);
  }

  /** The question and `pull` times the mean of the best chunks of these files, by their scores. */
  #moveQuestion(seeds: readonly Seed[], pull: number, { question, chunks }: Vectors): Float32Array | null {
    const sum = new Float32Array(question.length);
    let total = 0;
    for (const { place, score } of seeds) {
      const index = this.#bestChunk(place, chunks);
      if (index === null) continue;
      chunks.addTo(sum, this.#table.fileAt(place).path, index, score);
      total += score;
    }
    if (total === 0) return null;
    return ofUnitLength(question.map((value, i) => value + (pull * sum[i]!) / total));
  }

  /** The mean cosine of each file with the first ones but itself, by their scores. The first files come first. */
  #likenessToOthers(seeds: readonly Seed[], paths: readonly string[], { question, chunks }: Vectors): Float64Array {
    const sum = new Float32Array(question.length);
    const own = seeds.map(({ score }, i) => (chunks.addMeanTo(sum, paths[i]!, score) ? score : 0));
    const total = own.reduce((all, score) => all + score, 0);
    const length = lengthOf(sum);
    return chunks.meansLike(ofUnitLength(sum, length), paths).map((cosine, i) => {
      const rest = total - (own[i] ?? 0);
      // With itself a file has a cosine of 1.
      return cosine === unknown || rest <= 0 ? unknown : (cosine * length - (own[i] ?? 0)) / rest;
    });
  }

  /** Of the chunks that have a vector the one with the highest score of its own, by its number in the file. */
  #bestChunk(place: number, chunks: ChunkVectors): number | null {
    const { path, firstChunk, chunkCount } = this.#table.fileAt(place);
    let best: number | null = null;
    let highest = -Infinity;
    for (let index = 0; index < chunkCount; index++) {
      const score = this.#scorer.scoreOf(firstChunk + index);
      if (score <= highest || !chunks.has(path, index)) continue;
      best = index;
      highest = score;
    }
    return best;
  }
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.sqrt(squares);
}

function ofUnitLength(vector: Float32Array, length = lengthOf(vector)): Float32Array {
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** 1 for what is most alike, falling to 0; what is not known is taken to be as much alike as the others on average. */
function asShares(likeness: Float64Array): Float64Array {
  const known = likeness
    .filter((value) => value !== unknown)
    .sort()
    .reverse();
  if (known.length === 0) return likeness.fill(1);
  const [high, low] = [known[0]!, known[Math.min(leastLike, known.length) - 1]!];
  const shareOf = (value: number): number => (high > low ? Math.max(0, (value - low) / (high - low)) : 1);
  const mean = known.reduce((sum, value) => sum + shareOf(value), 0) / known.length;
  return likeness.map((value) => (value === unknown ? mean : shareOf(value)));
}
