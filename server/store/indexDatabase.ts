import type { Database, SqlJsStatic, Statement } from 'sql.js';
import type { CodeGraph } from '../../core/graph/codeGraph.ts';
import { usedFilesOf } from '../../core/graph/fileUses.ts';
import { isDriftLarge, isLargeShare } from '../../core/graph/linkDrift.ts';
import { ChangeHistory, mostCommits, newestFirst } from '../../core/history/changeHistory.ts';
import { toPastCommits } from '../../core/history/toPastCommit.ts';
import type { HistoryChange } from '../../core/history/types.ts';
import { digestBytes } from '../../core/chunk/embeddingInput.ts';
import { TermDictionary } from '../../core/lexical/termDictionary.ts';
import type { ChunkedBy, CodeSymbol, FileRole } from '../../core/model.ts';
import { SearchIndex } from '../../core/rank/searchIndex.ts';
import type { NearChunk, RankedChunk, SearchableFile } from '../../core/rank/types.ts';
import { defaultWeights } from '../../core/rank/weights.ts';
import { pathFilter } from '../../core/rank/pathFilter.ts';
import { searchSymbols } from '../../core/symbols/searchSymbols.ts';
import {
  countSymbols,
  decodeChunkRanges,
  decodeChunks,
  decodeImports,
  decodeSymbols,
  decodeWords,
  encodeWords,
} from '../../core/records/fileRecords.ts';
import { meaningOf } from '../../core/vectors/meaningOf.ts';
import type { VectorTable } from '../../core/vectors/vectorTable.ts';
import type { GraphParts } from '../../core/graph/graphAnswers.ts';
import { LiveGraph, type GraphRow } from '../../core/graph/liveGraph.ts';
import { runAll, runFor, type Steps } from './slices.ts';
import { UsesTable } from './usesTable.ts';
import { decodeHistory, encodeHistory, idDigits } from './historyRecord.ts';
import { DefinitionRanks, toRankRequest, usedSymbols } from '../../core/graph/definitionRanks.ts';
import { migrate, readSchemaVersion, schemaVersion } from './schema.ts';
import type {
  AnalyzedFile,
  ChunkGaps,
  ChunkToEmbed,
  ChunkVectors,
  FileCopy,
  FileNow,
  FileRange,
  FileStamp,
  FileToEmbed,
  FileWanted,
  KnownFile,
  KnownPath,
  MapAnswer,
  MapRequest,
  QuestionVector,
  SearchRequest,
  SkippedRecord,
  StoreCounts,
  StoredHistory,
  StoredFile,
  StoreUpdate,
  FoundSymbolRow,
  SymbolQuery,
  UsedSymbol,
  VectorCounts,
} from './types.ts';

interface FileRow extends KnownFile {
  id: number;
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  truncated: number;
  symbolCount: number;
  /** See `FileNow`. */
  version: number;
}

export interface OpenDatabase {
  bytes: Uint8Array | null;
  analysisVersion: number;
}

/** The last `FileRow.version` that was given, whichever database it was given in. */
let lastVersion = 0;

/** So many files are linked in a few milliseconds. */
const quickToLink = 200;

/** The tables and what is kept in memory of them. Lives in the store worker; every call is one transaction. */
export class IndexDatabase {
  readonly #db: Database;
  #terms = new TermDictionary();
  #search = new SearchIndex(this.#terms);
  readonly #files = new Map<string, FileRow>();
  readonly #uses: UsesTable;
  readonly #statements = new Map<string, Statement>();
  #savedTerms = 0;
  /** Ids of files that have changed since they were linked. */
  #unlinked = new Set<number>();
  /** Ids are never given twice: links of files that are gone must not lead to others. */
  #nextFileId = 1;
  /** Undefined until it is asked for, or while nobody but the linking needs it. */
  #live: LiveGraph | undefined;
  /** An answer was made from the graph: others will be. */
  #keepsGraph = false;
  /** Undefined until they are asked for. */
  #symbols: Map<string, readonly CodeSymbol[]> | undefined;
  /** Linking that has begun. */
  #linking: Steps | undefined;
  /** Undefined until it is asked for; null when nothing is known of the past. */
  #history: ChangeHistory | null | undefined;
  /** By the fingerprint of their model; those that outlive a database that is read anew. */
  #vectors: ReadonlyMap<string, VectorTable> = new Map();
  readonly #ranks = new DefinitionRanks((path) => this.#files.get(path)?.role ?? 'source');
  #batch: { terms: readonly string[]; ids: Uint32Array } | undefined;

