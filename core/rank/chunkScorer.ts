import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { bodyCount, commentCount, definitionTerm, nameCount, scopeCount } from '../lexical/types.ts';
import type { ChunkTable } from './chunkTable.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import { rarity } from './rarity.ts';
import { defaultWeights, type RankingWeights } from './weights.ts';

export type ScoredField = 'text' | 'name' | 'scope' | 'definition';

/** Called for each share that a term adds to a chunk; only when a score is explained. */
export type Witness = (chunk: number, term: string, field: ScoredField, value: number) => void;

type Add = (chunk: number, value: number) => void;

/**
 * BM25F over chunks. A chunk gets a BM25 score over its code and comments, half by whole words and half by stems,
 * and a second one over the names it defines (fields as in Robertson, Zaragoza, Taylor 2004; the name field is
 * added after saturation, which measured better than inside it). On top come the rarity of query terms in its scope
 * line and of names that it defines exactly as the query writes them.
 */
export class ChunkScorer {
  readonly #terms: TermDictionary;
  readonly #table: ChunkTable;
  /** Those of the query that is being scored. */
  #weights: RankingWeights = defaultWeights;
  /** One cell a chunk; all zero between two queries. */
  #frequency = new Float32Array(0);
  #scores = new Float32Array(0);

  constructor(terms: TermDictionary, table: ChunkTable) {
    this.#terms = terms;
    this.#table = table;
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
    for (const [root, weight] of stems) {
      this.#scoreStem(root, weight, addTo);
      this.#scoreNear(root, weight, stems, addTo);
    }
    for (const name of query.names) this.#scoreDefinition(name, addTo(name, 'definition'));
    return touched;
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
