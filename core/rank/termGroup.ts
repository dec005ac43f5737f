import { bodyCount, commentCount, nameCount, packCounts, scopeCount } from '../lexical/types.ts';
import type { ChunkTable } from './chunkTable.ts';
import { NumberSet, roomFor } from './numberSet.ts';
import { PostingList } from './postings.ts';

/** Chunks with how often they have something; only the first `length` cells count. */
export interface FieldColumn {
  chunks: Uint32Array;
  frequency: Float32Array;
  length: number;
}

/** One that is used again. */
class GrowingColumn implements FieldColumn {
  chunks = new Uint32Array(0);
  frequency = new Float32Array(0);
  length = 0;

  /** Makes it empty, with room for so many. */
  begin(size: number): void {
    this.length = 0;
    if (this.chunks.length >= size) return;
    this.chunks = new Uint32Array(roomFor(size));
    this.frequency = new Float32Array(roomFor(size));
  }

  add(chunk: number, frequency: number): void {
    const at = this.length++;
    this.chunks[at] = chunk;
    this.frequency[at] = frequency;
  }
}

/** What the chunks have of a group of terms, each chunk once a field. */
export interface GroupColumns {
  /** Occurrences in code and, by their weight, in comments. */
  readonly text: Readonly<FieldColumn>;
  /** Occurrences in defined names. */
  readonly name: Readonly<FieldColumn>;
  /** Occurrences in the scope line. */
  readonly scope: Readonly<FieldColumn>;
}

/** Counts from here on have something in a name or in a scope line. */
const leastOfNames = packCounts(0, 0, 1, 0);

/**
 * What chunks have of a group of terms that counts as one: each chunk once a field, in columns that are used again by
 * the next group. A common word stands in tens of thousands of chunks, in few of them as a name or in the scope line.
 */
export class TermGroup implements GroupColumns {
  readonly #table: ChunkTable;
  readonly #read = new PostingList();
  /** Chunks that were seen, and what each has. */
  readonly #seen = new NumberSet();
  #textOf = new Float32Array(0);
  /** Those of them that have something in a name or in the scope line. */
  readonly #named = new NumberSet();
  #namesOf = new Uint32Array(0);
  #scopesOf = new Uint32Array(0);
  readonly text = new GrowingColumn();
  readonly name = new GrowingColumn();
  readonly scope = new GrowingColumn();

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
    for (const column of [this.text, this.name, this.scope]) column.begin(read.length);
    if (termIds.length === 1) this.#take(commentWeight);
    else this.#merge(commentWeight);
  }

  /** A single term stands in each chunk once. */
  #take(commentWeight: number): void {
    const { chunks, counts, length } = this.#read;
    const { chunks: textChunks, frequency: texts } = this.text;
    let found = 0;
    for (let i = 0; i < length; i++) {
      const all = counts[i]!;
      const inText = bodyCount(all) + commentWeight * commentCount(all);
      textChunks[found] = chunks[i]!;
      texts[found] = inText;
      if (inText !== 0) found++;
      if (all >= leastOfNames) this.#addNames(chunks[i]!, nameCount(all), scopeCount(all));
    }
    this.text.length = found;
  }

  #addNames(chunk: number, names: number, scopes: number): void {
    if (names !== 0) this.name.add(chunk, names);
    if (scopes !== 0) this.scope.add(chunk, scopes);
  }

  #merge(commentWeight: number): void {
    const { chunks, counts, length } = this.#read;
    this.#fitScratch();
    const textOf = this.#textOf;
    const seen = this.#seen;
    for (let i = 0; i < length; i++) {
      const chunk = chunks[i]!;
      const all = counts[i]!;
      seen.add(chunk);
      textOf[chunk]! += bodyCount(all) + commentWeight * commentCount(all);
      if (all < leastOfNames) continue;
      this.#named.add(chunk);
      this.#namesOf[chunk]! += nameCount(all);
      this.#scopesOf[chunk]! += scopeCount(all);
    }
    this.#gather(seen);
    this.#gatherNames(this.#named);
  }

  /** Cells of the scratch arrays are zero between two groups. */
  #fitScratch(): void {
    const { size } = this.#table;
    this.#seen.fit(size);
    this.#named.fit(size);
    if (this.#textOf.length >= size) return;
    this.#textOf = new Float32Array(roomFor(size));
    this.#namesOf = new Uint32Array(roomFor(size));
    this.#scopesOf = new Uint32Array(roomFor(size));
  }

  #gather(seen: NumberSet): void {
    const { values, length } = seen;
    const textOf = this.#textOf;
    const { chunks, frequency } = this.text;
    let found = 0;
    for (let i = 0; i < length; i++) {
      const chunk = values[i]!;
      const inText = textOf[chunk]!;
      chunks[found] = chunk;
      frequency[found] = inText;
      if (inText !== 0) found++;
      textOf[chunk] = 0;
    }
    this.text.length = found;
    seen.clear();
  }

  #gatherNames(named: NumberSet): void {
    const { values, length } = named;
    for (let i = 0; i < length; i++) {
      const chunk = values[i]!;
      this.#addNames(chunk, this.#namesOf[chunk]!, this.#scopesOf[chunk]!);
      this.#namesOf[chunk] = this.#scopesOf[chunk] = 0;
    }
    named.clear();
  }
}