  constructor(sql: SqlJsStatic, { bytes, analysisVersion }: OpenDatabase) {
    this.#db = bytes === null ? new sql.Database() : new sql.Database(bytes);
    if (bytes !== null) this.#verify();
    migrate(this.#db);
    this.#uses = new UsesTable(this.#db);
    this.#load();
    const before = this.#meta('analysis_version');
    // Files of an older analysis lose their stamp and hash: the next run reads them again, and they answer until then.
    if (before !== null && Number(before) !== analysisVersion) this.#forgetStamps();
    this.#setMeta('analysis_version', String(analysisVersion));
  }

  /** Throws when the file is not a whole database of ours. */
  #verify(): void {
    const version = readSchemaVersion(this.#db);
    if (version > schemaVersion) throw new NewerSchemaError(version);
    const [result] = this.#db.exec('PRAGMA quick_check(1)');
    if (result?.values[0]?.[0] !== 'ok') throw new Error(`integrity check: ${String(result?.values[0]?.[0])}`);
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #rows<T>(sql: string, parameters: (string | number)[] = []): T[] {
    const statement = this.#prepare(sql);
    statement.bind(parameters);
    const rows: T[] = [];
    while (statement.step()) rows.push(statement.getAsObject() as T);
    statement.reset();
    return rows;
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN');
    try {
      work();
      this.#saveTerms();
      this.#saveNextFileId();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      this.#reload();
      throw error;
    }
  }

  #meta(key: string): string | null {
    return this.#rows<{ value: string }>('SELECT value FROM meta WHERE key = ?', [key])[0]?.value ?? null;
  }

