import { roomFor } from './numberSet.ts';

/** Terms of a segment, as a power of two: folding makes one segment anew at a time. */
const segmentBits = 12;
const segmentTerms = 1 << segmentBits;
/** Postings of a page, as a power of two. */
const pageBits = 14;
const pageMask = (1 << pageBits) - 1;
/** Numbers of a posting in a page: its term, its chunk, its counts. */
const width = 3;
/** New postings are folded in when there are so many, and half as many as old ones. */
const leastFold = 1 << 18;

/** From so many on, one copy of a block takes less time than a loop. */
const worthCopying = 64;

/** The postings of some terms that follow one another: those of each term side by side, newest first. */
interface Segment {
  /** Where those of each term begin; one more for the end. */
  starts: Uint32Array;
  chunks: Uint32Array;
  counts: Uint32Array;
}

/** Postings that were read, side by side; only the first `length` count. Used again for the next ones. */
export class PostingList {
  chunks = new Uint32Array(0);
  counts = new Uint32Array(0);
  length = 0;

  /** Makes room for so many more. */
  extend(by: number): void {
    const size = this.length + by;
    if (size <= this.chunks.length) return;
    const [chunks, counts] = [new Uint32Array(roomFor(size)), new Uint32Array(roomFor(size))];
    chunks.set(this.chunks.subarray(0, this.length));
    counts.set(this.counts.subarray(0, this.length));
    this.chunks = chunks;
    this.counts = counts;
  }

  append(chunks: Uint32Array, counts: Uint32Array, start: number, end: number): void {
    this.extend(end - start);
    const to = this.length;
    this.length += end - start;
    if (end - start >= worthCopying) {
      this.chunks.set(chunks.subarray(start, end), to);
      this.counts.set(counts.subarray(start, end), to);
      return;
    }
    const { chunks: ownChunks, counts: ownCounts } = this;
    for (let i = 0; i < end - start; i++) {
      ownChunks[to + i] = chunks[start + i]!;
      ownCounts[to + i] = counts[start + i]!;
    }
  }

  /** Drops those whose chunk is not wanted. */
  keep(isWanted: (chunk: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.length; i++) {
      const chunk = this.chunks[i]!;
      if (!isWanted(chunk)) continue;
      this.chunks[kept] = chunk;
      this.counts[kept++] = this.counts[i]!;
    }
    this.length = kept;
  }
}

/**
 * Postings of all terms in typed arrays. New ones are written down as they come, and linked by their terms when they
 * are first asked for. Once there are many they are folded into segments, where those of a term stand side by side: half
 * the memory, and a walk reads memory in order. Those of removed chunks stay until the next fold.
 */
export class Postings {
  readonly #segments: Segment[] = [];
  #folded = 0;
  #pages: Uint32Array[] = [];
  #added = 0;
  /** One above the highest term. */
  #terms = 0;
  /** Of each term the newest posting in the pages, and of each of those the one before it; -1 for none. */
  #heads = new Int32Array(0);
  #before: Int32Array[] = [];
  #linked = 0;
  #folds = 0;

  get size(): number {
    return this.#folded + this.#added;
  }

