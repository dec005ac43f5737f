import type { NearChunk } from './types.ts';

/**
 * Cosines as shares: 1 for the nearest chunk, falling to 0 at the `depth`-th (or the last). What a cosine means differs
 * from model to model; how the best stand out from the rest does not.
 */
export function nearness(
  nearest: readonly NearChunk[],
  depth: number,
): { path: string; index: number; value: number }[] {
  const high = nearest[0]?.similarity ?? 0;
  const low = nearest[Math.min(depth, nearest.length) - 1]?.similarity ?? 0;
  const range = high - low;
  return nearest.slice(0, depth).flatMap(({ path, index, similarity }) => {
    const value = range > 0 ? (similarity - low) / range : 1;
    return value > 0 ? [{ path, index, value }] : [];
  });
}
