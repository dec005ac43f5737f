import { bodyCount, commentCount, nameCount, scopeCount } from '../lexical/types.ts';
import type { ChunkTable } from './chunkTable.ts';
import { NumberSet, roomFor } from './numberSet.ts';
import { PostingList } from './postings.ts';

/**
 * What chunks have of a group of terms that counts as one: each chunk once, in columns that are used again by the next
 * group. A common word stands in tens of thousands of chunks.
 */
export class TermGroup {
  readonly #table: ChunkTable;
  readonly #read = new PostingList();
  /** Chunks that were seen, and where each stands in the columns. */
  readonly #seen = new NumberSet();
  #columnOf = new Uint32Array(0);
  /** Only the first `length` cells of the columns count. */
  length = 0;
  chunks = new Uint32Array(0);
  /** Occurrences in code and, by their weight, in comments. */
  text = new Float32Array(0);
  /** Occurrences in defined names. */
  name = new Float32Array(0);
  /** Occurrences in the scope line. */
  scope = new Float32Array(0);

  constructor(table: ChunkTable) {
    this.#table = table;
  }

  /** Fills the columns with the live chunks that have one of the terms. */
  read(termIds: readonly number[], commentWeight: number): void {
    const read = this.#read;
    read.length = 0;
    for (const id of termIds) this.#table.postings.read(id, read);
    if (this.#table.live < this.#table.size) {
      const { placeOf } = this.#table;
      read.keep((chunk) => placeOf[chunk]! >= 0);
    }
    this.#makeRoom(read.length);
    if (termIds.length === 1) this.#take(commentWeight);
    else this.#merge(commentWeight);
  }

  #makeRoom(size: number): void {
    if (this.chunks.length >= size) return;
    this.chunks = new Uint32Array(roomFor(size));
    this.text = new Float32Array(roomFor(size));
    this.name = new Float32Array(roomFor(size));
    this.scope = new Float32Array(roomFor(size));
  }

  /** A single term stands in each chunk once. */
  #take(commentWeight: number): void {
    const { chunks, text, name, scope } = this;
    const { chunks: from, counts, length } = this.#read;
    this.length = length;
    for (let i = 0; i < length; i++) {
      const all = counts[i]!;
      chunks[i] = from[i]!;
      text[i] = bodyCount(all) + commentWeight * commentCount(all);
      name[i] = nameCount(all);
      scope[i] = scopeCount(all);
    }
  }

  #merge(commentWeight: number): void {
    const { chunks, text, name, scope } = this;
    const { chunks: from, counts, length } = this.#read;
    const seen = this.#seen;
    seen.fit(this.#table.size);
    if (this.#columnOf.length < this.#table.size) this.#columnOf = new Uint32Array(roomFor(this.#table.size));
    const columnOf = this.#columnOf;
    for (let i = 0; i < length; i++) {
      const chunk = from[i]!;
      if (seen.add(chunk)) {
        const at = seen.length - 1;
        columnOf[chunk] = at;
        chunks[at] = chunk;
        text[at] = name[at] = scope[at] = 0;
      }
      const at = columnOf[chunk]!;
      const all = counts[i]!;
      text[at]! += bodyCount(all) + commentWeight * commentCount(all);
      name[at]! += nameCount(all);
      scope[at]! += scopeCount(all);
    }
    this.length = seen.length;
    seen.clear();
  }
}
