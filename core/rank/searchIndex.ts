import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { termsOfText } from '../lexical/splitIdentifier.ts';
import { bodyCount, commentCount, nameCount } from '../lexical/types.ts';
import type { FileRole } from '../model.ts';
import { Postings } from './postings.ts';
import { analyzeQuery, type AnalyzedQuery } from './queryAnalysis.ts';
import type { RankedChunk, ScorePart, SearchableFile, SearchOptions } from './types.ts';
import { defaultWeights, type RankingWeights } from './weights.ts';

interface IndexedFile {
  path: string;
  language: string;
  role: FileRole;
  firstChunk: number;
  chunkCount: number;
  /** Stems of all words of the path. */
  pathStems: ReadonlySet<string>;
  /** Stems of the words of the file's own name (of its directory's for index.ts, mod.rs and the like). */
  nameStems: ReadonlySet<string>;
}

/** Files that are called after their directory. */
const directoryFiles = new Set(['index', 'mod', 'lib', 'main', '__init__', 'init', 'package', 'readme']);

function withoutExtension(fileName: string): string {
  const dot = fileName.indexOf('.', 1);
  return dot < 0 ? fileName : fileName.slice(0, dot);
}

function nameWords(path: string): string {
  const parts = path.split('/');
  const name = withoutExtension(parts.at(-1)!);
  return directoryFiles.has(name.toLowerCase()) && parts.length > 1 ? parts.at(-2)! : name;
}

const stemsOf = (text: string): ReadonlySet<string> => new Set(termsOfText(text).map(stem));

function idf(documents: number, holding: number): number {
  return Math.log(1 + (documents - holding + 0.5) / (holding + 0.5));
}

interface FileScore {
  file: IndexedFile;
  score: number;
  best: number;
  chunks: number[];
}

/** Called for each share that a term adds to a chunk; only when a score is explained. */
type Witness = (chunk: number, term: string, field: 'text' | 'name', value: number) => void;

/**
 * BM25F over chunks, gathered into files, spread back over ranges.
 *
 * 1. Each chunk gets a BM25 score over its code and comments, half by whole words and half by stems, and a second
 *    one over the names it defines (fields as in Robertson, Zaragoza, Taylor 2004; the name field is added
 *    after saturation, which measured better than inside it).
 * 2. A file's score is its best chunk plus a share of the next ones, plus what its path says, times the prior
 *    of its role: the best file ranking and the best use of a budget pull apart, so they are two steps.
 * 3. The chunks of a file share its score in proportion to their own.
 */
export class SearchIndex {
  readonly #terms: TermDictionary;
  readonly #weights: RankingWeights;
  readonly #files = new Map<string, IndexedFile>();
  #postings = new Postings();
  /** Per chunk; a removed chunk has no file. */
  #chunkFile: (IndexedFile | undefined)[] = [];
  #lines: number[] = [];
  #textLength: number[] = [];
  #nameLength: number[] = [];
  #liveChunks = 0;
  #totalText = 0;
  #totalNames = 0;
  /** Scratch space, one cell a chunk. */
  #frequency = new Float32Array(0);
  #scores = new Float32Array(0);

  constructor(terms: TermDictionary, weights: RankingWeights = defaultWeights) {
    this.#terms = terms;
    this.#weights = weights;
  }

  get files(): number {
    return this.#files.size;
  }

