import type { Chunk, CodeSymbol } from '../model.ts';
import { forEachWord, termsOfWord } from './splitIdentifier.ts';
import { definitionTerm, packCounts, type AnalyzedWords, type FieldCounts } from './types.ts';

export interface WordAnalyzer {
  /** From here on files share a new list of terms; without a call they share one from the beginning. */
  startBatch(): void;
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

const itself = (word: string): readonly string[] => [word];

/** Grows with the file; index = local term id. */
type Tally = Record<keyof FieldCounts, Uint32Array>;

function newTally(size: number): Tally {
  return {
    body: new Uint32Array(size),
    comment: new Uint32Array(size),
    name: new Uint32Array(size),
    scope: new Uint32Array(size),
  };
}

function widened(tally: Tally, size: number): Tally {
  if (tally.body.length >= size) return tally;
  const wider = newTally(size * 2);
  wider.body.set(tally.body);
  wider.comment.set(tally.comment);
  wider.name.set(tally.name);
  wider.scope.set(tally.scope);
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

/** The terms that the files of one batch share, numbered in order of first use. */
class BatchTerms {
  readonly terms: string[] = [];
  readonly #idOfTerm = new Map<string, number>();
  readonly #idsOfWord = new Map<string, readonly number[]>();

  /** Ids of the terms of a word; each word is split once a batch. */
  idsOf(word: string, termsOf: (word: string) => readonly string[]): readonly number[] {
    let ids = this.#idsOfWord.get(word);
    if (ids === undefined) {
      ids = termsOf(word).map((term) => this.#idOf(term));
      this.#idsOfWord.set(word, ids);
    }
    return ids;
  }

  #idOf(term: string): number {
    let id = this.#idOfTerm.get(term);
    if (id === undefined) {
      id = this.terms.push(term) - 1;
      this.#idOfTerm.set(term, id);
    }
    return id;
  }
}

/** Counts by chunk; index = local id. Its arrays serve one file after another. */
class FileTally {
  termIds: number[] = [];
  counts: number[] = [];
  #tally = newTally(1024);
  #touched: number[] = [];

  add(ids: readonly number[], field: keyof Tally): void {
    for (const id of ids) {
      this.#tally = widened(this.#tally, id + 1);
      const { body, comment, name, scope } = this.#tally;
      if (body[id] === 0 && comment[id] === 0 && name[id] === 0 && scope[id] === 0) this.#touched.push(id);
      this.#tally[field][id]!++;
    }
  }

  /** Ends a chunk: writes its pairs and forgets its counts. */
  flush(): void {
    const { body, comment, name, scope } = this.#tally;
    for (const id of this.#touched) {
      this.termIds.push(id);
      this.counts.push(packCounts(body[id]!, comment[id]!, name[id]!, scope[id]!));
      body[id] = comment[id] = name[id] = scope[id] = 0;
    }
    this.#touched = [];
  }

  /** The pairs since the last call. */
  take(): { termIds: Uint32Array; counts: Uint32Array } {
    const taken = { termIds: Uint32Array.from(this.termIds), counts: Uint32Array.from(this.counts) };
    this.termIds = [];
    this.counts = [];
    return taken;
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

/** `Server::listen` and `server.listen` define `listen`, too. */
function definedNames(name: string): string[] {
  const last = /[\w$]+$/.exec(name)?.[0];
  return last === undefined || last === name ? [name] : [name, last];
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

  const tally = new FileTally();
  let batch = new BatchTerms();

  const countWords = (text: string, field: keyof FieldCounts): void =>
    forEachWord(text, 0, text.length, (start, end) => tally.add(batch.idsOf(text.slice(start, end), termsOf), field));

  return {
    startBatch() {
      batch = new BatchTerms();
    },
    analyze({ text, lineStarts, chunks, comments, symbols }) {
      const names = symbolsByChunk(chunks, symbols);
      const chunkOffsets = new Uint32Array(chunks.length + 1);
      let comment = 0;
      const visit = (start: number, end: number): void => {
        while (comment < comments.length && comments[comment + 1]! <= start) comment += 2;
        const inComment = comment < comments.length && comments[comment]! <= start;
        tally.add(batch.idsOf(text.slice(start, end), termsOf), inComment ? 'comment' : 'body');
      };
      chunks.forEach((chunk, index) => {
        forEachWord(text, lineStarts[chunk.startLine - 1]!, lineStarts[chunk.endLine]!, visit);
        countWords(chunk.scope, 'scope');
        for (const name of names.get(index) ?? []) {
          countWords(name, 'name');
          for (const defined of definedNames(name)) tally.add(batch.idsOf(definitionTerm(defined), itself), 'name');
        }
        tally.flush();
        chunkOffsets[index + 1] = tally.termIds.length;
      });
      return { terms: batch.terms, chunkOffsets, ...tally.take() };
    },
  };
}