  #setMeta(key: string, value: string): void {
    this.#prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run([key, value]);
  }

  #forgetStamps(): void {
    this.#db.exec(`UPDATE files SET size = -1, mtime_ms = 0, hash = ''; DELETE FROM skipped;`);
    for (const row of this.#files.values()) Object.assign(row, { size: -1, mtimeMs: 0, hash: '' });
  }

  /** After a change that was taken back: what is kept in memory may be half changed. */
  #reload(): void {
    this.#batch = undefined;
    this.#live = undefined;
    this.#linking = undefined;
    this.#symbols = undefined;
    this.#history = undefined;
    this.#files.clear();
    this.#terms = new TermDictionary();
    this.#search = new SearchIndex(this.#terms);
    this.#load();
    this.attachVectors(this.#vectors);
  }

  #load(): void {
    for (const { terms } of this.#rows<{ terms: string }>('SELECT terms FROM term_pages ORDER BY first_id')) {
      for (const term of terms.split('\n')) this.#terms.idOf(term);
    }
    this.#savedTerms = this.#terms.size;
    const statement = this.#db.prepare(
      'SELECT id, path, size, mtime_ms, inode, hash, language, role, chunked_by, line_count, syntax_errors, chunks, words, symbol_count FROM files',
    );
    while (statement.step()) this.#loadFile(statement.get());
    statement.free();
    this.#search.settle(true);
    const paths = new Map([...this.#files.values()].map(({ id, path }) => [id, path]));
    this.#nextFileId = Number(
      this.#meta('next_file_id') ?? [...paths.keys()].reduce((most, id) => Math.max(most, id), 0) + 1,
    );
    this.#unlinked = new Set(this.#uses.stale());
    this.#uses.forEach(
      (id) => paths.get(id),
      (path, uses) => this.#search.link(path, uses),
    );
  }

  #loadFile(row: unknown[]): void {
    const [
      id,
      path,
      size,
      mtimeMs,
      inode,
      hash,
      language,
      role,
      chunkedBy,
      lineCount,
      syntaxErrors,
      chunkBytes,
      wordBytes,
      symbolCount,
    ] = row as [
      number,
      string,
      number,
      number,
      number,
      string,
      string,
      FileRole,
      ChunkedBy,
      number,
      number,
      Uint8Array,
      Uint8Array,
      number,
    ];
    const { flat, truncated } = decodeChunkRanges(chunkBytes);
    const words = decodeWords(wordBytes);
    if ((words.chunkOffsets.length - 1) * 3 !== flat.length)
      throw new Error(`the record of ${path} does not agree with itself`);
    for (const id of words.termIds)
      if (id >= this.#terms.size) throw new Error(`the record of ${path} names an unknown term`);
    this.#files.set(path, {
      id,
      path,
      size,
      mtimeMs,
      inode,
      hash,
      language,
      role,
      chunkedBy,
      lineCount,
      syntaxErrors: syntaxErrors === 1,
      truncated,
      symbolCount,
      version: ++lastVersion,
    });
    this.#search.put({ path, language, role, chunks: flat, words });
  }

  #saveNextFileId(): void {
    const text = String(this.#nextFileId);
    if (this.#meta('next_file_id') !== text) this.#setMeta('next_file_id', text);
  }

  #saveTerms(): void {
    if (this.#terms.size === this.#savedTerms) return;
    this.#prepare('INSERT INTO term_pages VALUES (?, ?)').run([
      this.#savedTerms,
      this.#terms.since(this.#savedTerms).join('\n'),
    ]);
    this.#savedTerms = this.#terms.size;
  }

  /** One change of the index: all of it or nothing. */
  apply({ put = [], touch = [], remove = [], skip = [], unskip = [] }: Partial<StoreUpdate>): void {
    this.#transaction(() => {
      for (const path of remove) this.#remove(path);
      for (const file of put) this.#putFile(file);
      for (const stamp of touch) this.#touch(stamp);
      this.#batch = undefined;
      for (const path of unskip) this.#prepare('DELETE FROM skipped WHERE path = ?').run([path]);
      for (const record of skip) this.#skip(record);
    });
    this.#search.settle();
  }

  replaceSkipped(records: readonly SkippedRecord[]): void {
    this.#transaction(() => {
      this.#db.exec('DELETE FROM skipped');
      for (const record of records) this.#skip(record);
    });
  }

  /** Files of a batch share their list of terms: it is looked up once. */
  #globalIds(terms: readonly string[]): Uint32Array {
    if (this.#batch?.terms !== terms) {
      this.#batch = { terms, ids: Uint32Array.from(terms, (term) => this.#terms.idOf(term)) };
    }
    return this.#batch.ids;
  }

  #putFile(file: AnalyzedFile): void {
    const { path, size, mtimeMs, inode, hash, language, role, chunkedBy, lineCount, syntaxErrors } = file;
    const ids = this.#globalIds(file.words.terms);
    const words = { ...file.words, termIds: file.words.termIds.map((local) => ids[local]!) };
    const known = this.#files.get(path);
    const symbolCount = countSymbols(file.symbols);
    const id = known?.id ?? this.#nextFileId++;
    this.#prepare(
      `INSERT OR REPLACE INTO files (id, path, size, mtime_ms, inode, hash, language, role, chunked_by, line_count, syntax_errors, chunks, words, links, symbol_count, symbols, digests)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run([
      id,
      path,
      size,
      mtimeMs,
      inode,
      hash,
      language,
      role,
      chunkedBy,
      lineCount,
      syntaxErrors ? 1 : 0,
      file.chunks,
      encodeWords(words),
      file.links,
      symbolCount,
      file.symbols,
      file.digests,
    ]);
    this.#prepare('DELETE FROM skipped WHERE path = ?').run([path]);
    const { flat, truncated } = decodeChunkRanges(file.chunks);
    const row = { id, path, size, mtimeMs, inode, hash, language, role, chunkedBy, lineCount, syntaxErrors };
    this.#adopt({ ...row, truncated, symbolCount }, file, { flat, words });
  }

  /** Gives files the records of others that have the same content; returns those whose other one has changed since. */
  copy(files: readonly FileCopy[]): FileCopy[] {
    const missed: FileCopy[] = [];
    this.#transaction(() => {
      for (const file of files) if (!this.#copyFile(file)) missed.push(file);
    });
    this.#search.settle();
    return missed;
  }

  #copyFile({ path, size, mtimeMs, inode, hash, role, of }: FileCopy): boolean {
    const twin = this.#files.get(of);
    if (twin === undefined || twin.hash !== hash) return false;
    const id = this.#files.get(path)?.id ?? this.#nextFileId++;
    this.#prepare(
      `INSERT OR REPLACE INTO files (id, path, size, mtime_ms, inode, role, hash, language, chunked_by, line_count, syntax_errors, chunks, words, links, symbol_count, symbols, digests)
       SELECT ?, ?, ?, ?, ?, ?, hash, language, chunked_by, line_count, syntax_errors, chunks, words, links, symbol_count, symbols, digests FROM files WHERE id = ?`,
    ).run([id, path, size, mtimeMs, inode, role, twin.id]);
    this.#prepare('DELETE FROM skipped WHERE path = ?').run([path]);
    const [row] = this.#rows<Pick<AnalyzedFile, 'chunks' | 'symbols' | 'links' | 'digests'> & { words: Uint8Array }>(
      'SELECT chunks, words, symbols, links, digests FROM files WHERE id = ?',
      [id],
    );
    const { chunks, words, symbols, links, digests } = row!;
    this.#adopt(
      { ...twin, id, path, size, mtimeMs, inode, role },
      { symbols, links, digests },
      {
        flat: decodeChunkRanges(chunks).flat,
        words: decodeWords(words),
      },
    );
    return true;
  }

  /** Makes a file that was written to the tables known to all that is kept in memory. */
  #adopt(
    row: Omit<FileRow, 'version'>,
    { symbols, links, digests }: Pick<AnalyzedFile, 'symbols' | 'links' | 'digests'>,
    { flat, words }: { flat: SearchableFile['chunks']; words: SearchableFile['words'] },
  ): void {
    const { id, path, language, role } = row;
    this.#files.set(path, { ...row, version: ++lastVersion });
    this.#search.put({ path, language, role, chunks: flat, words });
    for (const table of this.#vectors.values()) table.place(path, digests);
    this.#uses.markStale(id);
    this.#unlinked.add(id);
    this.#live?.put(path, { language, symbols, links });
    this.#symbols?.set(path, this.#live?.symbols.get(path) ?? decodeSymbols(symbols));
  }

  #touch({ path, size, mtimeMs, inode }: { path: string } & FileStamp): void {
    const row = this.#files.get(path);
    if (row === undefined) return;
    this.#prepare('UPDATE files SET size = ?, mtime_ms = ?, inode = ? WHERE id = ?').run([
      size,
      mtimeMs,
      inode,
      row.id,
    ]);
    Object.assign(row, { size, mtimeMs, inode });
  }

  #remove(path: string): void {
    const row = this.#files.get(path);
    if (row === undefined) return;
    this.#prepare('DELETE FROM files WHERE id = ?').run([row.id]);
    this.#uses.remove(row.id);
    this.#unlinked.delete(row.id);
    this.#files.delete(path);
    this.#search.remove(path);
    for (const table of this.#vectors.values()) table.remove(path);
    this.#symbols?.delete(path);
    this.#live?.remove(path);
  }

  #skip({ path, reason, detail, size, mtimeMs, inode }: SkippedRecord): void {
    this.#prepare('INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?, ?)').run([
      path,
      reason,
      detail,
      size,
      mtimeMs,
      inode,
    ]);
  }

  knownFiles(): KnownFile[] {
    return [...this.#files.values()].map(({ path, size, mtimeMs, inode, hash }) => ({
      path,
      size,
      mtimeMs,
      inode,
      hash,
    }));
  }

  stampOf(path: string): KnownFile | null {
    const row = this.#files.get(path);
    return row === undefined ? null : { path, size: row.size, mtimeMs: row.mtimeMs, inode: row.inode, hash: row.hash };
  }

  knownPaths(paths: readonly string[]): KnownPath[] {
    return paths.map((path) => ({
      path,
      file: this.stampOf(path),
      skipped: this.#skippedRows('SELECT * FROM skipped WHERE path = ?', [path])[0] ?? null,
    }));
  }

  skippedFiles(): SkippedRecord[] {
    return this.#skippedRows('SELECT * FROM skipped ORDER BY path');
  }

  #skippedRows(sql: string, parameters: string[] = []): SkippedRecord[] {
    return this.#rows<{
      path: string;
      reason: SkippedRecord['reason'];
      detail: string;
      size: number;
      mtime_ms: number;
      inode: number;
    }>(sql, parameters).map(({ mtime_ms: mtimeMs, ...rest }) => ({ ...rest, mtimeMs }));
  }

  #historyRow(): { mark: StoredHistory; commits: Uint8Array } | null {
    const [row] = this.#rows<{ mark: string; commits: Uint8Array }>('SELECT mark, commits FROM history');
    return row === undefined ? null : { mark: JSON.parse(row.mark) as StoredHistory, commits: row.commits };
  }

  /** What is known of the past; the commits are read when they are first asked for. */
  #openHistory(): ChangeHistory | null {
    if (this.#history !== undefined) return this.#history;
    const row = this.#historyRow();
    return (this.#history = row === null ? null : new ChangeHistory(decodeHistory(row.commits)));
  }

  history(): StoredHistory | null {
    const [row] = this.#rows<{ mark: string }>('SELECT mark FROM history');
    return row === undefined ? null : (JSON.parse(row.mark) as StoredHistory);
  }

  putHistory(change: HistoryChange | null): void {
    const known = change?.kind === 'newer' ? this.#historyRow() : null;
    this.#transaction(() => {
      this.#history = undefined;
      this.#db.exec('DELETE FROM history');
      if (change === null) return;
      const commits = new Map(toPastCommits(change.commits).map((commit) => [commit.id.slice(0, idDigits), commit]));
      for (const commit of known === null ? [] : decodeHistory(known.commits))
        if (!commits.has(commit.id)) commits.set(commit.id, commit);
      const kept = newestFirst([...commits.values()]).slice(0, mostCommits);
      const mark: StoredHistory = { ...change.mark, commits: kept.length };
      this.#prepare('INSERT INTO history VALUES (1, ?, ?)').run([JSON.stringify(mark), encodeHistory(kept)]);
    });
  }

  search(query: string, options: SearchRequest): RankedChunk[] {
    return this.#search.search(query, {
      ...(options.vector === undefined
        ? {}
        : meaningOf(
            this.#vectors.get(options.vector.model),
            options.vector.values,
            (options.weights ?? defaultWeights).meaningDepth,
          )),
      limit: options.limit,
      explain: options.explain ?? false,
      ...(options.weights === undefined ? {} : { weights: options.weights }),
      signals: () => this.#openHistory(),
      ...(options.sources.length > 0 ? { accept: pathFilter(options.sources) } : {}),
    });
  }

  /** The chunks whose vectors are nearest to this one, best first; none where its model has no vectors. */
  nearest({ model, values }: QuestionVector, count: number): NearChunk[] {
    const table = this.#vectors.get(model);
    if (table === undefined || table.size === 0) return [];
    return table.nearest(values, count);
  }

  /** A chunk that has a vector, for a test of both. */
  vectorSample(model: string): FileToEmbed | null {
    const table = this.#vectors.get(model);
    const place = table?.first();
    return table === undefined || place === undefined ? null : this.#fileToEmbed(table, place.path, [place.index]);
  }

  /** Keeps these tables in step with the files. What they have of files that have not changed stays. */
  attachVectors(vectors: ReadonlyMap<string, VectorTable>): void {
    this.#vectors = vectors;
    if (vectors.size === 0) return;
    for (const table of vectors.values()) table.retain((path) => this.#files.has(path));
    for (const { path, digests } of this.#rows<{ path: string; digests: Uint8Array }>(
      'SELECT path, digests FROM files',
    ))
      for (const table of vectors.values()) table.place(path, digests);
  }

  answeringModel(): string | null {
    return this.#meta('answering_model');
  }

  putAnsweringModel(model: string): void {
    this.#setMeta('answering_model', model);
  }

  vectorCounts(model: string): VectorCounts {
    const table = this.#vectors.get(model);
    return { embedded: table?.size ?? 0, chunks: table?.chunks ?? 0 };
  }

  vectorsCover(model: string, other: string): boolean {
    const [table, covered] = [this.#vectors.get(model), this.#vectors.get(other)];
    return covered === undefined || (table !== undefined && table.covers(covered));
  }

  /**
   * Files with chunks that have no vector. After the ones that are named come those that were changed lately, source
   * files before others, and those that many files import.
   */
  filesToEmbed(model: string, first: readonly string[]): string[] {
    const vectors = this.#vectors.get(model);
    if (vectors === undefined) return [];
    const history = this.#openHistory();
    const urgency = new Map(first.map((path, i) => [path, first.length - i]));
    const lacking = [...this.#files.values()].flatMap(({ path, role }) =>
      vectors.isComplete(path)
        ? []
        : [
            {
              path,
              named: urgency.get(path) ?? 0,
              need:
                embeddingUrgency[role] + (history?.recency(path) ?? 0) + Math.log2(1 + this.#search.importersOf(path)),
            },
          ],
    );
    return lacking
      .sort((a, b) => b.named - a.named || b.need - a.need || compare(a.path, b.path))
      .map(({ path }) => path);
  }

  chunkGaps(model: string, paths: readonly string[]): ChunkGaps {
    const table = this.#vectors.get(model);
    const gaps = paths.flatMap((path) => (table?.gapsOf(path) ?? []).map((index) => ({ path, index })));
    const digests = new Uint8Array(gaps.length * digestBytes);
    gaps.forEach(({ path, index }, i) => digests.set(table!.digestOf(path, index), i * digestBytes));
    return { paths: gaps.map(({ path }) => path), indexes: gaps.map(({ index }) => index), digests };
  }

  chunksToEmbed(model: string, ranges: readonly { path: string; startLines?: number[] }[]): FileToEmbed[] {
    const table = this.#vectors.get(model);
    if (table === undefined) return [];
    return ranges.flatMap(({ path, startLines }) => {
      const file = this.#fileToEmbed(table, path, table.gapsOf(path));
      const chunks = file?.chunks.filter(({ startLine }) => startLines?.includes(startLine) !== false) ?? [];
      return file === null || chunks.length === 0 ? [] : [{ ...file, chunks }];
    });
  }

  #fileToEmbed(table: VectorTable, path: string, indexes: readonly number[]): FileToEmbed | null {
    const known = this.stampOf(path);
    if (indexes.length === 0 || known === null) return null;
    const [row] = this.#rows<{ chunks: Uint8Array }>('SELECT chunks FROM files WHERE path = ?', [path]);
    const all = decodeChunks(row!.chunks);
    const chunks = indexes.map((index): ChunkToEmbed => {
      const { startLine, endLine, scope } = all[index]!;
      return { index, startLine, endLine, scope, digest: table.digestOf(path, index).slice() };
    });
    return { ...known, chunks };
  }

  /** A model that was closed meanwhile has no use for them. */
  putVectors({ model, paths, indexes, digests, vectors }: ChunkVectors): VectorCounts {
    const table = this.#vectors.get(model);
    if (table === undefined) return this.vectorCounts(model);
    const { dimensions } = table;
    paths.forEach((path, i) => {
      const digest = digests.subarray(i * digestBytes, (i + 1) * digestBytes);
      table.put(path, indexes[i]!, digest, vectors.subarray(i * dimensions, (i + 1) * dimensions));
    });
    return this.vectorCounts(model);
  }

  #storedFile({ version: _, ...row }: FileRow): StoredFile {
    const [blobs] = this.#rows<{ chunks: Uint8Array; symbols: Uint8Array; links: Uint8Array }>(
      'SELECT chunks, symbols, links FROM files WHERE id = ?',
      [row.id],
    );
    return {
      ...row,
      chunks: decodeChunks(blobs!.chunks),
      symbols: decodeSymbols(blobs!.symbols),
      imports: decodeImports(blobs!.links),
    };
  }

  filesInfo(paths: readonly string[]): StoredFile[] {
    return paths.flatMap((path) => {
      const row = this.#files.get(path);
      return row === undefined ? [] : [this.#storedFile(row)];
    });
  }

  filesNow(wanted: readonly FileWanted[]): FileNow[] {
    return wanted.flatMap(({ path, held }) => {
      const row = this.#files.get(path);
      if (row === undefined) return [];
      const { version } = row;
      return [{ path, version, file: version === held ? null : this.#storedFile(row) }];
    });
  }

  /** Definitions by file. They are read when they are first asked for; from then on they follow every change. */
  #openSymbols(): ReadonlyMap<string, readonly CodeSymbol[]> {
    if (this.#live?.isLoaded === true) return this.#live.symbols;
    this.#symbols ??= new Map(
      this.#rows<{ path: string; symbols: Uint8Array }>('SELECT path, symbols FROM files').map((row) => [
        row.path,
        decodeSymbols(row.symbols),
      ]),
    );
    return this.#symbols;
  }

  /** Best match first, short names before long ones, source files before others. */
  findSymbols(query: SymbolQuery): FoundSymbolRow[] {
    return searchSymbols(this.#openSymbols(), (path) => this.#files.get(path)?.role, query);
  }

  #graphRow(path: string): GraphRow | undefined {
    const row = this.#files.get(path);
    if (row === undefined) return undefined;
    return this.#rows<GraphRow & Record<string, unknown>>('SELECT language, symbols, links FROM files WHERE id = ?', [
      row.id,
    ])[0];
  }

  #begunGraph(): LiveGraph {
    return (this.#live ??= new LiveGraph(this.#files.keys(), (path) => this.#graphRow(path)));
  }

  /** Reads the graph for answers, step by step. Nothing to do once it is there. */
  *openGraph(): Generator<void, void> {
    this.#keepsGraph = true;
    const live = this.#begunGraph();
    yield* live.load();
    // Its own definitions are enough.
    this.#symbols = undefined;
  }

  /** The same with all its edges, for maps. */
  *openEdges(): Generator<void, void> {
    yield* this.openGraph();
    yield* this.#live!.graph.edgeSteps();
  }

  /** Like the definitions, which it is made of. */
  #openGraph(): CodeGraph {
    runAll(this.openGraph());
    return this.#live!.graph;
  }

  /** Whether so many files wait for being linked that answers are better after it. */
  get isLinkingDue(): boolean {
    return isLargeShare(this.#unlinked.size, this.#files.size);
  }

  get hasUnlinked(): boolean {
    return this.#unlinked.size > 0;
  }

  /** Files that wait for being linked. */
  get toLink(): number {
    return this.#unlinked.size;
  }

  /**
   * Finds out which files use which, for the files that changed since the last time. Once more than a share of all
   * files has changed, every file is resolved anew: what others define may have moved, too.
   */
  *#linkSteps(): Generator<void, void> {
    const live = this.#begunGraph();
    yield* live.load();
    const drift = Number(this.#meta('link_drift') ?? 0) + this.#unlinked.size;
    const everything = isDriftLarge(drift, this.#files.size);
    // Whoever takes over from a process that is killed meanwhile begins again.
    this.#setMeta('link_drift', String(everything ? Math.max(drift, this.#files.size) : drift));
    const stale = new Set(this.#unlinked);
    const due = [...this.#files.values()].filter(({ id }) => everything || stale.has(id)).map(({ path }) => path);
    for (const path of due) {
      const row = this.#files.get(path);
      if (row === undefined) continue; // removed since
      this.#linkFile(live.graph, row.id, path);
      this.#unlinked.delete(row.id);
      yield;
    }
    if (everything) this.#setMeta('link_drift', '0');
    // Opened for this alone: most programs never ask for it.
    if (!this.#keepsGraph) this.#live = undefined;
  }

  /** Goes on linking for so many milliseconds; true when all is linked. Each time is a transaction of its own. */
  linkFor(ms: number): boolean {
    if (this.#unlinked.size === 0 && this.#linking === undefined) return true;
    let done = false;
    this.#transaction(() => {
      done = runFor((this.#linking ??= this.#linkSteps()), ms);
    });
    if (!done) return false;
    this.#linking = undefined;
    // Files that were saved meanwhile.
    return this.#unlinked.size === 0;
  }

  /** Says whether there was anything to link. */
  linkFiles(): boolean {
    const had = this.#unlinked.size > 0;
    while (!this.linkFor(Infinity));
    return had;
  }

  /** An index run changes too much for it to be worth going on. */
  dropLinking(): void {
    if (this.#linking === undefined) return;
    this.#linking = undefined;
    if (!this.#keepsGraph) this.#live = undefined;
  }

  /**
   * Before a question: links the files of a small index. In a large one it goes on in the background, and a few saved
   * files wait until it is quiet, so that answers do not wait for them.
   */
  linkBeforeAnswer(): boolean {
    return this.#files.size <= quickToLink && this.linkFiles();
  }

  #linkFile(graph: CodeGraph, id: number, path: string): void {
    const uses = usedFilesOf(graph, path);
    this.#uses.put(
      id,
      uses.map((use) => ({ ...use, id: this.#files.get(use.path)!.id })),
    );
    this.#search.link(path, uses);
  }

  /** What answers about the graph are made of. */
  graphParts(): GraphParts {
    return {
      graph: this.#openGraph(),
      roleOf: (path) => this.#files.get(path)?.role,
      filesWith: (term) => this.#search.filesWith(term),
    };
  }

  map({ query, sources, characters, weights = defaultWeights, vector }: MapRequest): MapAnswer {
    const given = vector === undefined ? {} : { vector };
    const request = toRankRequest({ query, sources, characters, weights }, (limit) =>
      this.search(query, { limit, sources, weights, ...given }),
    );
    const { files, total } = this.#ranks.rank(this.#openGraph(), request);
    return { files: files.map((map) => ({ map, known: this.stampOf(map.path)! })), total };
  }

  uses(ranges: readonly FileRange[]): UsedSymbol[][] {
    const graph = this.#openGraph();
    return ranges.map((range) => usedSymbols(graph, range));
  }

  counts(): Omit<StoreCounts, 'diskBytes'> {
    const languages = new Map<string, number>();
    let [lines, symbols, truncatedChunks, filesWithSyntaxErrors] = [0, 0, 0, 0];
    for (const row of this.#files.values()) {
      languages.set(row.language, (languages.get(row.language) ?? 0) + 1);
      lines += row.lineCount;
      symbols += row.symbolCount;
      truncatedChunks += row.truncated;
      if (row.syntaxErrors) filesWithSyntaxErrors++;
    }
    return {
      files: this.#files.size,
      chunks: this.#search.chunks,
      symbols,
      lines,
      languages: [...languages]
        .map(([language, files]) => ({ language, files }))
        .sort((a, b) => b.files - a.files || (a.language < b.language ? -1 : 1)),
      truncatedChunks,
      filesWithSyntaxErrors,
      generation: this.generation,
      lastIndexedAt: this.#meta('last_indexed_at'),
    };
  }

  get generation(): number {
    return Number(this.#meta('generation') ?? 0);
  }

  markComplete(): void {
    this.#search.settle(true);
    this.#setMeta('last_indexed_at', new Date().toISOString());
  }

  /** The whole file as bytes, one generation on. */
  export(): Uint8Array {
    this.#setMeta('generation', String(this.generation + 1));
    for (const statement of this.#statements.values()) statement.free();
    this.#statements.clear();
    const bytes = this.#db.export();
    return bytes;
  }

  close(): void {
    this.#uses.free();
    for (const statement of this.#statements.values()) statement.free();
    this.#statements.clear();
    this.#db.close();
  }
}

export class NewerSchemaError extends Error {
  constructor(readonly version: number) {
    super(`the index has schema ${version}, this program knows ${schemaVersion}`);
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** How early files of a role get their vectors; recency adds at most 1, a doubling of the importers 1. */
const embeddingUrgency: Record<FileRole, number> = {
  source: 6,
  docs: 2,
  example: 1,
  config: 1,
  test: 0,
  generated: -2,
  vendored: -2,
};