  get chunks(): number {
    return this.#liveChunks;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Adds a file or replaces what was known under its path. */
  put(file: SearchableFile): void {
    this.remove(file.path);
    const entry: IndexedFile = {
      path: file.path,
      language: file.language,
      role: file.role,
      firstChunk: this.#chunkFile.length,
      chunkCount: file.chunks.length / 3,
      pathStems: stemsOf(file.path),
      nameStems: stemsOf(nameWords(file.path)),
    };
    this.#files.set(file.path, entry);
    for (let i = 0; i < entry.chunkCount; i++) this.#putChunk(entry, file, i);
  }

  #putChunk(entry: IndexedFile, { chunks, words }: SearchableFile, i: number): void {
    const chunk = this.#chunkFile.length;
    let text = 0;
    let names = 0;
    for (let pair = words.chunkOffsets[i]!; pair < words.chunkOffsets[i + 1]!; pair++) {
      const counts = words.counts[pair]!;
      this.#postings.add(words.termIds[pair]!, chunk, counts);
      text += bodyCount(counts) + commentCount(counts);
      names += nameCount(counts);
    }
    this.#chunkFile.push(entry);
    this.#lines.push(chunks[3 * i]!, chunks[3 * i + 1]!, chunks[3 * i + 2]!);
    this.#textLength.push(text);
    this.#nameLength.push(names);
    this.#liveChunks++;
    this.#totalText += text;
    this.#totalNames += names;
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    for (let chunk = file.firstChunk; chunk < file.firstChunk + file.chunkCount; chunk++) {
      this.#chunkFile[chunk] = undefined;
      this.#liveChunks--;
      this.#totalText -= this.#textLength[chunk]!;
      this.#totalNames -= this.#nameLength[chunk]!;
    }
    if (this.#chunkFile.length > 1024 && this.#liveChunks * 2 < this.#chunkFile.length) this.#compact();
  }

  /** Drops what removed files left behind. */
  #compact(): void {
    const newChunk = new Int32Array(this.#chunkFile.length).fill(-1);
    const kept: number[] = [];
    this.#chunkFile.forEach((file, chunk) => {
      if (file === undefined) return;
      newChunk[chunk] = kept.length;
      kept.push(chunk);
    });
    for (const file of this.#files.values()) {
      if (file.chunkCount > 0) file.firstChunk = newChunk[file.firstChunk]!;
    }
    this.#postings = this.#postings.compacted(newChunk);
    this.#chunkFile = kept.map((chunk) => this.#chunkFile[chunk]);
    this.#lines = kept.flatMap((chunk) => this.#lines.slice(3 * chunk, 3 * chunk + 3));
    this.#textLength = kept.map((chunk) => this.#textLength[chunk]!);
    this.#nameLength = kept.map((chunk) => this.#nameLength[chunk]!);
  }

  /** Ranges in rank order. Never more than one range for the same lines; ties are broken by path and line. */
  search(query: string, options: SearchOptions): RankedChunk[] {
    const analyzed = analyzeQuery(query);
    const touched = this.#scoreChunks(analyzed);
    const ranked = this.#rankFiles(analyzed, touched, options);
    const results = this.#spread(ranked, options.limit);
    if (options.explain === true) this.#explain(analyzed, results);
    for (const chunk of touched) this.#scores[chunk] = 0;
    return results.map(({ result }) => result);
  }

  #ensureScratch(): void {
    if (this.#scores.length >= this.#chunkFile.length) return;
    const size = Math.max(1024, this.#chunkFile.length * 2);
    this.#scores = new Float32Array(size);
    this.#frequency = new Float32Array(size);
  }

  /** Fills #scores; returns the chunks that have one. */
  #scoreChunks(query: AnalyzedQuery, witness?: Witness): number[] {
    this.#ensureScratch();
    const touched: number[] = [];
    const add = (chunk: number, value: number): void => {
      if (this.#scores[chunk] === 0) touched.push(chunk);
      this.#scores[chunk]! += value;
    };
    const { exact } = this.#weights;
    const stems = new Map<string, number>();
    for (const { term, weight } of query.terms) {
      const root = stem(term);
      stems.set(root, Math.max(stems.get(root) ?? 0, weight));
      const id = this.#terms.find(term);
      if (id !== undefined)
        this.#scoreField([id], 'text', weight * exact, add, witness && ((c, v) => witness(c, term, 'text', v)));
    }
    for (const [root, weight] of stems) {
      const members = this.#terms.withStem(root);
      const tell = (field: 'text' | 'name') => witness && ((c: number, v: number) => witness(c, `${root}*`, field, v));
      this.#scoreField(members, 'text', weight * (1 - exact), add, tell('text'));
      this.#scoreField(members, 'name', weight * this.#weights.name, add, tell('name'));
    }
    return touched;
  }

  /** BM25 of a group of terms, taken as one, over one field of all chunks. */
  #scoreField(
    termIds: readonly number[],
    field: 'text' | 'name',
    weight: number,
    add: (chunk: number, value: number) => void,
    tell?: (chunk: number, value: number) => void,
  ): void {
    const { k1, b, comment } = this.#weights;
    const frequency = this.#frequency;
    const holding: number[] = [];
    for (const id of termIds) {
      this.#postings.forEach(id, (chunk, counts) => {
        const found = field === 'name' ? nameCount(counts) : bodyCount(counts) + comment * commentCount(counts);
        if (found === 0 || this.#chunkFile[chunk] === undefined) return;
        if (frequency[chunk] === 0) holding.push(chunk);
        frequency[chunk]! += found;
      });
    }
    const lengths = field === 'name' ? this.#nameLength : this.#textLength;
    const average = (field === 'name' ? this.#totalNames : this.#totalText) / Math.max(1, this.#liveChunks) || 1;
    const rarity = weight * idf(this.#liveChunks, holding.length);
    for (const chunk of holding) {
      const tf = frequency[chunk]!;
      frequency[chunk] = 0;
      const value = (rarity * tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * lengths[chunk]!) / average));
      add(chunk, value);
      tell?.(chunk, value);
    }
  }

  #rankFiles(query: AnalyzedQuery, touched: readonly number[], options: SearchOptions): FileScore[] {
    const byFile = new Map<IndexedFile, number[]>();
    for (const chunk of touched) {
      const file = this.#chunkFile[chunk]!;
      const list = byFile.get(file);
      if (list === undefined) byFile.set(file, [chunk]);
      else list.push(chunk);
    }
    const pathScores = this.#scorePaths(query);
    for (const file of pathScores.keys()) if (!byFile.has(file)) byFile.set(file, []);
    const ranked: FileScore[] = [];
    for (const [file, chunks] of byFile) {
      if (file.chunkCount === 0 || options.accept?.(file.path) === false) continue;
      ranked.push(this.#scoreFile(query, file, chunks, pathScores.get(file) ?? 0));
    }
    return ranked.sort((a, b) => b.score - a.score || (a.file.path < b.file.path ? -1 : 1));
  }

  #scoreFile(query: AnalyzedQuery, file: IndexedFile, chunks: number[], path: number): FileScore {
    const { support, supportDepth } = this.#weights;
    chunks.sort((a, b) => this.#scores[b]! - this.#scores[a]! || a - b);
    const best = chunks.length > 0 ? this.#scores[chunks[0]!]! : 0;
    let more = 0;
    for (let i = 1; i <= supportDepth && i < chunks.length; i++) more += this.#scores[chunks[i]!]!;
    const score = (best + support * more + path) * this.#prior(query, file);
    return { file, score, best, chunks };
  }

  #prior(query: AnalyzedQuery, file: IndexedFile): number {
    return query.roles.has(file.role) ? 1 : this.#weights.prior[file.role];
  }

  /** What the words of a path say about the query: rarity-weighted matches, and how much of the file's own name matches. */
  #scorePaths(query: AnalyzedQuery): Map<IndexedFile, number> {
    const stems = new Map(query.terms.map(({ term, weight }) => [stem(term), weight]));
    const holding = new Map<string, number>();
    const matches: { file: IndexedFile; found: string[] }[] = [];
    for (const file of this.#files.values()) {
      const found: string[] = [];
      for (const root of file.pathStems) if (stems.has(root)) found.push(root);
      if (found.length > 0 || query.paths.length > 0) matches.push({ file, found });
      for (const root of found) holding.set(root, (holding.get(root) ?? 0) + 1);
    }
    const scores = new Map<IndexedFile, number>();
    for (const { file, found } of matches) {
      const score = this.#pathScore(
        query,
        file,
        found,
        (root) => stems.get(root)! * idf(this.#files.size, holding.get(root)!),
      );
      if (score > 0) scores.set(file, score);
    }
    return scores;
  }

  #pathScore(query: AnalyzedQuery, file: IndexedFile, found: string[], rarity: (root: string) => number): number {
    let words = 0;
    let named = 0;
    let inName = 0;
    for (const root of found) {
      words += rarity(root);
      if (file.nameStems.has(root)) {
        named += rarity(root);
        inName++;
      }
    }
    const share = file.nameStems.size > 0 ? inName / file.nameStems.size : 0;
    const path = file.path.toLowerCase();
    const mentioned = query.paths.some((asked) => path === asked || path.endsWith(`/${asked}`)) ? 10 : 0;
    return this.#weights.path * words + this.#weights.stem * named * share + mentioned;
  }

  /** Hands each file's score to its chunks and takes the best. A file found by its path alone gives its first chunk. */
  #spread(ranked: FileScore[], limit: number): { chunk: number; result: RankedChunk; owner: FileScore }[] {
    const { spread } = this.#weights;
    const candidates: { chunk: number; score: number; owner: FileScore }[] = [];
    for (const owner of ranked.slice(0, Math.max(limit, 50))) {
      if (owner.best === 0) candidates.push({ chunk: owner.file.firstChunk, score: owner.score, owner });
      for (const chunk of owner.chunks) {
        candidates.push({ chunk, score: owner.score * (this.#scores[chunk]! / owner.best) ** spread, owner });
      }
    }
    candidates.sort(
      (a, b) => b.score - a.score || (a.owner.file.path < b.owner.file.path ? -1 : 1) || a.chunk - b.chunk,
    );
    return candidates
      .slice(0, limit)
      .map(({ chunk, score, owner }) => ({ chunk, owner, result: this.#result(chunk, score) }));
  }

  #result(chunk: number, score: number): RankedChunk {
    const { path, language, role } = this.#chunkFile[chunk]!;
    return {
      path,
      language,
      role,
      startLine: this.#lines[3 * chunk]!,
      endLine: this.#lines[3 * chunk + 1]!,
      tokens: this.#lines[3 * chunk + 2]!,
      score,
    };
  }

  /** Scores again with a witness: what each term gave to the chunks that are shown. */
  #explain(query: AnalyzedQuery, results: { chunk: number; result: RankedChunk; owner: FileScore }[]): void {
    const shown = new Map(
      results.map(({ chunk }) => [chunk, { text: new Map<string, number>(), name: new Map<string, number>() }]),
    );
    const before = this.#scores.slice(0, this.#chunkFile.length);
    this.#scores.fill(0);
    this.#scoreChunks(query, (chunk, term, field, value) => {
      const terms = shown.get(chunk)?.[field];
      terms?.set(term, (terms.get(term) ?? 0) + value);
    });
    this.#scores.fill(0);
    this.#scores.set(before);
    const pathScores = this.#scorePaths(query);
    for (const { chunk, result, owner } of results) {
      const terms = shown.get(chunk)!;
      result.parts = [
        part('text', terms.text),
        part('names', terms.name),
        { name: 'path', value: pathScores.get(owner.file) ?? 0 },
        { name: 'prior', value: this.#prior(query, owner.file), detail: owner.file.role },
        { name: 'file', value: owner.score, detail: `${owner.chunks.length} matching ranges` },
        { name: 'total', value: result.score },
      ];
    }
  }
}

/** The sum of a field and its strongest terms. */
function part(name: string, terms: Map<string, number>): ScorePart {
  const strongest = [...terms].sort((a, b) => b[1] - a[1]).slice(0, 6);
  const value = [...terms.values()].reduce((sum, each) => sum + each, 0);
  return { name, value, detail: strongest.map(([term, each]) => `${term} ${each.toFixed(2)}`).join(', ') };
}
