import type { LineRange } from '../model.ts';
import { tellingLines } from './rangeFacts.ts';
import type { TellingLines } from './tellingLines.ts';
import type { PackFile } from './types.ts';

/** Lines of texts that are equal, white space folded, have one number. */
interface NumberedLines {
  /** Of each text, the numbers of its lines. */
  of: Uint32Array[];
  /** By number, how many characters the line has. */
  characters: number[];
}

function numberLines(texts: readonly TellingLines[]): NumberedLines {
  const numbers = new Map<number, number>();
  const characters: number[] = [];
  const of = texts.map(({ hashes, lengths }) =>
    Uint32Array.from(hashes, (hash, i) => {
      let number = numbers.get(hash);
      if (number === undefined) {
        numbers.set(hash, (number = characters.length));
        characters.push(lengths[i]!);
      }
      return number;
    }),
  );
  return { of, characters };
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
