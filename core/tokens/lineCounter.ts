import type { TokenCounting } from '../pack/packFull.ts';

/**
 * Where a text may be cut so that the tokens of its pieces add up to its own: the o200k encoding takes line breaks
 * together with the white space, slashes and further breaks that follow them, and never with anything else. So a cut is
 * behind a line break, before a line that is not blank and does not begin with a slash.
 */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (!beginsLine(text, at + 1)) continue;
    pieces.push(text.slice(start, at + 1));
    start = at + 1;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

const [tab, newLine, carriageReturn, space, slash] = [9, 10, 13, 32, 47];

/** Whether a line begins here that is more than white space; unusual white space counts as none, to be sure. */
function beginsLine(text: string, start: number): boolean {
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
  /** So many characters of pieces are remembered, at most twice. */
  characters: number;
}

/** Longer pieces are not remembered: data, mostly, that does not come again. */
const longestKept = 400;

/** Counts tokens line by line and remembers them: questions about one project show the same lines again and again. */
export function lineCounter({ counter, characters }: LineCounterOptions): TokenCounting {
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  let kept = 0;

  const find = (piece: string): number | undefined => young.get(piece) ?? old.get(piece);

  function keep(piece: string, count: number): void {
    if (piece.length > longestKept || young.has(piece)) return;
    young.set(detached(piece), count);
    kept += piece.length;
    if (kept <= characters) return;
    old = young;
    young = new Map();
    kept = 0;
  }

  return {
    async count(texts) {
      const unknown = new Map<string, number[]>();
      const sums = texts.map((text, i) => {
        let sum = 0;
        for (const piece of piecesOf(text)) {
          const count = find(piece);
          if (count !== undefined) sum += count;
          else if (unknown.get(piece)?.push(i) === undefined) unknown.set(piece, [i]);
        }
        return sum;
      });
      if (unknown.size === 0) return sums;
      const pieces = [...unknown.keys()];
      const counts = await counter.count(pieces);
      for (const [at, piece] of pieces.entries()) {
        for (const i of unknown.get(piece)!) sums[i]! += counts[at]!;
        keep(piece, counts[at]!);
      }
      return sums;
    },
  };
}

/** A piece of a text can hold all of it in memory; a copy does not. */
function detached(piece: string): string {
  const codes = Array.from({ length: piece.length }, (_, at) => piece.charCodeAt(at));
  return String.fromCharCode(...codes);
}
