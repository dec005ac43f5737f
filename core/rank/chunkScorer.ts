import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { bodyCount, commentCount, definitionTerm, nameCount, scopeCount } from '../lexical/types.ts';
import type { ChunkTable, IndexedFile } from './chunkTable.ts';
import { DefinitionNames } from './definitionNames.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import { rarity } from './rarity.ts';
import { defaultWeights, type RankingWeights } from './weights.ts';

export type ScoredField = 'text' | 'name' | 'scope' | 'definition';

/** Called for each share that a term adds to a chunk; only when a score is explained. */
export type Witness = (chunk: number, term: string, field: ScoredField, value: number) => void;

type Add = (chunk: number, value: number) => void;

const textCount = (counts: number): number => bodyCount(counts) + commentCount(counts);

/**
 * BM25F over chunks. A chunk gets a BM25 score over its code and comments, half by whole words and half by stems,
 * and a second one over the names it defines (fields as in Robertson, Zaragoza, Taylor 2004; the name field is
 * added after saturation, which measured better than inside it). On top come the rarity of query terms in its scope
 * line and of names that it defines exactly as the query writes them.
 */
export class ChunkScorer {
  readonly #terms: TermDictionary;
  readonly #names: DefinitionNames;
  readonly #table: ChunkTable;
  /** Those of the query that is being scored. */
  #weights: RankingWeights = defaultWeights;
  /** One cell a chunk; all zero between two queries. */
  #frequency = new Float32Array(0);
  #scores = new Float32Array(0);
  /** What each file has of the query's words, as the sum of their rarity among files, and the sum of all. */
  readonly #covered = new Map<IndexedFile, number>();
  #asked = 0;

  constructor(terms: TermDictionary, table: ChunkTable) {
    this.#terms = terms;
    this.#table = table;
    this.#names = new DefinitionNames(terms);
  }

  /** Score of a chunk for the query of the last `score`. */
  scoreOf(chunk: number): number {
    return this.#scores[chunk]!;
  }

