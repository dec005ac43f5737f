import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { analysisVersion } from '../../../core/records/analysisVersion.ts';
import { assetsDir } from '../../../server/engine/assets.ts';
import type { CurrentFile } from '../../../server/engine/currentFile.ts';
import { openEngine, type Engine } from '../../../server/engine/index.ts';
import { createKeptSources, type KeptSource, type KeptSources } from '../../../server/engine/keptSources.ts';
import { createSourceReader } from '../../../server/engine/sourceReader.ts';
import { readCurrent } from '../../../server/engine/verifyRanges.ts';
import { identityOf, isStill } from '../../../server/indexing/discovery/fileIdentity.ts';
import { stampOf } from '../../../server/indexing/discovery/listFolder.ts';
import { readSource } from '../../../server/indexing/discovery/readSource.ts';
import type { ParsePool } from '../../../server/indexing/parsePool.ts';
import { openStore, type Store } from '../../../server/store/index.ts';
import { openParsePool } from './openParsePool.ts';

/** Files must have this age before what was read of them is trusted. */
const oldEnoughMs = 3_200;

/** A whole second, in seconds: set again, it is the very same time. */
const longAgo = 1_600_000_000;

/** Writes a file that says it is as old as the one of before. */
function writeAged(file: string, text: string): void {
  writeFileSync(file, text);
  utimesSync(file, longAgo, longAgo);
}

const textOf = (name: string): string => `export function ${name}() {\n  return '${name}';\n}\n`;

/** Other content of the same size. */
const shouted = (text: string): string => text.replace(/'(.*)'/, (whole) => whole.toUpperCase());

