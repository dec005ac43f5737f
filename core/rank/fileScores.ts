import { roomFor, NumberSet } from './numberSet.ts';

/** One cell a file, by its place. */
type Column = Float64Array<ArrayBuffer>;

const column = (size: number): Column => new Float64Array(size);

/**
 * What a query gives to files, in columns by their places. A common word stands in most files of a repository: the
 * columns are used again by the next query, and only the cells of files that were found mean something.
 */
export class FileScores {
  /** Places of the files that have something of the query, in the order in which they were found. */
  readonly found = new NumberSet();
  /** All of it. */
  score: Column = column(0);
  /** Before the prior of its role. */
  raw: Column = column(0);
  /** The best chunk's. */
  best: Column = column(0);
  /** What the next best chunks add. */
  more: Column = column(0);
  /** What the path adds. */
  path: Column = column(0);
  /** What the chunk nearest in meaning adds. */
  meaning: Column = column(0);
  /** What it is multiplied with for what it has of the whole query, and for being no mere declaration. */
  covered: Column = column(0);
  /** What its tests add. */
  tests: Column = column(0);
  /** What being imported by many adds. */
  central: Column = column(0);
  /** What the files around it add, what the one of them adds that adds most, and its place; -1 for none. */
  near: Column = column(0);
  nearMost: Column = column(0);
  nearest = new Int32Array(0);
  /** What past changes add. */
  changes: Column = column(0);
  /** What it gains or loses for being more or less like the best files than others are. */
  feedback: Column = column(0);
  /** How many of its chunks have a score. */
  ranges = new Int32Array(0);

  /** Makes room for places below `size`; only while nothing is found. */
  fit(size: number): void {
    this.found.fit(size);
    if (this.score.length >= size) return;
    const room = roomFor(size);
    this.score = column(room);
    this.raw = column(room);
    this.best = column(room);
    this.more = column(room);
    this.path = column(room);
    this.meaning = column(room);
    this.covered = column(room);
    this.tests = column(room);
    this.central = column(room);
    this.near = column(room);
    this.nearMost = column(room);
    this.nearest = new Int32Array(room);
    this.changes = column(room);
    this.feedback = column(room);
    this.ranges = new Int32Array(room);
  }

  /** Begins with a file that has nothing yet; false when it has been begun with before. */
  begin(place: number): boolean {
    if (!this.found.add(place)) return false;
    this.score[place] = this.raw[place] = this.best[place] = this.more[place] = this.path[place] = 0;
    this.meaning[place] = this.tests[place] = this.central[place] = this.changes[place] = 0;
    this.near[place] = this.nearMost[place] = this.feedback[place] = 0;
    this.covered[place] = 1;
    this.nearest[place] = -1;
    this.ranges[place] = 0;
    return true;
  }

  /** Places of all that were found. */
  get places(): Uint32Array {
    return this.found.values.subarray(0, this.found.length);
  }

  clear(): void {
    this.found.clear();
  }
}
