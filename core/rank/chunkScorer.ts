import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { definitionTerm } from '../lexical/types.ts';
import type { ChunkTable } from './chunkTable.ts';
import { DefinitionNames } from './definitionNames.ts';
import { KnownGroups } from './knownGroups.ts';
import { NamedChunks } from './namedChunks.ts';
import { NumberSet, roomFor } from './numberSet.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import { rarity } from './rarity.ts';
import type { GroupColumns } from './termGroup.ts';
import { defaultWeights, type RankingWeights } from './weights.ts';

export type ScoredField = 'text' | 'name' | 'scope' | 'definition';

/** Called for each share that a term adds to a chunk; only when a score is explained. */
export type Witness = (chunk: number, term: string, field: ScoredField, value: number) => void;

/**
 * BM25F over chunks. A chunk gets a BM25 score over its code and comments, half by whole words and half by stems,
 * and a second one over the names it defines (fields as in Robertson, Zaragoza, Taylor 2004; the name field is
 * added after saturation, which measured better than inside it). On top come the rarity of query terms in its scope
 * line and of names that it defines exactly as the query writes them.
 *
 * A common word stands in tens of thousands of chunks: all that is gathered of them lies in arrays that are used again
 * by the next query.
 */
export class ChunkScorer {
  readonly #terms: TermDictionary;
  readonly #names: DefinitionNames;
  readonly #namedChunks: NamedChunks;
  readonly #table: ChunkTable;
  /** Those of the query that is being scored. */
  #weights: RankingWeights = defaultWeights;
  #witness: Witness | undefined;
  /** One cell a chunk: 0 for those that have nothing of the query; all of them between two queries. */
  #scores = new Float32Array(0);
  /** Of each chunk, what the definition is worth whose name the query spells out best; all 0 between two queries. */
  #bestName = new Float64Array(0);
  /** The chunks that have such a definition. */
  readonly #named = new NumberSet();
  readonly #groups: KnownGroups;
  /** By name, what it shares with the query. */
  readonly #sharing = new NumberSet();
  #shared = new Float64Array(0);
  /** By place of a file, what it has of the query's words: the sum of their rarity among files; and the sum of all. */
  #covered = new Float64Array(0);
  #asked = 0;

  constructor(terms: TermDictionary, table: ChunkTable) {
    this.#terms = terms;
    this.#table = table;
    this.#names = new DefinitionNames(terms);
    this.#namedChunks = new NamedChunks(this.#names, table);
    this.#groups = new KnownGroups(table);
  }

  /** Score of a chunk for the query of the last `score`. */
  scoreOf(chunk: number): number {
    return this.#scores[chunk]!;
  }

  /** Those of all chunks, until the next `score`. */
  get scores(): Readonly<Float32Array> {
    return this.#scores;
  }

  /** Scores every chunk that has something of the query: above 0. Call `reset` afterwards. */
  score(query: AnalyzedQuery, weights: RankingWeights, witness?: Witness): void {
    this.#weights = weights;
    this.#witness = witness;
    this.#fitScratch();
    const stems = this.#scoreWords(query);
    this.#covered.fill(0);
    this.#asked = 0;
    for (const [root, weight] of stems) {
      this.#scoreStem(root, weight);
      this.#scoreNear(root, weight, stems);
    }
    for (const pair of query.pairs) this.#scorePair(pair);
    this.#scoreWholeNames(stems);
    for (const name of query.names) this.#scoreDefinition(name);
  }

  /** The share of the query that a file has somewhere in its text, by the rarity of the words: 0 to 1. */
  coverageOf(place: number): number {
    return this.#asked === 0 ? 0 : this.#covered[place]! / this.#asked;
  }

  /** Adds to the score of a chunk. */
  add(chunk: number, value: number): void {
    this.#scores[chunk]! += value;
  }

  reset(): void {
    this.#scores.fill(0, 0, this.#table.size);
  }

  #fitScratch(): void {
    const { size } = this.#table;
    if (this.#covered.length < this.#table.places) this.#covered = new Float64Array(roomFor(this.#table.places));
    if (this.#scores.length >= size) return;
    this.#scores = new Float32Array(roomFor(size));
    this.#named.fit(size);
    this.#bestName = new Float64Array(roomFor(size));
  }

  #give(chunk: number, term: string, field: ScoredField, value: number): void {
    this.add(chunk, value);
    this.#witness?.(chunk, term, field, value);
  }