  /** Scores every chunk that has something of the query; returns them. Call `reset` with them afterwards. */
  score(query: AnalyzedQuery, weights: RankingWeights, witness?: Witness): number[] {
    this.#weights = weights;
    this.#ensureScratch();
    const touched: number[] = [];
    const addTo =
      (term: string, field: ScoredField): Add =>
      (chunk, value) => {
        if (this.#scores[chunk] === 0) touched.push(chunk);
        this.#scores[chunk]! += value;
        witness?.(chunk, term, field, value);
      };
    const stems = this.#scoreWords(query, addTo);
    this.#cover(stems);
    for (const [root, weight] of stems) {
      this.#scoreStem(root, weight, addTo);
      this.#scoreNear(root, weight, stems, addTo);
    }
    for (const pair of query.pairs) this.#scorePair(pair, addTo);
    this.#scoreWholeNames(stems, addTo);
    for (const name of query.names) this.#scoreDefinition(name, addTo(name, 'definition'));
    return touched;
  }

  /** The share of the query that a file has somewhere in its text, by the rarity of the words: 0 to 1. */
  coverageOf(file: IndexedFile): number {
    return this.#asked === 0 ? 0 : (this.#covered.get(file) ?? 0) / this.#asked;
  }

  /** Adds to the score of a chunk; true if it had none before. */
  add(chunk: number, value: number): boolean {
    const isNew = this.#scores[chunk] === 0;
    this.#scores[chunk]! += value;
    return isNew;
  }

  reset(touched: readonly number[]): void {
    for (const chunk of touched) this.#scores[chunk] = 0;
  }

  #ensureScratch(): void {
    if (this.#scores.length >= this.#table.size) return;
    const size = Math.max(1024, this.#table.size * 2);
    this.#scores = new Float32Array(size);
    this.#frequency = new Float32Array(size);
  }

  /** Whole words; returns the stems of the query, each with the weight of its heaviest word. */
  #scoreWords(query: AnalyzedQuery, addTo: (term: string, field: ScoredField) => Add): Map<string, number> {
    const stems = new Map<string, number>();
    for (const { term, weight } of query.terms) {
      const root = stem(term);
      stems.set(root, Math.max(stems.get(root) ?? 0, weight));
      const id = this.#terms.find(term);
      if (id !== undefined) this.#scoreField([id], 'text', weight * this.#weights.exact, addTo(term, 'text'));
    }
    return stems;
  }

  #cover(stems: ReadonlyMap<string, number>): void {
    this.#covered.clear();
    this.#asked = 0;
    if (this.#weights.coverage === 0) return;
    for (const [root, weight] of stems) {
      const files = new Set<IndexedFile>();
      for (const chunk of this.#gather(this.#terms.withStem(root), textCount)) {
        this.#frequency[chunk] = 0;
        files.add(this.#table.fileOf(chunk)!);
      }
      const value = weight * rarity(this.#table.files.size, files.size);
      this.#asked += value;
      for (const file of files) this.#covered.set(file, (this.#covered.get(file) ?? 0) + value);
    }
  }

  #scoreStem(root: string, weight: number, addTo: (term: string, field: ScoredField) => Add): void {
    const { exact, name, scope } = this.#weights;
    const members = this.#terms.withStem(root);
    this.#scoreField(members, 'text', weight * (1 - exact), addTo(`${root}*`, 'text'));
    this.#scoreField(members, 'name', weight * name, addTo(`${root}*`, 'name'));
    this.#scorePresence(members, scopeCount, weight * scope, addTo(`${root}*`, 'scope'));
  }

  /** Related stems, together as one word, unless the query has them itself. */
  #scoreNear(
    root: string,
    weight: number,
    stems: ReadonlyMap<string, number>,
    addTo: (term: string, field: ScoredField) => Add,
  ): void {
    const { near, name } = this.#weights;
    if (near === 0) return;
    const members = this.#terms
      .nearStems(root)
      .filter((other) => !stems.has(other))
      .flatMap((other) => this.#terms.withStem(other));
    if (members.length === 0) return;
    this.#scoreField(members, 'text', weight * near, addTo(`~${root}`, 'text'));
    this.#scoreField(members, 'name', weight * near * name, addTo(`~${root}`, 'name'));
  }

  /** Two words of the query that code writes as one. */
  #scorePair(pair: string, addTo: (term: string, field: ScoredField) => Add): void {
    const { pair: weight } = this.#weights;
    const members = weight === 0 ? [] : this.#terms.withStem(stem(pair));
    if (members.length > 0) this.#scoreField(members, 'text', weight, addTo(pair, 'text'));
  }

  /**
   * A definition whose whole name the query spells out, in whatever order: the rarity of the words they share, times
   * how much of the name (squared) and of the query they are. A chunk gets that of its best definition.
   */
  #scoreWholeNames(stems: ReadonlyMap<string, number>, addTo: (term: string, field: ScoredField) => Add): void {
    const { wholeName } = this.#weights;
    if (wholeName === 0) return;
    const names = this.#names;
    names.catchUp();
    /** By stem, what having it is worth to a name. */
    const worth = new Map<number, number>();
    const worthOf = (id: number): number => {
      let value = worth.get(id);
      if (value === undefined) worth.set(id, (value = names.rarityOf(id)));
      return value;
    };
    const shared = new Map<number, number>();
    let asked = 0;
    for (const [root, weight] of stems) {
      const id = names.find(root);
      const value = weight * names.rarityOf(id);
      asked += value;
      if (id !== undefined) worth.set(id, value);
      for (const name of names.withStem(id)) shared.set(name, (shared.get(name) ?? 0) + value);
    }
    const best = new Map<number, number>();
    for (const [name, value] of shared) {
      const whole = names.sumOver(name, worthOf);
      const score = wholeName * value * (value / whole) ** 2 * (value / asked);
      this.#table.postings.forEach(names.termOf(name), (chunk, counts) => {
        if (nameCount(counts) === 0 || this.#table.fileOf(chunk) === undefined) return;
        if (score > (best.get(chunk) ?? 0)) best.set(chunk, score);
      });
    }
    const add = addTo('whole name', 'name');
    for (const [chunk, score] of best) add(chunk, score);
  }

  #scoreDefinition(name: string, add: Add): void {
    const id = this.#terms.find(definitionTerm(name));
    if (id !== undefined) this.#scorePresence([id], nameCount, this.#weights.definition, add);
  }

  /** BM25 of a group of terms, taken as one, over one field of all chunks. */
  #scoreField(termIds: readonly number[], field: 'text' | 'name', weight: number, add: Add): void {
    const { k1, b, comment } = this.#weights;
    const count = field === 'name' ? nameCount : (counts: number) => bodyCount(counts) + comment * commentCount(counts);
    const holding = this.#gather(termIds, count);
    const lengths = field === 'name' ? this.#table.nameLength : this.#table.textLength;
    const mean = this.#table.meanLength(field);
    const share = weight * rarity(this.#table.live, holding.length) * (k1 + 1);
    for (const chunk of holding) {
      const tf = this.#frequency[chunk]!;
      this.#frequency[chunk] = 0;
      add(chunk, (share * tf) / (tf + k1 * (1 - b + (b * lengths[chunk]!) / mean)));
    }
  }

  /** The rarity of a group of terms for each chunk that has one of them in a field. */
  #scorePresence(termIds: readonly number[], count: (counts: number) => number, weight: number, add: Add): void {
    if (weight === 0) return;
    const holding = this.#gather(termIds, count);
    const value = weight * rarity(this.#table.live, holding.length);
    for (const chunk of holding) {
      this.#frequency[chunk] = 0;
      add(chunk, value);
    }
  }

  /** Live chunks that hold one of the terms; sums their counts in #frequency. */
  #gather(termIds: readonly number[], count: (counts: number) => number): number[] {
    const frequency = this.#frequency;
    const holding: number[] = [];
    for (const id of termIds) {
      this.#table.postings.forEach(id, (chunk, counts) => {
        const found = count(counts);
        if (found === 0 || this.#table.fileOf(chunk) === undefined) return;
        if (frequency[chunk] === 0) holding.push(chunk);
        frequency[chunk]! += found;
      });
    }
    return holding;
  }
}
