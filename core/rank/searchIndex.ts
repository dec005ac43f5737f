import type { FileUse } from '../graph/fileUses.ts';
import type { FileRole } from '../model.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { ChangeEvidence } from './changeEvidence.ts';
import { ChunkScorer, type ScoredField } from './chunkScorer.ts';
import { ChunkTable, roleNumbers, type IndexedFile } from './chunkTable.ts';
import { bestOf } from './bestOf.ts';
import { analyzeQuery, type AnalyzedQuery } from './queryAnalysis.ts';
import { FileLinks } from './fileLinks.ts';
import { depthOf, expectedNearness, type EmbeddedChunks, type KnownNearness } from './partialVectors.ts';
import { nearness } from './nearness.ts';
import { comparedFiles, FeedbackEvidence } from './feedbackEvidence.ts';
import { FileScores } from './fileScores.ts';
import { NeighbourEvidence } from './neighbourEvidence.ts';
import { isSameFile, PathScorer } from './scorePaths.ts';
import { TestEvidence } from './testEvidence.ts';
import type { RankedChunk, ScorePart, SearchableFile, SearchOptions } from './types.ts';
import { defaultWeights, type RankingWeights } from './weights.ts';

interface Answer {
  chunk: number;
  owner: IndexedFile;
  result: RankedChunk;
}

function besideMeaning(weights: RankingWeights): RankingWeights {
  const { near, spread, neighbours } = weights.besideMeaning;
  return {
    ...weights,
    near: weights.near * near,
    spread: weights.spread * spread,
    importNear: weights.importNear * neighbours,
    callNear: weights.callNear * neighbours,
  };
}

/** What the ranges of a file count beside the one at the line that is asked for. */
const besideAsked = 0.7;

/** A chunk with a smaller share of the best score by words has nothing to lose for want of a vector. */
const leastShare = 0.05;

/** Results are taken from at least so many files. */
const leastFiles = 50;

function sumOfNext(highest: Float64Array): number {
  let sum = 0;
  for (let i = 1; i < highest.length; i++) sum += highest[i]!;
  return sum;
}

/**
 * Ranks files by all their evidence, then ranges within the best files: the best file ranking and the best use of a
 * budget pull apart, so they are two steps.
 *
 * 1. Each chunk gets a score of its own (`ChunkScorer`); those near in meaning gain (Bruch, Gai and Ingber 2023: a
 *    sum of normalised scores ranks better than a fusion of ranks, and is sound with few parameters).
 * 2. A file's score is its best chunk plus a share of the next ones, plus what its path says, times the prior
 *    of its role, plus a share of what its tests score and of what the files around it score.
 * 3. The chunks of a file share its score in proportion to their own.
 */
export class SearchIndex {
  readonly #standard: RankingWeights;
  /** Those of the search that is going on. */
  #weights: RankingWeights;
  readonly #table = new ChunkTable();
  readonly #terms: TermDictionary;
  readonly #scorer: ChunkScorer;
  readonly #links = new FileLinks();
  readonly #paths: PathScorer;
  readonly #tests: TestEvidence;
  readonly #neighbours: NeighbourEvidence;
  readonly #changes: ChangeEvidence;
  readonly #feedback: FeedbackEvidence;
  /** Of the search that is going on: what each file has. */
  readonly #scores = new FileScores();
  /** By place, the binary logarithm of one more than the number of its importers; for one state of files and links. */
  #centrality = new Float64Array(0);
  #centralityOf = '';
  /** Of the search that is going on: chunks near in meaning, 0 to 1, and the best score by words. */
  readonly #near = new Map<number, number>();
  /** Those of them that have no vector: their nearness is what can be expected. */
  readonly #expected = new Set<number>();
  #bestByWords = 1;
  /** The highest scores of a file, highest first. */
  #highest = new Float64Array(0);

  constructor(terms: TermDictionary, weights: RankingWeights = defaultWeights) {
    this.#standard = weights;
    this.#weights = weights;
    this.#terms = terms;
    this.#scorer = new ChunkScorer(terms, this.#table);
    this.#paths = new PathScorer(this.#table);
    this.#tests = new TestEvidence(this.#table);
    this.#neighbours = new NeighbourEvidence(this.#table, this.#links.relations);
    this.#changes = new ChangeEvidence(this.#table);
    this.#feedback = new FeedbackEvidence(this.#table, this.#scorer);
  }

  get files(): number {
    return this.#table.files.size;
  }

