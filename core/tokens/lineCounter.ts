import type { TokenCounting } from './types.ts';

/**
 * Where a text may be cut so that the tokens of its pieces add up to its own: the o200k encoding takes line breaks
 * together with the white space, slashes and further breaks that follow them, and never with anything else. So a cut is
 * behind a line break, before a line that is not blank and does not begin with a slash.
 */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (!beginsPiece(text, at + 1)) continue;
    pieces.push(text.slice(start, at + 1));
    start = at + 1;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

const [tab, newLine, carriageReturn, space, slash] = [9, 10, 13, 32, 47];

/**
 * Whether a line begins here that no token joins to the one before: it is not blank and does not begin with a slash.
 * Unusual white space counts as blank, to be sure.
 */
export function beginsPiece(text: string, start: number): boolean {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === space || code === tab) continue;
    if (code === newLine || code === carriageReturn || (code === slash && at === start)) return false;
    return code < 128 ? code > space : !/\s/.test(text[at]!);
  }
  return false;
}

export interface LineCounterOptions {
  /** Counts what is not known. */
  counter: TokenCounting;
  /** So many characters of lines are remembered, at most twice, and of whole texts as well. */
  characters: number;
}

/** Longer lines are not remembered: data, mostly, that does not come again. */
const longestLine = 400;
/** Longer texts are taken apart each time: they are put together for one answer. */
const longestText = 10_000;

/** Counts by text, within a bound; what is not asked for is forgotten. */
class KnownCounts {
  readonly #characters: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #kept = 0;

  constructor(characters: number) {
    this.#characters = characters;
  }

  get(text: string): number | undefined {
    return this.#young.get(text) ?? this.#old.get(text);
  }

  set(text: string, count: number): void {
    if (this.#young.has(text)) return;
    this.#young.set(detached(text), count);
    this.#kept += text.length;
    if (this.#kept <= this.#characters) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#kept = 0;
  }
}

/**
 * Counts tokens line by line and remembers them: questions about one project show the same lines again and again, and
 * mostly the same ranges.
 */
export function lineCounter({ counter, characters }: LineCounterOptions): TokenCounting {
  const lines = new KnownCounts(characters);
  const wholes = new KnownCounts(characters);

  return {
    async count(texts) {
      const unknown = new Map<string, number[]>();
      const fresh: number[] = [];
      const sums = texts.map((text, i) => {
        const known = text.length > longestText ? undefined : wholes.get(text);
        if (known !== undefined) return known;
        fresh.push(i);
        let sum = 0;
        for (const piece of piecesOf(text)) {
          const count = lines.get(piece);
          if (count !== undefined) sum += count;
          else if (unknown.get(piece)?.push(i) === undefined) unknown.set(piece, [i]);
        }
        return sum;
      });
      if (unknown.size > 0) {
        const pieces = [...unknown.keys()];
        const counts = await counter.count(pieces);
        for (const [at, piece] of pieces.entries()) {
          for (const i of unknown.get(piece)!) sums[i]! += counts[at]!;
          if (piece.length <= longestLine) lines.set(piece, counts[at]!);
        }
      }
      for (const i of fresh) if (texts[i]!.length <= longestText) wholes.set(texts[i]!, sums[i]!);
      return sums;
    },
  };
}

/** A part of a text can hold all of it in memory; a copy does not. There is no faster one on every platform. */
const detached = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
