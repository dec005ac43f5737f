import type { Chunk, CodeSymbol } from '../model.ts';
import type { ScannedText, TextScanner } from './scanText.ts';
import { forEachWord, termsOfWord } from './splitIdentifier.ts';
import { definitionTerm, packCounts, type AnalyzedWords } from './types.ts';
import type { WordTable } from './wordTable.ts';

export interface WordAnalyzer {
  /** From here on files share a new list of terms; without a call they share one from the beginning. */
  startBatch(): void;
  /** Counts the terms of each chunk by field. `comments` are flat, sorted, disjoint [start, end) offsets. */
  analyze(input: WordInput): AnalyzedWords;
}

export interface WordInput {
  /** By the scanner that the analyzer was made with. */
  scanned: ScannedText;
  chunks: readonly Chunk[];
  comments: ArrayLike<number>;
  symbols: readonly CodeSymbol[];
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

/** The terms of words, numbered in order of first use; each word is split once. */
class WordTerms {
  readonly terms: string[] = [];
  readonly #idOfTerm = new Map<string, number>();
  readonly #idsOfWord: (readonly number[] | undefined)[] = [];

  idsOf(word: number, table: WordTable): readonly number[] {
    return (this.#idsOfWord[word] ??= termsOfWord(table.wordOf(word)).map((term) => this.idOf(term)));
  }

  idOf(term: string): number {
    let id = this.#idOfTerm.get(term);
    if (id === undefined) {
      id = this.terms.push(term) - 1;
      this.#idOfTerm.set(term, id);
    }
    return id;
  }
}

/** The terms that the files of one batch share, by the numbers they have there. */
class BatchTerms {
  readonly terms: string[] = [];
  /** By number of a term among those of all words: its number here + 1, 0 where it is not here yet. */
  #local = new Uint32Array(1 << 12);

  idOf(id: number, { terms }: WordTerms): number {
    if (id >= this.#local.length) {
      const wider = new Uint32Array(Math.max(this.#local.length * 2, id + 1));
      wider.set(this.#local);
      this.#local = wider;
    }
    let local = this.#local[id]!;
    if (local === 0) {
      local = this.terms.push(terms[id]!);
      this.#local[id] = local;
    }
    return local - 1;
  }

  /** The numbers of all words have changed; what is listed stays, and may be listed once more. */
  forgetNumbers(): void {
    this.#local.fill(0);
  }
}

/** The fields of a term in `ChunkTally`, in the order of `packCounts`. */
const Field = { body: 0, comment: 1, name: 2, scope: 3 } as const;
type Field = (typeof Field)[keyof typeof Field];

/** Pairs of a file as they come, in arrays that serve one file after another. */
class Pairs {
  length = 0;
  #termIds = new Uint32Array(1 << 12);
  #counts = new Uint32Array(1 << 12);

  push(termId: number, counts: number): void {
    if (this.length === this.#termIds.length) {
      const [termIds, packed] = [this.#termIds, this.#counts];
      this.#termIds = new Uint32Array(this.length * 2);
      this.#counts = new Uint32Array(this.length * 2);
      this.#termIds.set(termIds);
      this.#counts.set(packed);
    }
    this.#termIds[this.length] = termId;
    this.#counts[this.length++] = counts;
  }

  /** What was pushed since the last call. */
  take(): { termIds: Uint32Array; counts: Uint32Array } {
    const taken = { termIds: this.#termIds.slice(0, this.length), counts: this.#counts.slice(0, this.length) };
    this.length = 0;
    return taken;
  }
}

/** Counts of one chunk by term and field. Its arrays serve one chunk after another. */
class ChunkTally {
  #counts = new Uint32Array(1 << 14);
  #touched: number[] = [];

  add(ids: readonly number[], field: Field): void {
    for (let i = 0; i < ids.length; i++) this.addOne(ids[i]!, field);
  }

  addOne(id: number, field: Field): void {
    const at = id * 4;
    if (at >= this.#counts.length) {
      const wider = new Uint32Array(Math.max(this.#counts.length * 2, at + 4));
      wider.set(this.#counts);
      this.#counts = wider;
    }
    const counts = this.#counts;
    if ((counts[at]! | counts[at + 1]! | counts[at + 2]! | counts[at + 3]!) === 0) this.#touched.push(id);
    counts[at + field]!++;
  }

  /** Ends a chunk: writes its pairs, by the numbers of the batch, and forgets its counts. */
  flush(pairs: Pairs, batch: BatchTerms, terms: WordTerms): void {
    const counts = this.#counts;
    for (const id of this.#touched) {
      const at = id * 4;
      pairs.push(batch.idOf(id, terms), packCounts(counts[at]!, counts[at + 1]!, counts[at + 2]!, counts[at + 3]!));
      counts[at] = counts[at + 1] = counts[at + 2] = counts[at + 3] = 0;
    }
    this.#touched.length = 0;
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
export function createWordAnalyzer(scanner: TextScanner): WordAnalyzer {
  const tally = new ChunkTally();
  const pairs = new Pairs();
  let known = new WordTerms();
  let epoch = scanner.epoch;
  let batch = new BatchTerms();

  function forgetWithScanner(): void {
    if (scanner.epoch === epoch) return;
    epoch = scanner.epoch;
    known = new WordTerms();
    batch.forgetNumbers();
  }

  const countWords = (text: string, field: Field): void =>
    forEachWord(text, 0, text.length, (start, end) => {
      for (const term of termsOfWord(text.slice(start, end))) tally.addOne(known.idOf(term), field);
    });

  const countNames = (names: readonly string[]): void => {
    for (const name of names) {
      countWords(name, Field.name);
      for (const defined of definedNames(name)) tally.addOne(known.idOf(definitionTerm(defined)), Field.name);
    }
  };

  return {
    startBatch() {
      batch = new BatchTerms();
    },
    analyze({ scanned, chunks, comments, symbols }) {
      forgetWithScanner();
      const { lineStarts, words, offsets, wordCount } = scanned;
      const names = symbolsByChunk(chunks, symbols);
      const chunkOffsets = new Uint32Array(chunks.length + 1);
      let word = 0;
      let comment = 0;
      chunks.forEach((chunk, index) => {
        const end = lineStarts[chunk.endLine]!;
        for (; word < wordCount && offsets[word]! < end; word++) {
          const offset = offsets[word]!;
          while (comment < comments.length && comments[comment + 1]! <= offset) comment += 2;
          const inComment = comment < comments.length && comments[comment]! <= offset;
          tally.add(known.idsOf(words[word]!, scanner.table), inComment ? Field.comment : Field.body);
        }
        countWords(chunk.scope, Field.scope);
        countNames(names.get(index) ?? []);
        tally.flush(pairs, batch, known);
        chunkOffsets[index + 1] = pairs.length;
      });
      return { terms: batch.terms, chunkOffsets, ...pairs.take() };
    },
  };
}
