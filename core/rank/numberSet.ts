/** Numbers below a size, each once, in the order in which they came. Emptied in proportion to what is in it. */
export class NumberSet {
  #marks = new Uint8Array(0);
  /** The numbers; only the first `length` count. */
  values = new Uint32Array(0);
  length = 0;

  /** Makes room for numbers below `size`; only while it is empty. */
  fit(size: number): void {
    if (this.#marks.length >= size) return;
    this.#marks = new Uint8Array(roomFor(size));
    this.values = new Uint32Array(roomFor(size));
  }

  /** False when it was there. */
  add(value: number): boolean {
    if (this.#marks[value] === 1) return false;
    this.#marks[value] = 1;
    this.values[this.length++] = value;
    return true;
  }

  has(value: number): boolean {
    return this.#marks[value] === 1;
  }

  clear(): void {
    for (let i = 0; i < this.length; i++) this.#marks[this.values[i]!] = 0;
    this.length = 0;
  }
}

/** A little more than is needed now, so that what grows is not made anew each time. */
export const roomFor = (size: number): number => Math.max(1024, Math.ceil(size * 1.25));
