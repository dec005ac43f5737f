import { widened } from '../widened.ts';

/**
 * Numbers for words, dense from 0 in order of first use. A hash table over the characters of texts: looking up a word
 * where it stands in a text makes no string.
 */
export class WordTable {
  /** Characters of all words, one after the other. */
  #characters = new Uint16Array(1 << 14);
  #used = 0;
  /** By id: where its characters begin; one entry more for the end of the last. */
  #starts = new Uint32Array(1 << 11);
  #hashes = new Int32Array(1 << 11);
  /** Open addressing; id + 1, 0 where free. At most half full. */
  #slots = new Int32Array(1 << 12);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#used = 0;
    this.#size = 0;
    this.#slots.fill(0);
  }

  /** The id of the word between two offsets, a new one if it is not known yet. `hash` is what `hashOf` gives. */
  idOf(text: string, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let id = this.#slots[slot]!; id !== 0; id = this.#slots[slot]!) {
      if (this.#hashes[id - 1] === hash && this.#equals(id - 1, text, start, end)) return id - 1;
      slot = (slot + 1) & mask;
    }
    return this.#add(text, start, end, hash, slot);
  }

  wordOf(id: number): string {
    if (id < 0 || id >= this.#size) throw new RangeError(`no word has the id ${id}`);
    const characters = this.#characters.subarray(this.#starts[id], this.#starts[id + 1]);
    // Several times faster than spreading; a typed array serves as well as a list there.
    return String.fromCharCode.apply(null, characters as unknown as number[]);
  }

  #equals(id: number, text: string, start: number, end: number): boolean {
    const from = this.#starts[id]!;
    if (this.#starts[id + 1]! - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#characters[from + i - start] !== text.charCodeAt(i)) return false;
    return true;
  }

  #add(text: string, start: number, end: number, hash: number, slot: number): number {
    const length = end - start;
    if (this.#used + length > this.#characters.length)
      this.#characters = widened(this.#characters, Math.max(this.#characters.length * 2, this.#used + length));
    for (let i = start; i < end; i++) this.#characters[this.#used++] = text.charCodeAt(i);
    const id = this.#size++;
    if (id + 1 >= this.#starts.length) {
      this.#starts = widened(this.#starts, this.#starts.length * 2);
      this.#hashes = widened(this.#hashes, this.#hashes.length * 2);
    }
    this.#starts[id + 1] = this.#used;
    this.#hashes[id] = hash;
    this.#slots[slot] = id + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let id = 0; id < this.#size; id++) {
      const hash = this.#hashes[id]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = id + 1;
    }
  }
}

/** FNV-1a over UTF-16 units: begin with `hashStart`, then one step a unit. */
export const hashStart = 0x811c9dc5 | 0;
export const hashStep = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);

export function hashOf(text: string, start: number, end: number): number {
  let hash = hashStart;
  for (let i = start; i < end; i++) hash = hashStep(hash, text.charCodeAt(i));
  return hash;
}
