import { digestBytes } from '../../../core/chunk/embeddingInput.ts';
import type {
  FileRange,
  FoundSymbolRow,
  GraphAnswer,
  GraphQuery,
  SymbolQuery,
  UsedSymbol,
} from '../../../core/graph/answerTypes.ts';
import { DefinitionRanks, toRankRequest, usedSymbols, type MapQuestion } from '../../../core/graph/definitionRanks.ts';
import { usedFilesOf, type FileUse } from '../../../core/graph/fileUses.ts';
import { answerGraph } from '../../../core/graph/graphAnswers.ts';
import { isDriftLarge } from '../../../core/graph/linkDrift.ts';
import { LiveGraph } from '../../../core/graph/liveGraph.ts';
import { TermDictionary } from '../../../core/lexical/termDictionary.ts';
import type { CodeSymbol } from '../../../core/model.ts';
import type { MapFile } from '../../../core/pack/packMap.ts';
import { keptBytesPerChunk } from '../../../core/rank/knownGroups.ts';
import { pathFilter } from '../../../core/rank/pathFilter.ts';
import { SearchIndex } from '../../../core/rank/searchIndex.ts';
import type { RankedChunk } from '../../../core/rank/types.ts';
import type { RankingWeights } from '../../../core/rank/weights.ts';
import { decodeChunkRanges, decodeOwnWords, decodeSymbols } from '../../../core/records/fileRecords.ts';
import { searchSymbols } from '../../../core/symbols/searchSymbols.ts';
import { meaningOf } from '../../../core/vectors/meaningOf.ts';
import type { VectorTable } from '../../../core/vectors/vectorTable.ts';
import { toHex } from '../bytes.ts';
import type { FileRow } from './contextPorts.ts';

/** What is known of the links of a branch: what each file uses, and how many changed since all were resolved. */
export interface KnownLinks {
  /** By path; of the file with this record. */
  files: ReadonlyMap<string, { recordKey: string; uses: readonly FileUse[] }>;
  drift: number;
}

export interface SearchWishes {
  limit: number;
  /** Folders or globs; empty: everything. */
  sources: readonly string[];
  weights: RankingWeights;
  /** Vector of the question, of length 1; null: words alone decide. */
  vector: Float32Array | null;
}

/** What memory things take, in bytes, measured on indexes of real repositories. */
const costs = { file: 1_400, pair: 12, chunk: 90 + keptBytesPerChunk, recordByte: 1.5, symbolByte: 4, graphByte: 9 };

/**
 * One revision of a project in memory: what the local engine's store worker keeps of index.db, made of the same parts.
 * It is filled once, file by file, then linked; from then on it only answers.
 */
export class ProjectIndex {
  readonly #terms = new TermDictionary();
  readonly #search = new SearchIndex(this.#terms);
  readonly #files = new Map<string, FileRow>();
  readonly #uses = new Map<string, readonly FileUse[]>();
  readonly #vectors: VectorTable | undefined;
  readonly #ranks = new DefinitionRanks((path) => this.#files.get(path)?.role ?? 'source');
  #drift = 0;
  #live: LiveGraph | undefined;
  #symbols: Map<string, readonly CodeSymbol[]> | undefined;
  #pairs = 0;
  #recordBytes = 0;
  #graphBytes = 0;

  /** @param vectors empty, of the dimensions of the project's model; undefined where there is none */
  constructor(vectors: VectorTable | undefined) {
    this.#vectors = vectors;
  }

  get files(): ReadonlyMap<string, FileRow> {
    return this.#files;
  }

  get chunks(): number {
    return this.#search.chunks;
  }

  /** Chunks that have a vector. */
  get embedded(): number {
    return this.#vectors?.size ?? 0;
  }