describe('files that are kept for the next question', function () {
  this.timeout(60_000);
  let root: string;
  let engine: Engine;
  let store: Store;
  let pool: ParsePool;
  let kept: KeptSources;
  const names = ['steady', 'edited', 'replaced', 'linked', 'gone', 'touched', 'indexed', 'asked', 'worn'];

  const fileOf = (name: string): string => path.join(root, `${name}.ts`);

  /** The file as an answer sees it, and whether it was changed. */
  async function read(name: string): Promise<{ current: CurrentFile | undefined; isStale: boolean }> {
    await store.refreshIfChanged();
    const reader = createSourceReader({ root, maxFileKb: 1024, pool: () => pool });
    const { files, stale } = await readCurrent({ store, reader, kept }, [`${name}.ts`], undefined);
    return { current: files.get(`${name}.ts`), isStale: stale.length > 0 };
  }

  const secondLine = ({ current }: { current: CurrentFile | undefined }): string => current!.file.slice(2, 2);

  /** Read before, and kept. */
  async function readKept(name: string): Promise<CurrentFile> {
    const { current } = await read(name);
    assert.equal((await read(name)).current, current, 'it was read again though nothing changed');
    return current!;
  }

  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-kept-'));
    for (const name of names) writeAged(fileOf(name), textOf(name));
    engine = await openEngine({ root });
    await engine.index();
    const indexDir = path.join(root, '.contextkit');
    store = await openStore({ indexDir, access: 'read', assetsDir, analysisVersion, log: () => undefined });
    pool = openParsePool(root);
    kept = createKeptSources({ root });
    await sleep(oldEnoughMs);
  });
  after(async () => {
    await pool.close();
    await store.close();
    await engine.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('are used again as long as nothing changes', async () => {
    const current = await readKept('steady');
    assert.equal(secondLine({ current }), "  return 'steady';");
  });

  it('show other content of the same size with the time of before', async () => {
    await readKept('edited');
    const before = statSync(fileOf('edited'));
    writeAged(fileOf('edited'), shouted(textOf('edited')));
    const after = statSync(fileOf('edited'));
    assert.deepEqual([after.size, after.mtimeMs, after.ino], [before.size, before.mtimeMs, before.ino]);
    const now = await read('edited');
    assert.equal(secondLine(now), "  return 'EDITED';");
    assert.ok(now.isStale);
    // What the index does not know is read anew each time.
    writeAged(fileOf('edited'), textOf('edited'));
    const back = await read('edited');
    assert.equal(secondLine(back), "  return 'edited';");
    assert.ok(!back.isStale);
  });

  it('show the file that took their place', async () => {
    await readKept('replaced');
    const other = path.join(root, 'other');
    writeAged(other, shouted(textOf('replaced')));
    renameSync(other, fileOf('replaced'));
    const now = await read('replaced');
    assert.equal(secondLine(now), "  return 'REPLACED';");
    assert.ok(now.isStale);
  });

  it('are gone when a link took their place, or nothing', async () => {
    await readKept('linked');
    renameSync(fileOf('linked'), path.join(root, 'target'));
    symlinkSync('target', fileOf('linked'));
    assert.deepEqual(await read('linked'), { current: undefined, isStale: true });
    await readKept('gone');
    rmSync(fileOf('gone'));
    assert.deepEqual(await read('gone'), { current: undefined, isStale: true });
    assert.equal(kept.get('gone.ts'), undefined);
  });

  it('are read again while they are young, and stay the same file when their content is', async () => {
    const before = await readKept('touched');
    writeAged(fileOf('touched'), textOf('touched'));
    const { current, isStale } = await read('touched');
    assert.equal(current, before);
    assert.ok(!isStale);
    assert.equal(kept.get('touched.ts')!.identity, null, 'it could change without a trace');
    writeAged(fileOf('touched'), shouted(textOf('touched')));
    assert.equal(secondLine(await read('touched')), "  return 'TOUCHED';");
    writeAged(fileOf('touched'), textOf('touched'));
    await read('touched');
    await sleep(oldEnoughMs);
    await readKept('touched');
    assert.notEqual(kept.get('touched.ts')!.identity, null);
  });

  it('are made anew when the index knows something else of them, also of the same content', async () => {
    const before = await readKept('indexed');
    await engine.index({ force: true });
    const forced = await read('indexed');
    assert.notEqual(forced.current, before);
    assert.deepEqual(forced.current!.stored.symbols, before.stored.symbols);
    writeFileSync(fileOf('indexed'), `// a line more\n${textOf('renamed')}`);
    await engine.index();
    const now = await read('indexed');
    assert.deepEqual(
      now.current!.file.symbols.map(({ name, line }) => [name, line]),
      [['renamed', 2]],
    );
    assert.ok(!now.isStale);
  });

  it('forget after many questions what was found out of their ranges', async () => {
    const before = await readKept('worn');
    for (let i = 0; i < 500; i++) kept.get('worn.ts');
    const { current } = await read('worn');
    assert.notEqual(current!.file, before.file);
    assert.equal(current!.stored, before.stored);
    assert.equal(await readKept('worn'), current);
  });

  it('never show old lines in an answer', async () => {
    const ask = async (): Promise<string> =>
      (await engine.select({ query: 'asked', budget: 600, sources: ['asked.ts'] })).context;
    assert.match(await ask(), /return 'asked'/);
    assert.match(await ask(), /return 'asked'/);
    writeAged(fileOf('asked'), shouted(textOf('asked')));
    const changed = await ask();
    assert.match(changed, /return 'ASKED'/);
    assert.doesNotMatch(changed, /return 'asked'/);
  });
});

