/** Terms of a segment, as a power of two: folding makes one segment anew at a time. */
const segmentBits = 12;
const segmentTerms = 1 << segmentBits;
/** Postings of a page, as a power of two. */
const pageBits = 14;
const pageMask = (1 << pageBits) - 1;
/** Numbers of a posting in a page: its chunk, its counts, the posting before it. */
const width = 3;
/** New postings are folded in when there are so many, and half as many as old ones. */
const leastFold = 1 << 18;

/** The postings of some terms that follow one another: those of each term side by side, newest first. */
interface Segment {
  /** Where those of each term begin; one more for the end. */
  starts: Uint32Array;
  chunks: Uint32Array;
  counts: Uint32Array;
}

/**
 * Postings of all terms in typed arrays. New ones are linked lists through pages: adding is O(1) without allocation,
 * which is what indexing needs. Once there are many they are folded into segments, where those of a term stand side by
 * side: two thirds of the memory, and a walk reads memory in order. Those of removed chunks stay until the next fold.
 */
export class Postings {
  #segments: Segment[] = [];
  #folded = 0;
  #heads = new Int32Array(1 << 14).fill(-1);
  #pages: Int32Array[] = [];
  #added = 0;

  get size(): number {
    return this.#folded + this.#added;
  }

  add(termId: number, chunk: number, counts: number): void {
    if (termId >= this.#heads.length) this.#growHeads(termId);
    const at = this.#added++;
    const page = (this.#pages[at >>> pageBits] ??= new Int32Array(width << pageBits));
    const place = (at & pageMask) * width;
    page[place] = chunk;
    page[place + 1] = counts;
    page[place + 2] = this.#heads[termId]!;
    this.#heads[termId] = at;
  }

  /** Many were added: they are worth folding in. */
  get isFoldDue(): boolean {
    return this.#added > leastFold && this.#added > this.#folded / 2;
  }

  /** Newest first. */
  forEach(termId: number, visit: (chunk: number, counts: number) => void): void {
    if (termId >= this.#heads.length) return;
    for (let at = this.#heads[termId]!; at >= 0;) {
      const page = this.#pages[at >>> pageBits]!;
      const place = (at & pageMask) * width;
      visit(page[place]!, page[place + 1]! >>> 0);
      at = page[place + 2]!;
    }
    const segment = this.#segments[termId >>> segmentBits];
    if (segment === undefined) return;
    const { starts, chunks, counts } = segment;
    const local = termId & (segmentTerms - 1);
    const end = starts[local + 1]!;
    for (let i = starts[local]!; i < end; i++) visit(chunks[i]!, counts[i]!);
  }

  /** Puts all postings side by side, with the numbers that chunks have from now on; those below 0 are dropped. */
  fold(renumber: (chunk: number) => number): void {
    let folded = 0;
    for (let first = 0; first < this.#heads.length; first += segmentTerms) {
      const segment = this.#foldSegment(first, renumber);
      this.#segments[first >>> segmentBits] = segment;
      folded += segment.chunks.length;
    }
    this.#folded = folded;
    this.#heads.fill(-1);
    this.#pages = [];
    this.#added = 0;
  }

  #foldSegment(first: number, renumber: (chunk: number) => number): Segment {
    const starts = new Uint32Array(segmentTerms + 1);
    let length = 0;
    for (let i = 0; i < segmentTerms; i++) {
      this.forEach(first + i, (chunk) => {
        if (renumber(chunk) >= 0) length++;
      });
      starts[i + 1] = length;
    }
    const [chunks, counts] = [new Uint32Array(length), new Uint32Array(length)];
    let at = 0;
    for (let i = 0; i < segmentTerms; i++) {
      this.forEach(first + i, (chunk, count) => {
        const now = renumber(chunk);
        if (now < 0) return;
        chunks[at] = now;
        counts[at++] = count;
      });
    }
    return { starts, chunks, counts };
  }

  #growHeads(termId: number): void {
    const wider = new Int32Array(Math.max(termId + 1, this.#heads.length * 2)).fill(-1);
    wider.set(this.#heads);
    this.#heads = wider;
  }
}
