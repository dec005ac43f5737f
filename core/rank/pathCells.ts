import { widened } from '../widened.ts';
import { roomFor } from './numberSet.ts';

/** A stem of a path: its number, and whether it is one of a word of the file's own name. */
export interface PathCell {
  stem: number;
  isInName: boolean;
}

const nameBit = 1;

export const stemOfCell = (cell: number): number => cell >>> 1;
export const isNameCell = (cell: number): boolean => (cell & nameBit) !== 0;

/**
 * The stems of the paths of all files side by side, by the files' places: a word such as the project's own name stands in
 * every path, and to visit each file for it waits for memory. What is removed leaves a gap, until gaps are most of it.
 */
export class PathCells {
  /** A cell each stem; those of a place are `counts[place]` from `starts[place]` on. */
  cells = new Uint32Array(0);
  starts = new Uint32Array(0);
  counts = new Uint32Array(0);
  /** Cells that were written, and those of them that count. */
  #used = 0;
  #live = 0;

  /** A place has nothing before. */
  put(place: number, path: readonly PathCell[]): void {
    this.#fit(place + 1, path.length);
    this.starts[place] = this.#used;
    this.counts[place] = path.length;
    for (const { stem, isInName } of path) this.cells[this.#used++] = (stem << 1) | (isInName ? nameBit : 0);
    this.#live += path.length;
  }

  /** Numbers of the stems of a place. */
  stemsOf(place: number): number[] {
    const start = this.starts[place]!;
    return Array.from(this.cells.subarray(start, start + this.counts[place]!), stemOfCell);
  }

  remove(place: number): void {
    this.#live -= this.counts[place]!;
    this.counts[place] = 0;
  }

  #fit(places: number, more: number): void {
    if (this.starts.length < places) {
      this.starts = widened(this.starts, roomFor(places));
      this.counts = widened(this.counts, roomFor(places));
    }
    if (this.#used + more <= this.cells.length) return;
    if (this.#live < this.#used / 2) this.#closeGaps();
    if (this.#used + more > this.cells.length) this.cells = widened(this.cells, roomFor(this.#used + more));
  }

  #closeGaps(): void {
    const old = this.cells.slice(0, this.#used);
    this.#used = 0;
    for (let place = 0; place < this.starts.length; place++) {
      const [start, count] = [this.starts[place]!, this.counts[place]!];
      this.cells.set(old.subarray(start, start + count), this.#used);
      this.starts[place] = this.#used;
      this.#used += count;
    }
  }
}
