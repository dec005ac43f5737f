/**
 * What things are worth in a pack, next to 1 for the body of the best range. Measured with `npm run bench -- packing`:
 * how much of what was asked for stands in the pack.
 */
export interface PackWeights {
  /** A range is worth its score, relative to the best one's, to this power: confidence falls faster than scores. */
  steepness: number;
  /** What each further body of a file is worth, next to the one before: a question is seldom about one file alone. */
  sameFile: number;
  /** A signature in place of the body. */
  signature: number;
  /** A name in place of the body. */
  name: number;
  /** The header of a definition around a body, next to the body. */
  header: number;
  /** An import that a body uses, next to the body. */
  import: number;
  /** The signature of a definition that a body uses, next to the body; only when dependencies are asked for. */
  usedSignature: number;
  /** The same for its body. */
  usedBody: number;
}

export const defaultPackWeights: PackWeights = {
  steepness: 8,
  sameFile: 0.97,
  signature: 0.1,
  name: 0.04,
  header: 0.1,
  import: 0.025,
  usedSignature: 0.12,
  usedBody: 0.3,
};