  get chunks(): number {
    return this.#table.live;
  }

  has(path: string): boolean {
    return this.#table.files.has(path);
  }

  /** Adds a file or replaces what was known under its path. */
  put(file: SearchableFile): void {
    this.#table.put(file);
  }

  remove(path: string): void {
    this.#table.remove(path);
    this.#links.remove(path);
  }

  /** Call it after files have been added; with `all` when little more will be. */
  settle(all = false): void {
    this.#table.settle(all);
  }

  /** Says which files a file uses; without it neighbours do not count. */
  link(path: string, uses: readonly FileUse[]): void {
    this.#links.put(path, uses);
  }

  /** How many files import a file, as far as that has been found out. */
  importersOf(path: string): number {
    return this.#links.relations.importers.get(path) ?? 0;
  }

  /** Files that hold a term, sorted. */
  filesWith(term: string): string[] {
    const id = this.#terms.find(term);
    const found = new Set<string>();
    if (id === undefined) return [];
    this.#table.postings.forEach(id, (chunk) => {
      const file = this.#table.fileOf(chunk);
      if (file !== undefined) found.add(file.path);
    });
    return [...found].sort();
  }

  /** Ranges in rank order. Never more than one range for the same lines; ties are broken by path and line. */
  search(query: string, options: SearchOptions): RankedChunk[] {
    const weights = options.weights ?? this.#standard;
    this.#weights = (options.meaning ?? []).length === 0 ? weights : besideMeaning(weights);
    const analyzed = analyzeQuery(query, this.#weights);
    try {
      this.#scorer.score(analyzed, this.#weights);
      const priorOf = this.#priors(analyzed);
      this.#addMeaning(options, priorOf);
      const ranked = this.#rankFiles(analyzed, options, priorOf);
      const answers = this.#spread(analyzed, ranked, options.limit);
      this.#scorer.reset();
      if (options.explain === true) this.#explain(analyzed, answers, priorOf);
      return answers.map(({ result }) => result);
    } finally {
      // Also after a filter or a history that failed: the next query is to find nothing of this one.
      this.#scorer.reset();
      this.#scores.clear();
    }
  }

  /** Chunks gain for being near in meaning, as a share of what the best chunk has by its words. */
  #addMeaning({ meaning = [], embedded }: SearchOptions, priorOf: (place: number) => number): void {
    this.#near.clear();
    this.#expected.clear();
    this.#bestByWords = this.#bestScore() || 1;
    for (const { path, index, value } of nearness(meaning, depthOf(embedded, this.#weights.meaningDepth))) {
      const file = this.#table.files.get(path);
      if (file !== undefined && index < file.chunkCount) this.#near.set(file.firstChunk + index, value);
    }
    if (embedded !== undefined && this.#near.size > 0) this.#addExpected(embedded);
    this.#lowerByRole(priorOf);
    for (const chunk of this.#near.keys()) this.#scorer.add(chunk, this.#meaningOf(chunk));
  }

  #bestScore(): number {
    const { scores } = this.#scorer;
    const { size } = this.#table;
    let best = 0;
    for (let chunk = 0; chunk < size; chunk++) if (scores[chunk]! > best) best = scores[chunk]!;
    return best;
  }

  /** Chunks without a vector are taken to be as near as others with so much of the words. */
  #addExpected({ has }: EmbeddedChunks): void {
    const known: KnownNearness[] = [];
    const lacking: { chunk: number; share: number }[] = [];
    const { size } = this.#table;
    for (let chunk = 0; chunk < size; chunk++) {
      const share = this.#scorer.scoreOf(chunk) / this.#bestByWords;
      if (share < leastShare) continue;
      const { path, firstChunk } = this.#table.fileOf(chunk)!;
      if (has(path, chunk - firstChunk)) known.push({ share, near: this.#near.get(chunk) ?? 0 });
      else lacking.push({ chunk, share });
    }
    const expected = expectedNearness(known);
    for (const { chunk, share } of lacking) {
      this.#near.set(chunk, expected(share));
      this.#expected.add(chunk);
    }
  }

  /**
   * Tests and pages speak of the code in the words of a question, and would take the places of the code itself: they have
   * to be nearer than it.
   */
  #lowerByRole(priorOf: (place: number) => number): void {
    const { placeOf } = this.#table;
    for (const [chunk, value] of this.#near) {
      const lowered = value - this.#weights.meaningPrior * (1 - priorOf(placeOf[chunk]!));
      if (lowered > 0) this.#near.set(chunk, lowered);
      else this.#near.delete(chunk);
    }
  }

  /** The best files, as many as results are taken from, best first. */
  #rankFiles(
    query: AnalyzedQuery,
    { accept, limit, signals, vectors }: SearchOptions,
    priorOf: (place: number) => number,
  ): IndexedFile[] {
    this.#scoreFiles(query, priorOf);
    const scores = this.#scores;
    if (query.roles.size === 0) this.#addTestEvidence(scores);
    this.#addNeighbours(scores, priorOf);
    const history = this.#changes.add(scores, query, this.#weights, signals, priorOf);
    const accepted =
      accept === undefined ? scores.places : scores.places.filter((place) => accept(this.#table.fileAt(place).path));
    const count = Math.max(limit, leastFiles);
    let best = this.#bestPlaces(accepted, vectors === undefined ? count : Math.max(count, comparedFiles));
    if (vectors !== undefined) {
      const known = { history, isNamed: this.#isNamed(query) };
      this.#feedback.weigh(best, scores, this.#weights, vectors, known);
      best = this.#bestPlaces(best, count);
    }
    return best.map((place) => this.#table.fileAt(place));
  }

  /** Whether the query says the path of a file. */
  #isNamed({ places }: AnalyzedQuery): (place: number) => boolean {
    if (places.length === 0) return () => false;
    return (place) => {
      const path = this.#table.fileAt(place).path.toLowerCase();
      return places.some((named) => isSameFile(path, named.path));
    };
  }

  /** Best first; ties by path. */
  #bestPlaces(places: ArrayLike<number>, count: number): number[] {
    const pathOf = (place: number): string => this.#table.fileAt(place).path;
    return bestOf(
      places,
      count,
      (place) => this.#scores.score[place]!,
      (a, b) => (pathOf(a) < pathOf(b) ? -1 : 1),
    );
  }

  /** Scores every file that has something of the query in its chunks or its path. */
  #scoreFiles(query: AnalyzedQuery, priorOf: (place: number) => number): void {
    const scores = this.#scores;
    const { places } = this.#table;
    scores.fit(places);
    if (this.#highest.length !== 1 + this.#weights.supportDepth)
      this.#highest = new Float64Array(1 + this.#weights.supportDepth);
    for (let place = 0; place < places; place++) {
      const ranges = this.#readChunks(place);
      if (ranges === 0) continue;
      scores.begin(place);
      scores.ranges[place] = ranges;
      scores.best[place] = this.#highest[0]!;
      scores.more[place] = this.#weights.support * sumOfNext(this.#highest);
    }
    const { chunkCountAt } = this.#table;
    this.#paths.score(query, this.#weights, (place, score) => {
      if (chunkCountAt[place] === 0) return;
      scores.begin(place);
      scores.path[place] = score;
    });
    this.#addFileMeaning(scores);
    for (const place of scores.places) this.#scoreFile(place, scores, priorOf);
  }

  /** A file gains for its chunk nearest in meaning. */
  #addFileMeaning({ meaning }: FileScores): void {
    for (const [chunk, near] of this.#near) {
      const place = this.#table.placeOf[chunk]!;
      meaning[place] = Math.max(meaning[place]!, this.#weights.meaningFile * near * this.#bestByWords);
    }
  }

  /** All of a file's own evidence, once its chunks and its path have been looked at. */
  #scoreFile(place: number, scores: FileScores, priorOf: (place: number) => number): void {
    const declared = this.#table.isDeclarationAt[place]! ? this.#weights.declaration : 1;
    const covered = (1 + this.#weights.coverage * this.#scorer.coverageOf(place)) * declared;
    const own = scores.best[place]! + scores.more[place]! + scores.path[place]! + scores.meaning[place]!;
    const raw = own * covered;
    scores.covered[place] = covered;
    scores.raw[place] = raw;
    scores.score[place] = raw * priorOf(place);
  }

  /** How many chunks of a file have a score, and in `#highest` the highest ones; 0 where there are fewer. */
  #readChunks(place: number): number {
    const { scores } = this.#scorer;
    const highest = this.#highest;
    const last = highest.length - 1;
    // A call to fill() takes longer than this for a few cells.
    for (let i = 0; i <= last; i++) highest[i] = 0;
    const firstChunk = this.#table.firstChunkAt[place]!;
    const end = firstChunk + this.#table.chunkCountAt[place]!;
    let found = 0;
    for (let chunk = firstChunk; chunk < end; chunk++) {
      const score = scores[chunk]!;
      if (score <= 0) continue;
      found++;
      if (score <= highest[last]!) continue;
      let at = last;
      for (; at > 0 && highest[at - 1]! < score; at--) highest[at] = highest[at - 1]!;
      highest[at] = score;
    }
    return found;
  }

  /** The chunks of a file that have a score. */
  #foundIn({ firstChunk, chunkCount, place }: IndexedFile): number[] {
    const found = this.#scores.ranges[place]!;
    const chunks: number[] = [];
    for (let chunk = firstChunk; chunks.length < found && chunk < firstChunk + chunkCount; chunk++)
      if (this.#scorer.scoreOf(chunk) > 0) chunks.push(chunk);
    return chunks;
  }

  #addTestEvidence(scores: FileScores): void {
    this.#tests.weigh(scores);
    for (const place of scores.places) {
      scores.tests[place]! *= this.#weights.tests;
      scores.score[place]! += scores.tests[place]!;
    }
  }

  /** What the files around the best ones gain, and a little for being imported by many. */
  #addNeighbours(scores: FileScores, priorOf: (place: number) => number): void {
    const centrality = this.#readCentrality();
    const { central: weight } = this.#weights;
    const { score, central, near } = scores;
    for (const place of scores.places) {
      central[place] = score[place]! * weight * centrality[place]!;
      score[place]! += central[place];
    }
    this.#neighbours.weigh(scores, this.#weights);
    for (const place of scores.places) {
      if (near[place] === 0) continue;
      near[place]! *= priorOf(place);
      score[place]! += near[place]!;
    }
  }

  #readCentrality(): Float64Array {
    const state = `${this.#table.version} ${this.#links.version}`;
    if (state === this.#centralityOf) return this.#centrality;
    const { importers } = this.#links.relations;
    this.#centrality = new Float64Array(this.#table.places);
    for (const { path, place } of this.#table.files.values())
      this.#centrality[place] = Math.log2(1 + (importers.get(path) ?? 0));
    this.#centralityOf = state;
    return this.#centrality;
  }

  #priors(query: AnalyzedQuery): (place: number) => number {
    const { prior } = this.#weights;
    const priors = new Float64Array(Object.keys(roleNumbers).length);
    for (const role of Object.keys(roleNumbers) as FileRole[])
      priors[roleNumbers[role]] = query.roles.has(role) ? 1 : prior[role];
    const { roleAt } = this.#table;
    return (place) => priors[roleAt[place]!]!;
  }

  /** Hands each file's score to its chunks and takes the best. A file found by its path alone gives its first chunk. */
  #spread(query: AnalyzedQuery, ranked: readonly IndexedFile[], limit: number): Answer[] {
    const { spread } = this.#weights;
    const candidates: { chunk: number; score: number; owner: IndexedFile }[] = [];
    // Each file has a chunk with all of its score: what has less than the last file that counts is not among the best.
    const lastOwner = ranked[limit - 1];
    const leastScore = lastOwner === undefined ? 0 : this.#scores.score[lastOwner.place]!;
    for (const owner of ranked) {
      const { place } = owner;
      const [best, whole] = [this.#scores.best[place]!, this.#scores.score[place]!];
      const asked = this.#askedChunks(query, owner);
      const found = this.#scores.ranges[place] === 0 && asked.size === 0 ? [owner.firstChunk] : this.#foundIn(owner);
      const chunks = asked.size === 0 ? found : new Set([...asked, ...found]);
      const least = best * leastOwnShare(leastScore, whole, spread);
      for (const chunk of chunks) {
        if (asked.size === 0 && this.#scorer.scoreOf(chunk) < least) continue;
        const own = best === 0 ? 1 : (this.#scorer.scoreOf(chunk) / best) ** spread;
        const share = asked.has(chunk) ? 1 : asked.size > 0 ? own * besideAsked : own;
        candidates.push({ chunk, score: whole * share, owner });
      }
    }
    return bestOf(
      candidates,
      limit,
      ({ score }) => score,
      (a, b) => (a.owner === b.owner ? a.chunk - b.chunk : a.owner.path < b.owner.path ? -1 : 1),
    ).map(({ chunk, score, owner }) => ({ chunk, owner, result: this.#result(chunk, score) }));
  }

  /** The ranges of a file that hold a line which the query names. */
  #askedChunks(query: AnalyzedQuery, file: IndexedFile): ReadonlySet<number> {
    const asked = new Set<number>();
    const path = query.places.length > 0 ? file.path.toLowerCase() : '';
    for (const { path: named, line } of query.places) {
      if (line === undefined || !isSameFile(path, named)) continue;
      for (let chunk = file.firstChunk; chunk < file.firstChunk + file.chunkCount; chunk++) {
        const [start, end] = [this.#table.lines[3 * chunk]!, this.#table.lines[3 * chunk + 1]!];
        if (start <= line && line <= end) asked.add(chunk);
      }
    }
    return asked;
  }

  #result(chunk: number, score: number): RankedChunk {
    const { path, language, role } = this.#table.fileOf(chunk)!;
    const [startLine, endLine, tokens] = this.#table.lines.slice(3 * chunk, 3 * chunk + 3);
    return { path, language, role, startLine: startLine!, endLine: endLine!, tokens: tokens!, score };
  }

  /** What a chunk has gained for its meaning. */
  #meaningOf(chunk: number): number {
    return this.#weights.meaning * this.#bestByWords * (this.#near.get(chunk) ?? 0);
  }

  #meaningPart(chunk: number): ScorePart {
    const value = this.#meaningOf(chunk);
    return { name: 'meaning', value, ...(this.#expected.has(chunk) ? { detail: 'expected, no vector yet' } : {}) };
  }

  /** Scores again with a witness: what each term gave to the chunks that are shown. */
  #explain(query: AnalyzedQuery, answers: readonly Answer[], priorOf: (place: number) => number): void {
    const shown = new Map(answers.map(({ chunk }) => [chunk, new Map<ScoredField, Map<string, number>>()]));
    this.#scorer.score(query, this.#weights, (chunk, term, field, value) => {
      const fields = shown.get(chunk);
      if (fields === undefined) return;
      const terms = fields.get(field) ?? new Map<string, number>();
      fields.set(field, terms.set(term, (terms.get(term) ?? 0) + value));
    });
    const scores = this.#scores;
    for (const { chunk, result, owner } of answers) {
      const { place } = owner;
      const ranges = scores.ranges[place]!;
      const fields = shown.get(chunk)!;
      const nearest = scores.nearest[place]!;
      const changes = scores.changes[place]!;
      const feedback = scores.feedback[place]!;
      result.parts = [
        part('text', fields.get('text')),
        part('names', fields.get('name')),
        part('scope', fields.get('scope')),
        part('defines', fields.get('definition')),
        ...(this.#near.size === 0 ? [] : [this.#meaningPart(chunk)]),
        { name: 'more ranges', value: scores.more[place]! },
        { name: 'path', value: scores.path[place]! },
        ...(this.#near.size === 0 ? [] : [{ name: 'file meaning', value: scores.meaning[place]! }]),
        { name: 'coverage', value: scores.covered[place]! },
        { name: 'prior', value: priorOf(place), detail: owner.role },
        { name: 'tests', value: scores.tests[place]! },
        {
          name: 'neighbours',
          value: scores.near[place]!,
          ...(nearest < 0 ? {} : { detail: this.#table.fileAt(nearest).path }),
        },
        { name: 'central', value: scores.central[place]! },
        ...(changes === 0 ? [] : [{ name: 'changes', value: changes }]),
        ...(feedback === 0 ? [] : [{ name: 'feedback', value: feedback }]),
        {
          name: 'file',
          value: scores.score[place]!,
          detail: `${ranges} matching ${ranges === 1 ? 'range' : 'ranges'}`,
        },
        { name: 'total', value: result.score },
      ];
    }
  }
}

/** A share is taken to be a little higher than it is worked out: powers are rounded. */
const powerSlack = 1 - 1e-9;

/** The share of the best chunk of a file that another one has at least if it has so much of the file's score, or a bit less. */
const leastOwnShare = (score: number, whole: number, spread: number): number =>
  score > 0 && whole > score && spread > 0 ? (score / whole) ** (1 / spread) * powerSlack : 0;

/** The sum of a field and its strongest terms. */
function part(name: string, terms: ReadonlyMap<string, number> = new Map()): ScorePart {
  const strongest = [...terms].sort((a, b) => b[1] - a[1]).slice(0, 6);
  const value = [...terms.values()].reduce((sum, each) => sum + each, 0);
  return { name, value, detail: strongest.map(([term, each]) => `${term} ${each.toFixed(2)}`).join(', ') };
}
