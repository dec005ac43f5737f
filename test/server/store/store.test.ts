import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import initSqlJs from 'sql.js';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import type { CallSite } from '../../../core/graph/types.ts';
import { withOverrides } from '../../../core/rank/tunableWeights.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';
import type { CodeSymbol } from '../../../core/model.ts';
import {
  decodeChunks,
  decodeSymbols,
  encodeChunks,
  encodeLinks,
  encodeSymbols,
} from '../../../core/records/fileRecords.ts';
import { lineStartsOf } from '../../../core/lexical/lineStarts.ts';
import { digestChunks } from '../../../core/chunk/digestChunks.ts';
import { openStore, type AnalyzedFile, type Store, type StoreOptions } from '../../../server/store/index.ts';

const assetsDir = path.resolve(import.meta.dirname, '../../../dist');
const scanner = createTextScanner(() => 0);
const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const analyzer = createWordAnalyzer(scanner);

/** A file of one chunk with one symbol on its first line. */
function fileOf(name: string, text: string, symbolName?: string, calls: CallSite[] = []): AnalyzedFile {
  const scanned = scanner.scan(text);
  const { lineCount } = scanned.tokens;
  const chunks = [{ startLine: 1, endLine: lineCount, tokens: 10, scope: 'Outer', truncated: false }];
  const symbol = (each: string): CodeSymbol => ({
    name: each,
    kind: 'function',
    line: 1,
    startLine: 1,
    endLine: lineCount,
    signature: `function ${each}()`,
    container: ['Outer', 'with.dot'],
  });
  const symbols = symbolName === undefined ? [] : [symbol(symbolName)];
  return {
    path: name,
    size: text.length,
    mtimeMs: 1234.5,
    inode: 7,
    hash: `hash of ${name}`,
    language: 'typescript',
    role: 'source',
    chunkedBy: 'syntax',
    lineCount,
    syntaxErrors: false,
    chunks: encodeChunks(chunks),
    chunkCount: chunks.length,
    symbols: encodeSymbols(symbols),
    words: analyzer.analyze({ scanned, chunks, comments: [], symbols }),
    links: encodeLinks({ roots: [], imports: [], calls, bindings: [] }),
    digests: digestChunks(chunks, { text, lineStarts: lineStartsOf(text), sha256 }),
  };
}

/** Of an object, what another one has. */
const pick = (whole: object, part: object): object =>
  Object.fromEntries(Object.keys(part).map((key) => [key, whole[key as keyof typeof whole]]));

