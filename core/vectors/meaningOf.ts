import type { ChunkVectors, SearchOptions } from '../rank/types.ts';
import type { VectorTable } from './vectorTable.ts';

/**
 * What the vectors of an index say about a question: its nearest chunks, and which chunks have a vector where not all do.
 * @throws {RangeError} for a question of other dimensions
 */
export function meaningOf(
  table: VectorTable | undefined,
  question: Float32Array,
  depth: number,
): Pick<SearchOptions, 'meaning' | 'embedded' | 'vectors'> {
  if (table === undefined || table.size === 0) return {};
  const meaning = table.nearest(question, depth);
  const vectors: ChunkVectors = {
    question,
    has: (path, index) => table.has(path, index),
    addTo: (sum, path, index, factor) => table.addTo(sum, path, index, factor),
    meanOf: (path) => table.meanOf(path),
    mostLike: (vector, paths) => table.mostLike(vector, paths),
  };
  if (table.size === table.chunks) return { meaning, vectors };
  return {
    meaning,
    vectors,
    embedded: { share: table.size / table.chunks, has: (path, index) => table.has(path, index) },
  };
}
