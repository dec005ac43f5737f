import type { Database, SqlJsStatic, Statement } from 'sql.js';
import { callTree, type CallEdge } from '../../core/graph/callTree.ts';
import { CodeGraph, type Definition } from '../../core/graph/codeGraph.ts';
import { TermDictionary } from '../../core/lexical/termDictionary.ts';
import type { ChunkedBy, CodeSymbol, FileRole, SymbolKind } from '../../core/model.ts';
import { SearchIndex } from '../../core/rank/searchIndex.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import { pathFilter } from '../../core/rank/pathFilter.ts';
import { matchName, rankOfMatch, type NameMatch } from '../../core/symbols/matchName.ts';
import { decodeChunks, decodeLinks, decodeWords, encodeChunks, encodeWords } from './fileRecords.ts';
import { migrate, readSchemaVersion, schemaVersion } from './schema.ts';
import type {
  AnalyzedFile,
  FileStamp,
  GraphAnswer,
  GraphEdge,
  GraphQuery,
  GraphSymbol,
  KnownFile,
  SearchRequest,
  SkippedRecord,
  StoreCounts,
  StoredFile,
  StoreUpdate,
  FoundSymbolRow,
  SymbolQuery,
} from './types.ts';

interface FileRow extends KnownFile {
  id: number;
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  chunkCount: number;
  truncated: number;
}

export interface OpenDatabase {
  bytes: Uint8Array | null;
  analysisVersion: number;
}

/** The tables and what is kept in memory of them. Lives in the store worker; every call is one transaction. */
export class IndexDatabase {
  readonly #db: Database;
  #terms = new TermDictionary();
  #search = new SearchIndex(this.#terms);
  readonly #files = new Map<string, FileRow>();
  readonly #statements = new Map<string, Statement>();
  #savedTerms = 0;
  /** Undefined until it is asked for. */
  #graph: CodeGraph | undefined;
  #batch: { terms: readonly string[]; ids: Uint32Array } | undefined;

