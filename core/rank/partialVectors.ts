/** Which chunks have a vector, where not all of them have one yet. */
export interface EmbeddedChunks {
  /** Of all chunks, above 0 and below 1. */
  share: number;
  has: (path: string, index: number) => boolean;
}

/** However few have vectors, so many may gain: those are the candidates of the question. */
const leastDepth = 20;

/** How many of the embedded chunks gain, so that of a tenth of all chunks not as many gain as of all. */
export function depthOf(embedded: EmbeddedChunks | undefined, depth: number): number {
  if (embedded === undefined) return depth;
  return Math.min(depth, Math.max(leastDepth, Math.round(depth * embedded.share)));
}

/** A chunk's score by words as a share of the best one, and its nearness in meaning, both 0 to 1. */
export interface KnownNearness {
  share: number;
  near: number;
}

/**
 * How near chunks usually are that have so much of the question's words: a line through the origin, by least squares
 * over those that have a vector. It stands in for the nearness of the others: without it a chunk would fall behind
 * for want of a vector (single imputation by regression; Little and Rubin, "Statistical Analysis with Missing Data").
 */
export function expectedNearness(known: readonly KnownNearness[]): (share: number) => number {
  let [products, squares] = [0, 0];
  for (const { share, near } of known) {
    products += share * near;
    squares += share * share;
  }
  const slope = squares > 0 ? products / squares : 0;
  return (share) => Math.min(1, slope * share);
}
