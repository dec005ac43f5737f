/** Shorter lines (brackets, `else {`) are in every text. */
const leastCharacters = 12;

/** Lines of a text that can tell it from another one, white space folded. */
function tellingLines(content: string): string[] {
  return content
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line.length >= leastCharacters);
}

/** Knows the lines that are in a pack, so that copies of them are worth less. */
export class Duplicates {
  readonly #lines = new Map<string, readonly string[]>();
  readonly #seen = new Set<string>();

  add(content: string): void {
    for (const line of this.#linesOf(content)) this.#seen.add(line);
  }

  /** The share of a text, by characters, whose lines are known. */
  coverage(content: string): number {
    const lines = this.#linesOf(content);
    let [all, known] = [0, 0];
    for (const line of lines) {
      all += line.length;
      if (this.#seen.has(line)) known += line.length;
    }
    return all === 0 ? 0 : known / all;
  }

  clear(): void {
    this.#seen.clear();
  }

  #linesOf(content: string): readonly string[] {
    let lines = this.#lines.get(content);
    if (lines === undefined) {
      lines = tellingLines(content);
      this.#lines.set(content, lines);
    }
    return lines;
  }
}