describe('openStore', function () {
  this.timeout(20_000);
  let indexDir: string;
  const opened: Store[] = [];
  const open = async (options: Partial<StoreOptions> = {}): Promise<Store> => {
    const store = await openStore({
      indexDir,
      access: 'auto',
      assetsDir,
      analysisVersion: 1,
      log: () => {},
      ...options,
    });
    opened.push(store);
    return store;
  };
  const close = async (store: Store): Promise<void> => {
    opened.splice(opened.indexOf(store), 1);
    await store.close();
  };
  const found = async (store: Store, query: string): Promise<string[]> =>
    (await store.search(query, { limit: 10, sources: [] })).map(({ path: each }) => each);
  const databaseFile = (): string => path.join(indexDir, 'index.db');
  const lockFile = (): string => path.join(indexDir, 'index.lock');

  beforeEach(() => (indexDir = mkdtempSync(path.join(tmpdir(), 'contextkit-store-'))));
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close().catch(() => undefined);
    rmSync(indexDir, { recursive: true, force: true });
  });

  it('answers who calls whom, before and after it was closed, and follows changes', async () => {
    const call = { name: 'openDoor', receiver: '', line: 1 };
    const first = await open();
    await first.put([fileOf('src/a.ts', 'openDoor(); walk();\n', 'openDoor', [call])]);
    const request = { symbol: 'openDoor', depth: 1, direction: 'both', limit: 9 } as const;
    const [answer] = (await first.graph(request)).definitions;
    assert.deepEqual(
      answer!.callers.map(({ caller, lines }) => [caller?.name, lines]),
      [['openDoor', [1]]],
    );
    await first.put([fileOf('src/a.ts', 'openDoor();\n', 'openDoor')]);
    assert.deepEqual((await first.graph(request)).definitions[0]!.callers, []);
    await first.put([fileOf('src/a.ts', 'openDoor();\n', 'openDoor', [call])]);
    await first.markComplete();
    await close(first);
    const second = await open();
    assert.deepEqual((await second.graph(request)).definitions, [answer]);
    assert.deepEqual(await second.graph({ ...request, path: 'lib' }), { definitions: [], more: 0 });
    await second.remove(['src/a.ts']);
    assert.deepEqual(await second.graph(request), { definitions: [], more: 0 });
  });

  it('ranks by which files use which, and keeps that on disk', async () => {
    const call = { name: 'openDoor', receiver: '', line: 1 };
    // In C a call needs no import to reach another file.
    const cFileOf = (...given: Parameters<typeof fileOf>) => ({ ...fileOf(...given), language: 'c' });
    const nearest = async (store: Store): Promise<(string | undefined)[]> => {
      const ranked = await store.search('needle', { limit: 9, sources: [], explain: true });
      return ranked.map(({ parts }) => parts!.find(({ name }) => name === 'neighbours')!.detail);
    };
    const first = await open();
    await first.put([
      cFileOf('a/user.c', 'openDoor(); needle\n', 'user', [call]),
      cFileOf('b/door.c', 'needle\n', 'openDoor'),
      cFileOf('c/alone.c', 'needle\n', 'alone'),
    ]);
    await first.markComplete();
    const linked = await nearest(first);
    assert.deepEqual(new Set(linked), new Set(['a/user.c', 'b/door.c', undefined]));
    await close(first);
    const second = await open();
    assert.deepEqual(await nearest(second), linked);
    await second.put([cFileOf('a/user.c', 'needle\n', 'user')]);
    await second.markComplete();
    assert.deepEqual(new Set(await nearest(second)), new Set([undefined]), 'the call is gone');
    // The number of a file that is gone is not given again: what was linked to it stays unlinked.
    await second.put([cFileOf('a/user.c', 'openDoor(); needle\n', 'user', [call])]);
    await second.markComplete();
    await second.remove(['b/door.c', 'c/alone.c']);
    await second.put([cFileOf('d/new.c', 'needle\n', 'fresh')]);
    await close(second);
    assert.deepEqual(new Set(await nearest(await open())), new Set([undefined]));
  });

  it('gives back what was put in, before and after it was closed', async () => {
    const first = await open();
    const file = fileOf('src/a.ts', 'openDoor();\nwalk();\n', 'openDoor');
    await first.put([file, fileOf('src/b.ts', 'closeWindow();\n')]);
    await first.replaceSkipped([{ path: 'c.bin', size: 1, mtimeMs: 2, inode: 3, reason: 'binary', detail: 'NUL' }]);
    const seen = async (store: Store) => ({
      files: await store.filesInfo(['src/a.ts']),
      paths: (await store.paths()).sort(),
      symbols: await store.findSymbols({ name: 'opendoor', match: 'any', limit: 5 }),
      skipped: await store.skippedFiles(),
      found: await found(store, 'open door'),
    });
    const before = await seen(first);
    const { path: name, size, mtimeMs, inode, hash, language, role, chunkedBy, lineCount, syntaxErrors } = file;
    const put = {
      ...{ path: name, size, mtimeMs, inode, hash, language, role, chunkedBy, lineCount, syntaxErrors },
      chunks: decodeChunks(file.chunks),
      symbols: decodeSymbols(file.symbols),
    };
    assert.deepEqual(pick(before.files[0]!, put), put);
    assert.equal((await first.counts()).symbols, 1);
    assert.deepEqual(await first.knownPaths(['src/a.ts', 'c.bin']), [
      { path: 'src/a.ts', file: { path: 'src/a.ts', size, mtimeMs, inode, hash }, skipped: null },
      { path: 'c.bin', file: null, skipped: (await first.skippedFiles())[0] },
    ]);
    assert.deepEqual(before.found, ['src/a.ts']);
    assert.deepEqual(before.symbols, [{ path: 'src/a.ts', match: 'case', ...put.symbols[0] }]);
    await first.markComplete();
    await close(first);
    assert.deepEqual(await seen(await open()), before);
  });

  it('keeps the past, adds what is newer, and lets it speak in the ranking', async () => {
    const mark = { head: 'b'.repeat(40), prefix: '', boundary: '' };
    const commit = (id: string, time: number, ...paths: string[]) => ({
      id: id.repeat(40),
      time,
      subject: 'Polish the lens',
      files: paths.map((each) => ({ path: each })),
    });
    const weights = withOverrides(defaultWeights, { recency: 1, coChange: 0, pastChanges: 0 });
    const ranked = async (store: Store): Promise<string[]> =>
      (await store.search('lens', { limit: 5, sources: [], weights })).map((each) => each.path);
    let store = await open();
    assert.equal(await store.history(), null);
    await store.put([fileOf('a.ts', 'lens\n'), fileOf('b.ts', 'lens\n')]);
    assert.deepEqual(await ranked(store), ['a.ts', 'b.ts']);
    await store.putHistory({ kind: 'whole', mark, commits: [commit('b', 2, 'b.ts')] });
    assert.deepEqual(await ranked(store), ['b.ts', 'a.ts']);
    const newer = { ...mark, head: 'd'.repeat(40) };
    const commits = [commit('d', 4, 'a.ts'), commit('c', 3, 'a.ts'), commit('b', 2, 'b.ts')];
    await store.putHistory({ kind: 'newer', mark: newer, commits });
    assert.deepEqual(await store.history(), { ...newer, commits: 3 });
    assert.deepEqual(await ranked(store), ['a.ts', 'b.ts']);
    await close(store);
    store = await open();
    assert.deepEqual(await store.history(), { ...newer, commits: 3 });
    assert.deepEqual(await ranked(store), ['a.ts', 'b.ts']);
    await store.putHistory({ kind: 'whole', mark, commits: [commit('b', 2, 'b.ts')] });
    assert.deepEqual(await ranked(store), ['b.ts', 'a.ts']);
    await store.putHistory(null);
    assert.equal(await store.history(), null);
    assert.deepEqual(await ranked(store), ['a.ts', 'b.ts']);
  });

  it('answers while a checkpoint waits for the disk, and writes what comes meanwhile with the next one', async () => {
    const first = await open();
    await first.put([fileOf('src/a.ts', 'openDoor();\n')]);
    const order: string[] = [];
    const note = (what: string) => (): void => void order.push(what);
    await Promise.all([
      first.checkpoint().then(note('first checkpoint')),
      first.paths().then(note('paths')),
      first.put([fileOf('src/b.ts', 'closeWindow();\n')]).then(note('put')),
      first.checkpoint().then(note('second checkpoint')),
      found(first, 'close window').then(note('search')),
    ]);
    assert.deepEqual(order.slice(0, 3), ['paths', 'put', 'search']);
    assert.deepEqual(order.slice(3), ['first checkpoint', 'second checkpoint']);
    const reader = await open({ access: 'read' });
    assert.deepEqual((await reader.paths()).sort(), ['src/a.ts', 'src/b.ts']);
    assert.equal((await reader.counts()).generation, 2);
  });

  it('replaces and removes files; a refused update leaves everything as it was', async () => {
    const store = await open();
    await store.put([fileOf('a.ts', 'alpha\n'), fileOf('b.ts', 'beta\n')]);
    await store.put([fileOf('a.ts', 'gamma\n', 'gamma')]);
    assert.deepEqual([await found(store, 'alpha'), await found(store, 'gamma')], [[], ['a.ts']]);
    const broken = { ...fileOf('d.ts', 'delta\n'), language: undefined as never };
    const update = { put: [fileOf('a.ts', 'epsilon\n'), broken], touch: [], remove: ['b.ts'], skip: [], unskip: [] };
    await assert.rejects(store.applyUpdate(update));
    await store.remove(['a.ts']);
    assert.deepEqual(await found(store, 'gamma'), []);
    assert.deepEqual(await found(store, 'beta'), ['b.ts']);
    assert.deepEqual((await store.counts()).files, 1);
  });

  it('lets a reader see each generation, and take over when the writer has gone', async () => {
    const writer = await open();
    const reader = await open();
    assert.deepEqual([writer.role, reader.role], ['writer', 'reader']);
    assert.equal(reader.writer?.pid, process.pid);
    await writer.put([fileOf('a.ts', 'alpha\n')]);
    assert.equal(await reader.refreshIfChanged(), false);
    await writer.markComplete();
    assert.equal(await reader.refreshIfChanged(), true);
    assert.deepEqual(await found(reader, 'alpha'), ['a.ts']);
    assert.equal((await reader.counts()).generation, 1);
    await assert.rejects(reader.put([fileOf('b.ts', 'beta\n')]), { code: 'index_locked' });
    assert.equal(await reader.tryBecomeWriter(), false);
    await close(writer);
    assert.equal(await reader.tryBecomeWriter(), true);
    await reader.put([fileOf('b.ts', 'beta\n')]);
    assert.deepEqual(await found(reader, 'beta'), ['b.ts']);
  });

  it('refuses a second writer where writing was asked for', async () => {
    await open();
    await assert.rejects(open({ access: 'write' }), { code: 'index_locked' });
  });

  describe('with a lock that lies there', () => {
    const lock = (changes: object): string =>
      JSON.stringify({
        pid: process.pid,
        host: hostname(),
        startedAt: 'x',
        id: 'other',
        processStart: null,
        ...changes,
      });
    const cases: [name: string, content: string, role: 'writer' | 'reader', ageMs?: number][] = [
      ['of a living process', lock({}), 'reader'],
      ['of a process that has gone', lock({ pid: 2 ** 22 + 1 }), 'writer'],
      ['of another machine', lock({ host: 'elsewhere' }), 'reader'],
      ['of another machine, long without a beat', lock({ host: 'elsewhere' }), 'writer', 180_000],
      ['that cannot be read', '{"pid":', 'writer'],
    ];
    if (existsSync('/proc/self/stat'))
      cases.push(['of a number that another process has now', lock({ processStart: '1' }), 'writer']);
    for (const [name, content, role, ageMs = 0] of cases) {
      it(`${name}: opens as ${role}`, async () => {
        writeFileSync(lockFile(), content);
        const then = new Date(Date.now() - ageMs);
        utimesSync(lockFile(), then, then);
        assert.equal((await open()).role, role);
      });
    }
  });

  it('never overwrites what a process has written that took its place', async () => {
    const first = await open();
    await first.put([fileOf('a.ts', 'alpha\n')]);
    rmSync(lockFile());
    const second = await open();
    await second.put([fileOf('b.ts', 'beta\n')]);
    await second.markComplete();
    const written = readFileSync(databaseFile());
    await assert.rejects(first.markComplete(), { code: 'index_locked' });
    assert.deepEqual(readFileSync(databaseFile()), written);
  });

  it('a reader of a damaged file that becomes the writer keeps it, too', async () => {
    const first = await open();
    await first.put([fileOf('a.ts', 'alpha\n'.repeat(2_000))]);
    await first.markComplete();
    await close(first);
    // Has nothing to write, so that what happens to the file stays as it is.
    const writer = await open();
    truncateSync(databaseFile(), 5_000);
    const reader = await open();
    assert.equal(reader.role, 'reader');
    await close(writer);
    assert.ok(await reader.tryBecomeWriter());
    assert.match(reader.repairs.join(), /It was kept as index\.db\.damaged-/);
  });

  it('keeps one damaged file and says where', async () => {
    for (let round = 0; round < 2; round++) {
      const store = await open();
      await store.put([fileOf('a.ts', 'alpha\n'.repeat(2_000))]);
      await store.markComplete();
      await close(store);
      truncateSync(databaseFile(), 5_000);
      const mended = await open();
      assert.match(
        mended.repairs.join(),
        /was damaged \(.+\) and is being made anew\. It was kept as index\.db\.damaged-/,
      );
      assert.equal((await mended.counts()).files, 0);
      await close(mended);
    }
    assert.equal(readdirSync(indexDir).filter((name) => name.includes('damaged')).length, 1);
  });

  it('reads files of an older analysis again but answers from them until then', async () => {
    const first = await open();
    await first.put([fileOf('a.ts', 'alpha\n')]);
    await first.markComplete();
    await close(first);
    const second = await open({ analysisVersion: 2 });
    assert.deepEqual(await found(second, 'alpha'), ['a.ts']);
    assert.equal((await second.knownPaths(['a.ts']))[0]?.file?.size, -1);
  });

  it('takes over the tables of version 0.1 and makes their content anew', async () => {
    const sql = await initSqlJs({
      wasmBinary: readFileSync(path.join(assetsDir, 'sql-wasm.wasm')) as unknown as ArrayBuffer,
    });
    const old = new sql.Database();
    old.exec(readFileSync(path.resolve(import.meta.dirname, '../../fixtures/store/schema1.sql'), 'utf8'));
    writeFileSync(databaseFile(), old.export());
    old.close();
    const store = await open({ analysisVersion: 99 });
    assert.deepEqual(store.repairs, []);
    assert.deepEqual(await found(store, 'alpha'), ['a.ts']);
    assert.equal((await store.knownPaths(['a.ts']))[0]?.file?.size, -1);
    await store.put([fileOf('a.ts', 'alpha\n', 'alpha')]);
    assert.equal((await store.findSymbols({ name: 'alpha', match: 'exact', limit: 5 })).length, 1);
  });

  it('removes what a writer that died has left', async () => {
    writeFileSync(path.join(indexDir, `index.db.${2 ** 22 + 1}.abcdef.tmp`), 'half');
    writeFileSync(path.join(indexDir, `index.db.${process.pid}.abcdef.tmp`), 'of a living one');
    await open();
    assert.deepEqual(
      readdirSync(indexDir).filter((name) => name.endsWith('.tmp')),
      [`index.db.${process.pid}.abcdef.tmp`],
    );
  });
});