describe('what is kept of files', () => {
  const current = (name: string, text: string): CurrentFile => ({
    stored: {
      ...{ path: name, hash: name, size: text.length, mtimeMs: 1, inode: 1, language: 'plaintext', role: 'source' },
      ...{ chunkedBy: 'lines', lineCount: 1, syntaxErrors: false, chunks: [], symbols: [], imports: [] },
    },
    source: { text, lineStarts: Uint32Array.of(0, text.length), fresh: null, identity: null },
    file: { path: name, language: 'plaintext', symbols: [], imports: [], lineCount: 1, slice: () => text },
  });
  const source = (name: string, text: string): KeptSource => ({
    version: 1,
    identity: null,
    current: current(name, text),
  });
  const overhead = 8;

  it('has a bound, and leaves first what was not used for longest', () => {
    const kept = createKeptSources({ root: '/', most: 3 * (100 + overhead) });
    for (const name of ['a', 'b', 'c']) kept.keep(source(name, name.repeat(100)));
    assert.equal(kept.bytes, 3 * (100 + overhead));
    kept.get('a');
    kept.keep(source('d', 'd'.repeat(100)));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].filter((name) => kept.get(name) !== undefined),
      ['a', 'c', 'd'],
    );
    kept.keep(source('e', 'e'.repeat(150)));
    assert.deepEqual(
      ['a', 'c', 'd', 'e'].filter((name) => kept.get(name) !== undefined),
      ['d', 'e'],
    );
    assert.equal(kept.bytes, 250 + 2 * overhead);
    kept.keep(source('too much', '.'.repeat(1_000)));
    assert.equal(kept.get('too much'), undefined);
    assert.equal(kept.bytes, 0);
  });

  it('counts a file once, with two bytes for letters beyond Latin-1, and nothing once it is dropped', () => {
    const kept = createKeptSources({ root: '/' });
    kept.keep(source('a', 'a'.repeat(100)));
    kept.keep(source('a', 'a'.repeat(40)));
    assert.equal(kept.bytes, 40 + overhead);
    kept.keep(source('b', '家'.repeat(40)));
    assert.equal(kept.bytes, 120 + 2 * overhead);
    kept.drop('a');
    kept.drop('a');
    assert.equal(kept.bytes, 80 + overhead);
    kept.clear();
    assert.deepEqual([kept.bytes, kept.get('b')], [0, undefined]);
  });
});

describe('the identity of a file that was read', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'contextkit-identity-'));
    file = path.join(folder, 'a.ts');
    writeAged(file, 'one;\n');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** As if it had been read in a minute. */
  const identity = () => identityOf(lstatSync(file), Date.now() + 60_000)!;

  it('is not given to a file that may change within the same step of time', () => {
    const stats = lstatSync(file);
    assert.equal(identityOf(stats, stats.ctimeMs + 2_000), null, 'an old time of modification was set just now');
    assert.notEqual(identityOf(stats, stats.ctimeMs + 4_000), null);
    const future = Date.now() / 1000 + 3_600;
    utimesSync(file, future, future);
    assert.equal(identityOf(lstatSync(file), Date.now() + 60_000), null);
    const source = readSource(file, stampOf(lstatSync(file)), { maxFileKb: 1 });
    assert.ok(source.kind === 'text' && source.identity === null);
  });

  it('is not given where the system has no times of change or no ids', () => {
    const stats = lstatSync(file);
    const later = stats.ctimeMs + 60_000;
    assert.equal(identityOf(Object.assign(lstatSync(file), { ino: 0 }), later), null);
    assert.equal(identityOf(Object.assign(lstatSync(file), { ctimeMs: 0 }), later), null);
  });

  it('ends with any change, and with the file', async () => {
    const before = identity();
    assert.ok(isStill(file, before));
    await sleep(20);
    writeAged(file, 'two;\n');
    assert.equal(lstatSync(file).mtimeMs, before.mtimeMs);
    assert.ok(!isStill(file, before));
    const second = identity();
    writeAged(`${file}.new`, readFileSync(file, 'utf8'));
    renameSync(`${file}.new`, file);
    assert.ok(!isStill(file, second));
    const third = identity();
    renameSync(file, `${file}.old`);
    symlinkSync('a.ts.old', file);
    assert.ok(!isStill(file, third));
    rmSync(file);
    assert.ok(!isStill(file, third));
  });
});