  constructor(sql: SqlJsStatic, { bytes, analysisVersion }: OpenDatabase) {
    this.#db = bytes === null ? new sql.Database() : new sql.Database(bytes);
    if (bytes !== null) this.#verify();
    migrate(this.#db);
    this.#db.exec('PRAGMA foreign_keys = ON');
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
    this.#graph = undefined;
    this.#files.clear();
    this.#terms = new TermDictionary();
    this.#search = new SearchIndex(this.#terms);
    this.#load();
  }

  #load(): void {
    for (const { terms } of this.#rows<{ terms: string }>('SELECT terms FROM term_pages ORDER BY first_id')) {
      for (const term of terms.split('\n')) this.#terms.idOf(term);
    }
    this.#savedTerms = this.#terms.size;
    const statement = this.#db.prepare(
      'SELECT id, path, size, mtime_ms, inode, hash, language, role, chunked_by, line_count, syntax_errors, chunks, words FROM files',
    );
    while (statement.step()) this.#loadFile(statement.get());
    statement.free();
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
    ];
    const chunks = decodeChunks(chunkBytes);
    const words = decodeWords(wordBytes);
    if (words.chunkOffsets.length !== chunks.length + 1)
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
      chunkCount: chunks.length,
      truncated: chunks.filter((chunk) => chunk.truncated).length,
    });
    this.#search.put({ path, language, role, chunks: flatChunks(chunks), words });
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
    if (known !== undefined) this.#prepare('DELETE FROM symbols WHERE file_id = ?').run([known.id]);
    const [row] = this.#rows<{ id: number }>(
      `INSERT OR REPLACE INTO files (id, path, size, mtime_ms, inode, hash, language, role, chunked_by, line_count, syntax_errors, chunks, words, links)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      [
        (known?.id ?? null) as never,
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
        encodeChunks(file.chunks) as never,
        encodeWords(words) as never,
        file.links as never,
      ],
    );
    const id = row!.id;
    const insert = this.#prepare('INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    for (const symbol of file.symbols) {
      insert.run([
        id,
        symbol.name,
        symbol.kind,
        symbol.line,
        symbol.startLine,
        symbol.endLine,
        symbol.signature,
        symbol.container.join('\u0000'),
      ]);
    }
    this.#prepare('DELETE FROM skipped WHERE path = ?').run([path]);
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
      syntaxErrors,
      chunkCount: file.chunks.length,
      truncated: file.chunks.filter((chunk) => chunk.truncated).length,
    });
    this.#search.put({ path, language, role, chunks: flatChunks(file.chunks), words });
    this.#graph?.put({ path, language, symbols: file.symbols, links: decodeLinks(file.links) });
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
    this.#prepare('DELETE FROM symbols WHERE file_id = ?').run([row.id]);
    this.#prepare('DELETE FROM files WHERE id = ?').run([row.id]);
    this.#files.delete(path);
    this.#search.remove(path);
    this.#graph?.remove(path);
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

  skippedFiles(): SkippedRecord[] {
    return this.#rows<{
      path: string;
      reason: SkippedRecord['reason'];
      detail: string;
      size: number;
      mtime_ms: number;
      inode: number;
    }>('SELECT * FROM skipped ORDER BY path').map(({ mtime_ms: mtimeMs, ...rest }) => ({ ...rest, mtimeMs }));
  }

  search(query: string, options: SearchRequest): RankedChunk[] {
    return this.#search.search(query, {
      limit: options.limit,
      explain: options.explain ?? false,
      ...(options.weights === undefined ? {} : { weights: options.weights }),
      ...(options.sources.length > 0 ? { accept: pathFilter(options.sources) } : {}),
    });
  }

  filesInfo(paths: readonly string[]): StoredFile[] {
    return paths.flatMap((path) => {
      const row = this.#files.get(path);
      if (row === undefined) return [];
      const [blob] = this.#rows<{ chunks: Uint8Array }>('SELECT chunks FROM files WHERE id = ?', [row.id]);
      const symbols = this.#rows<SymbolRow>('SELECT * FROM symbols WHERE file_id = ? ORDER BY line, rowid', [
        row.id,
      ]).map(toSymbol);
      return [{ ...row, chunks: decodeChunks(blob!.chunks), symbols }];
    });
  }

  /** Best match first, source files before others, short names before long ones. */
  findSymbols({ name, match, limit }: SymbolQuery): FoundSymbolRow[] {
    const matches = new Map<string, NameMatch>();
    for (const { name: each } of this.#rows<{ name: string }>('SELECT DISTINCT name FROM symbols')) {
      const found = matchName(name, each);
      const fits =
        match === 'any' || found === 'exact' || found === 'case' || (match === 'prefix' && found === 'prefix');
      if (found !== null && fits) matches.set(each, found);
    }
    const names = [...matches].sort(
      ([a, how], [b, other]) => rankOfMatch(how) - rankOfMatch(other) || a.length - b.length || (a < b ? -1 : 1),
    );
    const rows: FoundSymbolRow[] = [];
    for (const [each, how] of names) {
      if (rows.length >= limit) break;
      const found = this.#rows<SymbolRow & { path: string }>(
        `SELECT s.*, f.path AS path FROM symbols s JOIN files f ON f.id = s.file_id WHERE s.name = ?1 COLLATE NOCASE
         AND s.name = ?1 ORDER BY f.role = 'source' DESC, f.path, s.line LIMIT ?2`,
        [each, limit - rows.length],
      );
      rows.push(...found.map((row) => ({ ...toSymbol(row), path: row.path, match: how })));
    }
    return rows;
  }

  /** The graph is read when it is first asked for; from then on it follows every change. */
  #openGraph(): CodeGraph {
    if (this.#graph !== undefined) return this.#graph;
    const graph = new CodeGraph();
    const symbols = new Map<number, CodeSymbol[]>();
    for (const row of this.#rows<SymbolRow & { file_id: number }>(
      'SELECT * FROM symbols ORDER BY file_id, line, rowid',
    )) {
      const list = symbols.get(row.file_id);
      if (list === undefined) symbols.set(row.file_id, [toSymbol(row)]);
      else list.push(toSymbol(row));
    }
    const rows = this.#rows<{ id: number; path: string; language: string; links: Uint8Array }>(
      'SELECT id, path, language, links FROM files ORDER BY path',
    );
    for (const { id, path, language, links } of rows)
      graph.put({ path, language, symbols: symbols.get(id) ?? [], links: decodeLinks(links) });
    this.#graph = graph;
    return graph;
  }

  graph({ symbol, path, ...request }: GraphQuery): GraphAnswer {
    const graph = this.#openGraph();
    const isInside = path === undefined ? undefined : pathFilter([path]);
    const isSource = ({ file }: Definition): number => (this.#files.get(file.path)?.role === 'source' ? 0 : 1);
    const all = graph
      .definitions(symbol)
      .filter(({ file }) => isInside?.(file.path) !== false)
      .sort(
        (a, b) =>
          isSource(a) - isSource(b) ||
          (a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : a.symbol.line - b.symbol.line),
      );
    const definitions = all.slice(0, mostDefinitions).map((definition) => {
      const { callers, callees, truncated } = callTree(graph, definition, request);
      return {
        symbol: toGraphSymbol(definition),
        callers: callers.map(toGraphEdge),
        callees: callees.map(toGraphEdge),
        truncated,
      };
    });
    return { definitions, more: all.length - definitions.length };
  }

  counts(): Omit<StoreCounts, 'diskBytes'> {
    const languages = new Map<string, number>();
    let [lines, truncatedChunks, filesWithSyntaxErrors] = [0, 0, 0];
    for (const row of this.#files.values()) {
      languages.set(row.language, (languages.get(row.language) ?? 0) + 1);
      lines += row.lineCount;
      truncatedChunks += row.truncated;
      if (row.syntaxErrors) filesWithSyntaxErrors++;
    }
    const [symbols] = this.#rows<{ n: number }>('SELECT count(*) AS n FROM symbols');
    return {
      files: this.#files.size,
      chunks: this.#search.chunks,
      symbols: symbols!.n,
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
    this.#setMeta('last_indexed_at', new Date().toISOString());
  }

  /** The whole file as bytes, one generation on. */
  export(): Uint8Array {
    this.#setMeta('generation', String(this.generation + 1));
    for (const statement of this.#statements.values()) statement.free();
    this.#statements.clear();
    const bytes = this.#db.export();
    this.#db.exec('PRAGMA foreign_keys = ON');
    return bytes;
  }

  close(): void {
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

interface SymbolRow {
  name: string;
  kind: SymbolKind;
  line: number;
  start_line: number;
  end_line: number;
  signature: string;
  container: string;
}

function toSymbol({
  name,
  kind,
  line,
  start_line: startLine,
  end_line: endLine,
  signature,
  container,
}: SymbolRow): CodeSymbol {
  return {
    name,
    kind,
    line,
    startLine,
    endLine,
    signature,
    container: container === '' ? [] : container.split('\u0000'),
  };
}

/** A name that is defined more often is answered for so many definitions only; `path` says which. */
const mostDefinitions = 20;

function toGraphSymbol({ file, symbol }: Definition): GraphSymbol {
  const { name, kind, line, signature, container } = symbol;
  return { name, kind, path: file.path, line, signature, container };
}

function toGraphEdge({ caller, callee, path, lines, depth }: CallEdge): GraphEdge {
  return {
    caller: caller === undefined ? null : toGraphSymbol(caller),
    callee: toGraphSymbol(callee),
    path,
    lines,
    depth,
  };
}

const flatChunks = (chunks: readonly { startLine: number; endLine: number; tokens: number }[]): Uint32Array =>
  Uint32Array.from(chunks.flatMap((chunk) => [chunk.startLine, chunk.endLine, chunk.tokens]));
