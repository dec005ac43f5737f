import type { Chunk, CodeSymbol } from '../model.ts';
import { forEachWord, termsOfWord } from './splitIdentifier.ts';
import { packCounts, type AnalyzedWords } from './types.ts';

export interface WordAnalyzer {
  /**
   * Counts the terms of each chunk by field.
   * `lineStarts[i]` is the offset of line `i + 1`, with one entry more for the end of the text;
   * `comments` are flat, sorted, disjoint [start, end) offsets.
   */
  analyze(input: WordInput): AnalyzedWords;
}

export interface WordInput {
  text: string;
  lineStarts: ArrayLike<number>;
  chunks: readonly Chunk[];
  comments: ArrayLike<number>;
  symbols: readonly CodeSymbol[];
}

const maxCachedWords = 200_000;

/** Grows with the file; index = local term id. */
interface Tally {
  body: Uint32Array;
  comment: Uint32Array;
  name: Uint32Array;
}

function newTally(size: number): Tally {
  return { body: new Uint32Array(size), comment: new Uint32Array(size), name: new Uint32Array(size) };
}

function widened(tally: Tally, size: number): Tally {
  if (tally.body.length >= size) return tally;
  const wider = newTally(size * 2);
  wider.body.set(tally.body);
  wider.comment.set(tally.comment);
  wider.name.set(tally.name);
  return wider;
}

/** Which symbols are named in which chunk: the index of the chunk that holds the line. */
function chunkOfLine(chunks: readonly Chunk[], line: number): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (chunks[middle]!.startLine <= line) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The state of one file; words are cached by the analyzer across files. */
class FileTally {
  readonly terms: string[] = [];
  readonly termIds: number[] = [];
  readonly counts: number[] = [];
  readonly #localIds = new Map<string, number>();
  #tally = newTally(1024);
  #touched: number[] = [];

  add(terms: readonly string[], field: keyof Tally): void {
    for (const term of terms) {
      let id = this.#localIds.get(term);
      if (id === undefined) {
        id = this.terms.length;
        this.#localIds.set(term, id);
        this.terms.push(term);
        this.#tally = widened(this.#tally, id + 1);
      }
      const { body, comment, name } = this.#tally;
      if (body[id] === 0 && comment[id] === 0 && name[id] === 0) this.#touched.push(id);
      this.#tally[field][id]!++;
    }
  }

  /** Ends a chunk: writes its pairs and forgets its counts. */
  flush(): void {
    const { body, comment, name } = this.#tally;
    for (const id of this.#touched) {
      this.termIds.push(id);
      this.counts.push(packCounts(body[id]!, comment[id]!, name[id]!));
      body[id] = comment[id] = name[id] = 0;
    }
    this.#touched = [];
  }
}

function symbolsByChunk(chunks: readonly Chunk[], symbols: readonly CodeSymbol[]): Map<number, string[]> {
  const names = new Map<number, string[]>();
  for (const symbol of symbols) {
    const chunk = chunkOfLine(chunks, symbol.line);
    const list = names.get(chunk);
    if (list === undefined) names.set(chunk, [symbol.name]);
    else list.push(symbol.name);
  }
  return names;
}

/** One analyzer per worker: it remembers how words split. */
export function createWordAnalyzer(): WordAnalyzer {
  const cache = new Map<string, readonly string[]>();
  const termsOf = (word: string): readonly string[] => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    if (cache.size >= maxCachedWords) cache.clear();
    const terms = termsOfWord(word);
    cache.set(word, terms);
    return terms;
  };

  return {
    analyze({ text, lineStarts, chunks, comments, symbols }) {
      const file = new FileTally();
      const names = symbolsByChunk(chunks, symbols);
      const chunkOffsets = new Uint32Array(chunks.length + 1);
      let comment = 0;
      const visit = (start: number, end: number): void => {
        while (comment < comments.length && comments[comment + 1]! <= start) comment += 2;
        const inComment = comment < comments.length && comments[comment]! <= start;
        file.add(termsOf(text.slice(start, end)), inComment ? 'comment' : 'body');
      };
      chunks.forEach((chunk, index) => {
        forEachWord(text, lineStarts[chunk.startLine - 1]!, lineStarts[chunk.endLine]!, visit);
        for (const name of names.get(index) ?? []) {
          forEachWord(name, 0, name.length, (start, end) => file.add(termsOf(name.slice(start, end)), 'name'));
        }
        file.flush();
        chunkOffsets[index + 1] = file.termIds.length;
      });
      return {
        terms: file.terms,
        chunkOffsets,
        termIds: Uint32Array.from(file.termIds),
        counts: Uint32Array.from(file.counts),
      };
    },
  };
}
