/** Texts up to so many tokens pay in a batch; from twice as many on, each runs alone best (measured). */
export const shortTokens = 128;
const maxBatch = 8;
/** Tokens of a batch, padding included: it takes no longer than the longest single text. */
const maxBatchTokens = 512;
/** The shortest text of a batch has at least this share of the tokens of the longest. */
const minShare = 0.7;

/**
 * Which texts go into the next run: always the first, and with it the short ones of nearly its length.
 * `lengths` are in tokens. Gives positions, ascending.
 */
export function planRun(lengths: readonly number[]): number[] {
  const first = lengths[0];
  if (first === undefined) return [];
  if (first > shortTokens) return [0];
  const nearest = [...lengths.keys()]
    .filter((index) => index > 0 && lengths[index]! <= shortTokens)
    .sort((a, b) => Math.abs(lengths[a]! - first) - Math.abs(lengths[b]! - first) || a - b);
  const chosen = [0];
  let [shortest, longest] = [first, first];
  for (const index of nearest) {
    const low = Math.min(shortest, lengths[index]!);
    const high = Math.max(longest, lengths[index]!);
    if (low < high * minShare || high * (chosen.length + 1) > maxBatchTokens || chosen.length === maxBatch) break;
    [shortest, longest] = [low, high];
    chosen.push(index);
  }
  return chosen.sort((a, b) => a - b);
}
