/**
 * Postings of all terms in one pool of typed arrays. Each term is a linked list through the pool, newest first:
 * adding is O(1) without allocation, which is what indexing needs, and a walk touches 12 bytes a posting.
 * Postings of removed chunks stay until `compacted` copies the live ones.
 */
export class Postings {
  #heads = new Int32Array(1 << 14).fill(-1);
  #chunk = new Uint32Array(1 << 16);
  #counts = new Uint32Array(1 << 16);
  #next = new Int32Array(1 << 16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(termId: number, chunk: number, counts: number): void {
    if (this.#size === this.#chunk.length) this.#growPool();
    if (termId >= this.#heads.length) this.#growHeads(termId);
    const at = this.#size++;
    this.#chunk[at] = chunk;
    this.#counts[at] = counts;
    this.#next[at] = this.#heads[termId]!;
    this.#heads[termId] = at;
  }

  forEach(termId: number, visit: (chunk: number, counts: number) => void): void {
    if (termId >= this.#heads.length) return;
    for (let at = this.#heads[termId]!; at >= 0; at = this.#next[at]!) visit(this.#chunk[at]!, this.#counts[at]!);
  }

  /** A copy with chunks renumbered; those that `newChunk` maps to -1 are dropped. */
  compacted(newChunk: Int32Array): Postings {
    const copy = new Postings();
    for (let termId = 0; termId < this.#heads.length; termId++) {
      const kept: [number, number][] = [];
      this.forEach(termId, (chunk, counts) => {
        if (newChunk[chunk]! >= 0) kept.push([newChunk[chunk]!, counts]);
      });
      for (const [chunk, counts] of kept.reverse()) copy.add(termId, chunk, counts);
    }
    return copy;
  }

  #growPool(): void {
    const length = this.#chunk.length * 2;
    this.#chunk = copyInto(new Uint32Array(length), this.#chunk);
    this.#counts = copyInto(new Uint32Array(length), this.#counts);
    this.#next = copyInto(new Int32Array(length), this.#next);
  }

  #growHeads(termId: number): void {
    const wider = new Int32Array(Math.max(termId + 1, this.#heads.length * 2)).fill(-1);
    this.#heads = copyInto(wider, this.#heads);
  }
}

function copyInto<T extends Uint32Array | Int32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