  /** About so much memory. */
  get bytes(): number {
    const graph = this.#live === undefined ? 0 : this.#graphBytes * costs.graphByte;
    const symbols = this.#symbols === undefined ? 0 : this.#graphBytes * costs.symbolByte;
    return Math.round(
      this.#files.size * costs.file +
        this.#pairs * costs.pair +
        this.#search.chunks * costs.chunk +
        this.#recordBytes * costs.recordByte +
        (this.#vectors?.bytes ?? 0) +
        graph +
        symbols,
    );
  }

  /** @throws {RangeError} for a record that is damaged */
  put(row: FileRow): void {
    const { path, language, role, chunks, symbols, links, digests } = row;
    const { flat } = decodeChunkRanges(chunks);
    const words = decodeOwnWords(row.words, (term) => this.#terms.idOf(term));
    const count = flat.length / 3;
    if (words.chunkOffsets.length - 1 !== count || digests.length !== count * digestBytes)
      throw new RangeError(`the record of a file does not agree with itself`);
    this.#files.set(path, row);
    this.#search.put({ path, language, role, chunks: flat, words });
    this.#search.settle();
    this.#vectors?.place(path, digests);
    this.#pairs += words.termIds.length;
    this.#recordBytes += chunks.length + symbols.length + links.length + row.words.length + digests.length;
    this.#graphBytes += symbols.length + links.length;
  }

  /** Call it when all files are in. */
  settle(): void {
    this.#search.settle(true);
  }

  /** Digests of the chunks that have no vector, each with the places where it stands. */
  gaps(): Map<string, { path: string; index: number }[]> {
    const gaps = new Map<string, { path: string; index: number }[]>();
    if (this.#vectors === undefined) return gaps;
    for (const path of this.#files.keys()) {
      for (const index of this.#vectors.gapsOf(path)) {
        const digest = toHex(this.#vectors.digestOf(path, index));
        const places = gaps.get(digest);
        if (places === undefined) gaps.set(digest, [{ path, index }]);
        else places.push({ path, index });
      }
    }
    return gaps;
  }

  putVector(places: readonly { path: string; index: number }[], vector: Float32Array): void {
    const table = this.#vectors!;
    if (vector.length !== table.dimensions)
      throw new RangeError(`the vector has ${vector.length} dimensions, not ${table.dimensions}`);
    for (const { path, index } of places) table.put(path, index, table.digestOf(path, index), vector);
  }

  /** Takes the vectors of equal chunks from an older revision. */
  adoptVectors(from: ProjectIndex): void {
    if (this.#vectors !== undefined && from.#vectors !== undefined) this.#vectors.adopt(from.#vectors);
  }

  get links(): KnownLinks {
    const files = [...this.#uses].map(
      ([path, uses]) => [path, { recordKey: this.#files.get(path)!.recordKey, uses }] as const,
    );
    return { files: new Map(files), drift: this.#drift };
  }

  /**
   * Finds out which files use which, a file a step, by the rule of the local engine: what is known of files that have
   * not changed is kept, until too many have.
   * @returns whether anything had to be found out.
   */
  *linkSteps(known: KnownLinks): Generator<void, boolean> {
    const paths = [...this.#files.keys()].sort();
    const isKnown = (path: string): boolean => known.files.get(path)?.recordKey === this.#files.get(path)!.recordKey;
    const changed = paths.filter((path) => !isKnown(path));
    const drift = known.drift + changed.length;
    const everything = isDriftLarge(drift, paths.length);
    this.#drift = everything ? 0 : drift;
    const due = everything && changed.length > 0 ? paths : changed;
    if (due.length > 0) yield* this.#graphSteps();
    const dueSet = new Set(due);
    for (const path of paths) {
      const uses = dueSet.has(path) ? usedFilesOf(this.#live!.graph, path) : this.#present(known.files.get(path)!.uses);
      this.#uses.set(path, uses);
      this.#search.link(path, uses);
      if (dueSet.has(path)) yield;
    }
    return due.length > 0;
  }

  /** Nobody uses a file that is gone. */
  #present(uses: readonly FileUse[]): readonly FileUse[] {
    return uses.every(({ path }) => this.#files.has(path)) ? uses : uses.filter(({ path }) => this.#files.has(path));
  }

  *#graphSteps(): Generator<void, void> {
    this.#live ??= new LiveGraph(this.#files.keys(), (path) => this.#files.get(path));
    yield* this.#live.load();
    this.#symbols = undefined;
  }

  /** What answers from the graph need, step by step; nothing is left to do the second time. */
  *openGraph(): Generator<void, void> {
    yield* this.#graphSteps();
    yield* this.#live!.graph.edgeSteps();
  }

  /** Forgets what can be made again and was needed for linking alone. */
  closeGraph(): void {
    this.#live = undefined;
  }

  /** Best first. */
  search(query: string, { limit, sources, weights, vector }: SearchWishes): RankedChunk[] {
    return this.#search.search(query, {
      ...(vector === null ? {} : meaningOf(this.#vectors, vector, weights.meaningDepth)),
      limit,
      weights,
      ...(sources.length > 0 ? { accept: pathFilter(sources) } : {}),
    });
  }

  findSymbols(query: SymbolQuery): FoundSymbolRow[] {
    const symbols =
      this.#live?.isLoaded === true
        ? this.#live.symbols
        : (this.#symbols ??= new Map([...this.#files].map(([path, row]) => [path, decodeSymbols(row.symbols)])));
    return searchSymbols(symbols, (path) => this.#files.get(path)?.role, query);
  }

  /** After `openGraph`. */
  graph(query: GraphQuery): GraphAnswer {
    return answerGraph(
      {
        graph: this.#live!.graph,
        roleOf: (path) => this.#files.get(path)?.role,
        filesWith: (term) => this.#search.filesWith(term),
      },
      query,
    );
  }

  /** After `openGraph`. */
  map(question: MapQuestion, vector: Float32Array | null): { files: MapFile[]; total: number } {
    const { query, sources, weights } = question;
    const request = toRankRequest(question, (limit) => this.search(query, { limit, sources, weights, vector }));
    return this.#ranks.rank(this.#live!.graph, request);
  }

  /** What each of these ranges calls and names by type. After `openGraph`. */
  uses(ranges: readonly FileRange[]): UsedSymbol[][] {
    return ranges.map((range) => usedSymbols(this.#live!.graph, range));
  }
}
