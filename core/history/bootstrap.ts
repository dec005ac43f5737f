export interface Estimate {
  mean: number;
  /** The 95 % interval. */
  low: number;
  high: number;
}

const draws = 2_000;

/** A small generator of random numbers in [0, 1) (mulberry32, Tommy Ettinger): the same seed, the same intervals. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The mean with its 95 % percentile bootstrap interval (Efron 1979). For a paired comparison give it the differences
 * of the pairs.
 */
export function estimate(values: readonly number[]): Estimate {
  if (values.length === 0) return { mean: 0, low: 0, high: 0 };
  const random = randomNumbers(values.length);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)]!;
    return sum / values.length;
  }).sort((a, b) => a - b);
  return { mean: mean(values), low: means[Math.floor(0.025 * draws)]!, high: means[Math.ceil(0.975 * draws) - 1]! };
}

/** The mean of the differences of pairs, with its interval. */
export const estimateDifference = (now: readonly number[], before: readonly number[]): Estimate =>
  estimate(now.map((value, i) => value - before[i]!));