  /** Whole words; returns the stems of the query, each with the weight of its heaviest word. */
  #scoreWords(query: AnalyzedQuery): Map<string, number> {
    const stems = new Map<string, number>();
    for (const { term, weight } of query.terms) {
      const root = stem(term);
      stems.set(root, Math.max(stems.get(root) ?? 0, weight));
      const id = this.#terms.find(term);
      if (id === undefined) continue;
      this.#scoreField(this.#readAll(term, [id]), 'text', weight * this.#weights.exact, term);
    }
    return stems;
  }

  /** Counts a stem for what each file has of the query. */
  #cover(group: GroupColumns, weight: number): void {
    if (this.#weights.coverage === 0) return;
    const { places, shares } = this.#groups.filesOf(group);
    const value = weight * rarity(this.#table.files.size, places.length);
    this.#asked += value;
    const covered = this.#covered;
    for (let i = 0; i < places.length; i++) covered[places[i]!]! += value * shares[i]!;
  }

  #scoreStem(root: string, weight: number): void {
    const { exact, name, scope } = this.#weights;
    const shown = `${root}*`;
    const group = this.#readAll(shown, this.#terms.withStem(root));
    this.#cover(group, weight);
    this.#scoreField(group, 'text', weight * (1 - exact), shown);
    this.#scoreField(group, 'name', weight * name, shown);
    this.#scorePresence(group, 'scope', weight * scope, shown, 'scope');
  }

  /** Related stems, together as one word, unless the query has them itself. */
  #scoreNear(root: string, weight: number, stems: ReadonlyMap<string, number>): void {
    const { near, name } = this.#weights;
    if (near === 0) return;
    const all = this.#terms.nearStems(root);
    const related = all.filter((other) => !stems.has(other));
    if (related.length === 0) return;
    const shown = `~${root}`;
    const key = related.length === all.length ? shown : `${shown} ${related.join(' ')}`;
    const members = related.flatMap((other) => this.#terms.withStem(other));
    const group = this.#readAll(key, members);
    this.#scoreField(group, 'text', weight * near, shown);
    this.#scoreField(group, 'name', weight * near * name, shown);
  }

  /** Two words of the query that code writes as one. */
  #scorePair(pair: string): void {
    const { pair: weight } = this.#weights;
    const root = stem(pair);
    const members = weight === 0 ? [] : this.#terms.withStem(root);
    if (members.length === 0) return;
    this.#scoreField(this.#readAll(`${root}*`, members), 'text', weight, pair);
  }

  /**
   * A definition whose whole name the query spells out, in whatever order: the rarity of the words they share, times
   * how much of the name (squared) and of the query they are. A chunk gets that of its best definition.
   */
  #scoreWholeNames(stems: ReadonlyMap<string, number>): void {
    const { wholeName } = this.#weights;
    if (wholeName === 0) return;
    const names = this.#names;
    names.catchUp();
    this.#namedChunks.catchUp();
    const sharing = this.#sharing;
    sharing.fit(names.size);
    if (this.#shared.length < names.size) this.#shared = new Float64Array(roomFor(names.size));
    const shared = this.#shared;
    /** By stem, what having it is worth to a name: as much more than its rarity as the query gives it weight. */
    const worth = names.rarities();
    const weighted = new Map<number, number>();
    let asked = 0;
    for (const [root, weight] of stems) {
      const id = names.find(root);
      const value = weight * names.rarityOf(id);
      asked += value;
      if (id === undefined) continue;
      if (weight !== 1) weighted.set(id, value);
      const having = names.withStem(id);
      for (let i = 0; i < having.length; i++) {
        const name = having[i]!;
        sharing.add(name);
        shared[name]! += value;
      }
    }
    for (const [id, value] of weighted) worth[id] = value;
    for (let i = 0; i < sharing.length; i++) {
      const name = sharing.values[i]!;
      const value = shared[name]!;
      shared[name] = 0;
      const whole = weighted.size === 0 ? names.wholeOf(name) : names.sumOver(name, worth);
      this.#noteName(name, wholeName * value * (value / whole) ** 2 * (value / asked));
    }
    for (const id of weighted.keys()) worth[id] = names.rarityOf(id);
    if (sharing.length > 0) this.#giveBestNames();
    sharing.clear();
  }

  #noteName(name: number, score: number): void {
    const best = this.#bestName;
    const named = this.#named;
    this.#namedChunks.forEach(name, (chunk) => {
      if (score <= best[chunk]!) return;
      best[chunk] = score;
      named.add(chunk);
    });
  }

  #giveBestNames(): void {
    const best = this.#bestName;
    const named = this.#named;
    const { placeOf } = this.#table;
    for (let i = 0; i < named.length; i++) {
      const chunk = named.values[i]!;
      if (placeOf[chunk]! >= 0) this.#give(chunk, 'whole name', 'name', best[chunk]!);
      best[chunk] = 0;
    }
    named.clear();
  }

  #scoreDefinition(name: string): void {
    const id = this.#terms.find(definitionTerm(name));
    if (id === undefined) return;
    const group = this.#readAll(definitionTerm(name), [id]);
    this.#scorePresence(group, 'name', this.#weights.definition, name, 'definition');
  }

  /** What chunks have of a group of terms, until the next call. */
  #readAll(key: string, termIds: readonly number[]): GroupColumns {
    return this.#groups.read(key, termIds, this.#weights);
  }

  /** BM25 of a group, taken as one term, over one field of all chunks. */
  #scoreField(group: GroupColumns, field: 'text' | 'name', weight: number, term: string): void {
    const { k1, b } = this.#weights;
    const { chunks, frequency, length } = group[field];
    const norms = this.#table.lengthNorms(field, k1, b);
    const share = weight * rarity(this.#table.live, length) * (k1 + 1);
    const scores = this.#scores;
    for (let i = 0; i < length; i++) {
      const chunk = chunks[i]!;
      const tf = frequency[i]!;
      scores[chunk]! += (share * tf) / (tf + norms[chunk]!);
    }
    if (this.#witness === undefined) return;
    for (let i = 0; i < length; i++) {
      const tf = frequency[i]!;
      this.#witness(chunks[i]!, term, field, (share * tf) / (tf + norms[chunks[i]!]!));
    }
  }

  /** The rarity of a group for each chunk that has it in a field. */
  #scorePresence(group: GroupColumns, field: 'name' | 'scope', weight: number, term: string, shown: ScoredField): void {
    if (weight === 0) return;
    const { chunks, length } = group[field];
    const value = weight * rarity(this.#table.live, length);
    for (let i = 0; i < length; i++) this.#give(chunks[i]!, term, shown, value);
  }
}
