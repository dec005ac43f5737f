import type { SearchOptions } from '../rank/types.ts';
import type { VectorTable } from './vectorTable.ts';

/**
 * What the vectors of an index say about a question: its nearest chunks, what feedback needs, and which chunks have a
 * vector where not all do.
 * @throws {RangeError} for a question of other dimensions
 */
export function meaningOf(
  table: VectorTable | undefined,
  question: Float32Array,
  depth: number,
): Pick<SearchOptions, 'meaning' | 'embedded' | 'vectors'> {
  if (table === undefined || table.size === 0) return {};
  const meaning = table.nearest(question, depth);
  const vectors = { question, chunks: table };
  if (table.size === table.chunks) return { meaning, vectors };
  const embedded = {
    share: table.size / table.chunks,
    has: (path: string, index: number) => table.has(path, index),
  };
  return { meaning, vectors, embedded };
}
