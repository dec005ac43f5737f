import type { LineRange } from '../model.ts';
import { tellingLines } from './rangeFacts.ts';
import type { TellingLines } from './tellingLines.ts';
import type { PackFile } from './types.ts';

/** Lines of texts that are equal, white space folded, have one number. */
interface NumberedLines {
  /** Of each text, the numbers of its lines. */
  of: Uint32Array[];
  /** By number, how many characters the line has. */
  characters: Uint32Array;
}

/** Numbers hashes in the order in which they come. A `Map` would make an object of each that it is asked for. */
class HashNumbers {
  /** Open addressing with linear probing: 0 for an empty slot, else the number above it by one. */
  readonly #slots: Uint32Array;
  readonly #hashes: Float64Array;
  #count = 0;

  /** @param most so many different hashes at most */
  constructor(most: number) {
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * most + 1)));
    this.#hashes = new Float64Array(most);
  }

  get count(): number {
    return this.#count;
  }

  numberOf(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot]! - 1;
      if (number < 0) {
        this.#hashes[this.#count] = hash;
        slots[slot] = this.#count + 1;
        return this.#count++;
      }
      if (this.#hashes[number] === hash) return number;
    }
  }
}

function numberLines(texts: readonly TellingLines[]): NumberedLines {
  const total = texts.reduce((sum, { hashes }) => sum + hashes.length, 0);
  const numbers = new HashNumbers(total);
  const characters = new Uint32Array(total);
  const of = texts.map(({ hashes, lengths }) => {
    const lines = new Uint32Array(hashes.length);
    for (let i = 0; i < hashes.length; i++) {
      lines[i] = numbers.numberOf(hashes[i]!);
      characters[lines[i]!] = lengths[i]!;
    }
    return lines;
  });
  return { of, characters: characters.subarray(0, numbers.count) };
}

/** By number of a line, the texts that it stands in, each as often as it does: those of line n are from `starts[n]` on. */
function textsOfLines({ of, characters }: NumberedLines): { starts: Uint32Array; texts: Uint32Array } {
  const starts = new Uint32Array(characters.length + 1);
  for (const lines of of) for (const line of lines) starts[line + 1]!++;
  for (let line = 0; line < characters.length; line++) starts[line + 1]! += starts[line]!;
  const next = starts.slice();
  const texts = new Uint32Array(starts.at(-1)!);
  for (const [text, lines] of of.entries()) for (const line of lines) texts[next[line]!++] = text;
  return { starts, texts };
}

/** Of a number of texts, how much of each stands in those that are in a pack: copies of them are worth less. */
export class Duplicates {
  readonly #lines: NumberedLines;
  readonly #starts: Uint32Array;
  readonly #texts: Uint32Array;
  readonly #isKnown: Uint8Array;
  /** Characters of the telling lines of each text, and of those that are known. */
  readonly #all: number[];
  readonly #known: number[];

  constructor(ranges: readonly (LineRange & { file: PackFile })[]) {
    const telling = ranges.map((range) => tellingLines(range.file, range));
    this.#lines = numberLines(telling);
    const { starts, texts } = textsOfLines(this.#lines);
    this.#starts = starts;
    this.#texts = texts;
    this.#isKnown = new Uint8Array(this.#lines.characters.length);
    this.#all = telling.map(({ lengths }) => lengths.reduce((sum, length) => sum + length, 0));
    this.#known = telling.map(() => 0);
  }

  /** Takes the lines of a text as known; returns the texts of which more is known now. */
  add(i: number): Set<number> {
    const changed = new Set<number>();
    for (const line of this.#lines.of[i]!) {
      if (this.#isKnown[line] === 1) continue;
      this.#isKnown[line] = 1;
      for (let at = this.#starts[line]!; at < this.#starts[line + 1]!; at++) {
        const text = this.#texts[at]!;
        this.#known[text]! += this.#lines.characters[line]!;
        changed.add(text);
      }
    }
    return changed;
  }

  /** The share of a text, by characters, whose lines are known. */
  coverage(i: number): number {
    return this.#all[i] === 0 ? 0 : this.#known[i]! / this.#all[i]!;
  }

  clear(): void {
    this.#isKnown.fill(0);
    this.#known.fill(0);
  }
}