  add(termId: number, chunk: number, counts: number): void {
    const at = this.#added++;
    const page = (this.#pages[at >>> pageBits] ??= new Uint32Array(width << pageBits));
    const place = (at & pageMask) * width;
    page[place] = termId;
    page[place + 1] = chunk;
    page[place + 2] = counts;
    if (termId >= this.#terms) this.#terms = termId + 1;
  }

  /** Many were added: they are worth folding in. */
  get isFoldDue(): boolean {
    return this.#added > leastFold && this.#added > this.#folded / 2;
  }

  /** Newest first. */
  forEach(termId: number, visit: (chunk: number, counts: number) => void): void {
    this.forEachNew(termId, visit);
    this.forEachFolded(termId, visit);
  }

  /** Raised by every fold: until the next one, what `forEachFolded` gives stays as it is. */
  get folds(): number {
    return this.#folds;
  }

  /** Whether there are any that are not folded in. */
  get hasNew(): boolean {
    return this.#added > 0;
  }

  /** Those that came since the last fold, newest first. */
  forEachNew(termId: number, visit: (chunk: number, counts: number) => void): void {
    if (this.#linked < this.#added) this.#link();
    for (let at = this.#heads[termId] ?? -1; at >= 0; at = this.#before[at >>> pageBits]![at & pageMask]!) {
      const page = this.#pages[at >>> pageBits]!;
      const place = (at & pageMask) * width;
      visit(page[place + 1]!, page[place + 2]!);
    }
  }

  /** Those that came before the last fold, newest first. */
  forEachFolded(termId: number, visit: (chunk: number, counts: number) => void): void {
    const segment = this.#segments[termId >>> segmentBits];
    if (segment === undefined) return;
    const { starts, chunks, counts } = segment;
    const local = termId & (segmentTerms - 1);
    const end = starts[local + 1]!;
    for (let i = starts[local]!; i < end; i++) visit(chunks[i]!, counts[i]!);
  }

  /** Adds those of a term to a list, newest first: a walk over them costs no call for each. */
  read(termId: number, into: PostingList): void {
    if (this.#linked < this.#added) this.#link();
    for (let at = this.#heads[termId] ?? -1; at >= 0; at = this.#before[at >>> pageBits]![at & pageMask]!) {
      const page = this.#pages[at >>> pageBits]!;
      const place = (at & pageMask) * width;
      into.extend(1);
      into.chunks[into.length] = page[place + 1]!;
      into.counts[into.length++] = page[place + 2]!;
    }
    const segment = this.#segments[termId >>> segmentBits];
    if (segment === undefined) return;
    const { starts, chunks, counts } = segment;
    const local = termId & (segmentTerms - 1);
    const [start, end] = [starts[local]!, starts[local + 1]!];
    into.append(chunks, counts, start, end);
  }

  #link(): void {
    if (this.#terms > this.#heads.length) {
      const wider = new Int32Array(Math.max(this.#terms, this.#heads.length * 2)).fill(-1);
      wider.set(this.#heads);
      this.#heads = wider;
    }
    for (; this.#linked < this.#added; this.#linked++) {
      const at = this.#linked;
      const termId = this.#pages[at >>> pageBits]![(at & pageMask) * width]!;
      const before = (this.#before[at >>> pageBits] ??= new Int32Array(1 << pageBits));
      before[at & pageMask] = this.#heads[termId]!;
      this.#heads[termId] = at;
    }
  }

  /** Puts all postings side by side, with the numbers that chunks have from now on; those below 0 are dropped. */
  fold(renumber: (chunk: number) => number): void {
    const added = this.#countAdded(renumber);
    /** Of each term the place behind the next one that is put: in the order in which they came, backwards. */
    const places = new Uint32Array(this.#terms);
    this.#folded = 0;
    this.#folds++;
    for (let first = 0; first < this.#terms; first += segmentTerms) {
      const segment = widened(this.#segments[first >>> segmentBits], first, added, places, renumber);
      this.#segments[first >>> segmentBits] = segment;
      this.#folded += segment.chunks.length;
    }
    this.#forEachAdded((termId, chunk, counts) => {
      const now = renumber(chunk);
      if (now < 0) return;
      const segment = this.#segments[termId >>> segmentBits]!;
      const place = --places[termId]!;
      segment.chunks[place] = now;
      segment.counts[place] = counts;
    });
    this.#heads = new Int32Array(0);
    this.#before = [];
    this.#pages = [];
    this.#added = 0;
    this.#linked = 0;
  }

  /** How many of each term were added, as far as they are kept. */
  #countAdded(renumber: (chunk: number) => number): Uint32Array {
    const added = new Uint32Array(this.#terms);
    this.#forEachAdded((termId, chunk) => {
      if (renumber(chunk) >= 0) added[termId]!++;
    });
    return added;
  }

  #forEachAdded(visit: (termId: number, chunk: number, counts: number) => void): void {
    for (let at = 0; at < this.#added; at++) {
      const page = this.#pages[at >>> pageBits]!;
      const place = (at & pageMask) * width;
      visit(page[place]!, page[place + 1]!, page[place + 2]!);
    }
  }
}

/** A segment with room for what is added to each of its terms, before what it has of them and keeps. */
function widened(
  segment: Segment | undefined,
  first: number,
  added: Uint32Array,
  places: Uint32Array,
  renumber: (chunk: number) => number,
): Segment {
  const starts = new Uint32Array(segmentTerms + 1);
  let length = 0;
  for (let i = 0; i < segmentTerms; i++) {
    length += added[first + i] ?? 0;
    const end = segment?.starts[i + 1] ?? 0;
    for (let at = segment?.starts[i] ?? 0; at < end; at++) if (renumber(segment!.chunks[at]!) >= 0) length++;
    starts[i + 1] = length;
  }
  const wider = { starts, chunks: new Uint32Array(length), counts: new Uint32Array(length) };
  for (let i = 0; i < segmentTerms; i++) {
    let to = starts[i]! + (added[first + i] ?? 0);
    if (first + i < places.length) places[first + i] = to;
    const end = segment?.starts[i + 1] ?? 0;
    for (let at = segment?.starts[i] ?? 0; at < end; at++) {
      const now = renumber(segment!.chunks[at]!);
      if (now < 0) continue;
      wider.chunks[to] = now;
      wider.counts[to++] = segment!.counts[at]!;
    }
  }
  return wider;
}
