/**
 * The words of one file, as a parse worker sends them and the store keeps them.
 *
 * Chunk `c` owns the pairs `chunkOffsets[c] .. chunkOffsets[c + 1]`; pair `p` says that the term
 * `termIds[p]` occurs in that chunk as often as `counts[p]` says (see `packCounts`).
 * Within a chunk each term stands once. `termIds` are local (indexes into `terms`) while files travel
 * from a parse worker, and global (ids of the index's term dictionary) once the store has taken it.
 */
export interface FileWords {
  chunkOffsets: Uint32Array;
  termIds: Uint32Array;
  counts: Uint32Array;
}

export interface AnalyzedWords extends FileWords {
  /**
   * What the local ids stand for: distinct terms in order of first use. One list serves all files of a batch, so
   * that it travels once with them; it may hold terms of which this file has none.
   */
  terms: readonly string[];
}

/**
 * Occurrences by field: in code, in comments and doc strings, among the names defined in the chunk, and in its
 * scope line (`Server › listen`). 11, 10, 7 and 4 bits; larger counts saturate (BM25 does not see the difference).
 */
export interface FieldCounts {
  body: number;
  comment: number;
  name: number;
  scope: number;
}

const bodyMax = 0x7ff;
const commentMax = 0x3ff;
const nameMax = 0x7f;
const scopeMax = 0xf;

export function packCounts(body: number, comment: number, name: number, scope: number): number {
  const b = body > bodyMax ? bodyMax : body;
  const c = comment > commentMax ? commentMax : comment;
  const n = name > nameMax ? nameMax : name;
  const s = scope > scopeMax ? scopeMax : scope;
  return (b | (c << 11) | (n << 21) | (s << 28)) >>> 0;
}

export const bodyCount = (packed: number): number => packed & bodyMax;
export const commentCount = (packed: number): number => (packed >>> 11) & commentMax;
export const nameCount = (packed: number): number => (packed >>> 21) & nameMax;
export const scopeCount = (packed: number): number => packed >>> 28;

/**
 * The term under which the definition of exactly this name is counted, letter case kept, in the field `name`.
 * No word of a text gives such a term.
 */
export const definitionTerm = (name: string): string => `=${name}`;

/** The name that a definition term stands for; undefined for a word. */
export const nameOfDefinitionTerm = (term: string): string | undefined =>
  term.startsWith('=') ? term.slice(1) : undefined;
