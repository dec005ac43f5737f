/** Shorter lines (brackets, `else {`) are in every text. */
const leastCharacters = 12;

const whiteSpaceToFold = /[^\S ]|\s{2}/;

/** Lines of a text that can tell it from another one, white space folded. */
function tellingLines(content: string): string[] {
  const telling: string[] = [];
  for (const line of content.split('\n')) {
    const trimmed = line.trim();
    const folded = whiteSpaceToFold.test(trimmed) ? trimmed.replace(/\s+/g, ' ') : trimmed;
    if (folded.length >= leastCharacters) telling.push(folded);
  }
  return telling;
}

interface Line {
  isKnown: boolean;
  /** Texts that it stands in, each as often as it does. */
  texts: number[];
}

/** Of a number of texts, how much of each stands in those that are in a pack: copies of them are worth less. */
export class Duplicates {
  readonly #lines = new Map<string, Line>();
  readonly #linesOf: string[][];
  /** Characters of the telling lines of each text, and of those that are known. */
  readonly #all: number[];
  #known: number[];

  constructor(texts: readonly string[]) {
    this.#linesOf = texts.map(tellingLines);
    this.#all = this.#linesOf.map((lines) => lines.reduce((sum, { length }) => sum + length, 0));
    this.#known = texts.map(() => 0);
    for (const [i, lines] of this.#linesOf.entries()) {
      for (const text of lines) {
        const line = this.#lines.get(text);
        if (line === undefined) this.#lines.set(text, { isKnown: false, texts: [i] });
        else line.texts.push(i);
      }
    }
  }

  /** Takes the lines of a text as known; returns the texts of which more is known now. */
  add(i: number): Set<number> {
    const changed = new Set<number>();
    for (const text of this.#linesOf[i]!) {
      const line = this.#lines.get(text)!;
      if (line.isKnown) continue;
      line.isKnown = true;
      for (const other of line.texts) {
        this.#known[other]! += text.length;
        changed.add(other);
      }
    }
    return changed;
  }

  /** The share of a text, by characters, whose lines are known. */
  coverage(i: number): number {
    return this.#all[i] === 0 ? 0 : this.#known[i]! / this.#all[i]!;
  }

  clear(): void {
    for (const line of this.#lines.values()) line.isKnown = false;
    this.#known = this.#known.map(() => 0);
  }
}
