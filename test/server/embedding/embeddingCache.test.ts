import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyBytes, rowBytes } from '../../../server/embedding/cacheSegment.ts';
import { cacheStatus, mergeSegments, modelFolder, pruneCache } from '../../../server/embedding/cacheUpkeep.ts';
import { openEmbeddingCache, type EmbeddingCacheOptions } from '../../../server/embedding/embeddingCache.ts';
import type { EmbeddingCache } from '../../../server/embedding/types.ts';
import { digest, dimensions, fingerprint, vector } from './sampleVectors.ts';

const rowSize = rowBytes(dimensions);

const digests = (names: readonly (string | number)[]): Uint8Array => Buffer.concat(names.map(digest));

function assertNear(actual: Float32Array | undefined, expected: Float32Array): void {
  assert.ok(actual !== undefined);
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-3, `${value} where ${String(expected[i])} was put`),
  );
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function unmount(folder: string): void {
  assert.equal(spawnSync('umount', [folder]).status, 0, `${folder} is still mounted`);
}

/** Mounts a disk of a few kilobytes; false where that is not allowed. `trial`: and takes it away again. */
function mountSmallDisk(folder: string, trial = false): boolean {
  const mounted =
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  if (trial && mounted) unmount(folder);
  if (trial) rmSync(folder, { recursive: true });
  return mounted;
}

describe('The embedding cache', function () {
  this.timeout(20_000);
  let cacheDir: string;
  let opened: EmbeddingCache[];
  let logged: { event: string; fields: Record<string, unknown> }[];

  const dir = (): string => modelFolder(cacheDir, fingerprint);
  const files = (ending: string): string[] => readdirSync(dir()).filter((name) => name.endsWith(ending));
  const file = (ending: string): string => path.join(dir(), files(ending)[0]!);
  const count = (event: string): number => logged.filter((one) => one.event === event).length;

  async function open(options: Partial<EmbeddingCacheOptions> = {}): Promise<EmbeddingCache> {
    const log = (event: string, fields: Record<string, unknown>): void => void logged.push({ event, fields });
    const model = { fingerprint, dimensions };
    const cache = await openEmbeddingCache({ cacheDir, model, maxBytes: 1e9, log, lookAgainMs: 0, ...options });
    opened.push(cache);
    return cache;
  }
  const fill = (cache: EmbeddingCache, names: readonly (string | number)[]) =>
    Promise.all(names.map((name) => cache.put(digest(name), vector(name))));
  async function found(cache: EmbeddingCache, names: readonly (string | number)[]): Promise<(string | number)[]> {
    const vectors = await cache.get(digests(names));
    for (const one of vectors) assertNear(one.vector, vector(names[one.index]!));
    return vectors.map(({ index }) => names[index]!);
  }
  /** Makes a segment look as if its process had ended. */
  async function leftBehind(names: readonly (string | number)[]): Promise<string> {
    const cache = await open();
    const before = new Set(existsSync(dir()) ? files('.keys') : []);
    await fill(cache, names);
    await cache.close();
    const base = files('.keys')
      .find((name) => !before.has(name))!
      .replace('.keys', '');
    // No process has this number: it is above the largest that Linux gives.
    const orphan = base.replace(/-(\d+)-([0-9a-f]+)$/, '-4999999-$2');
    for (const ending of ['.rows', '.keys'])
      renameSync(path.join(dir(), base + ending), path.join(dir(), orphan + ending));
    return orphan;
  }

  beforeEach(() => {
    cacheDir = mkdtempSync(path.join(tmpdir(), 'contextkit-cache-'));
    opened = [];
    logged = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((cache) => cache.close()));
    rmSync(cacheDir, { recursive: true, force: true });
  });

  it('gives back what was put, in the order of the question, now and later', async () => {
    const first = await open();
    await fill(first, range(0, 100));
    const asked = [7, 'unknown', 99, 7, 0];
    assert.deepEqual(await found(first, asked), [7, 99, 7, 0]);
    assert.deepEqual(await first.has(digests(asked)), [true, false, true, true, true]);
    assert.equal(first.problem, null);
    await first.close();
    const second = await open();
    assert.deepEqual(await found(second, asked), [7, 99, 7, 0]);
    assert.deepEqual(await found(second, range(0, 100)), range(0, 100));
    assert.deepEqual(await second.get(new Uint8Array(0)), []);
  });

  it('gives back exactly what an embedding process gives: unit vectors of half precision', async () => {
    const first = await open();
    await fill(first, range(0, 50));
    const once = await first.get(digests(range(0, 50)));
    await pruneCache(cacheDir, { all: true });
    const second = await open();
    await Promise.all(once.map(({ index, vector: kept }) => second.put(digest(index), kept)));
    assert.deepEqual(await second.get(digests(range(0, 50))), once);
  });

  it('keeps a vector once', async () => {
    const cache = await open();
    await fill(cache, ['a', 'a', 'b', 'a']);
    await fill(cache, ['a', 'b']);
    assert.equal(statSync(file('.keys')).size, 2 * keyBytes);
    assert.equal(statSync(file('.rows')).size, 2 * rowSize);
  });

  it('refuses what is no vector of the model', async () => {
    const cache = await open();
    await assert.rejects(cache.put(digest('a'), vector('a', 5)), RangeError);
    await assert.rejects(cache.put(digest('a'), Float32Array.of(1, NaN, 0, 0, 0, 0)), RangeError);
    await assert.rejects(cache.put(digest('a').subarray(1), vector('a')), RangeError);
    await assert.rejects(cache.get(new Uint8Array(17)), RangeError);
    assert.deepEqual(await found(cache, ['a']), []);
  });

  it('takes an odd number of dimensions', async () => {
    const cache = await open({ model: { fingerprint, dimensions: 7 } });
    await cache.put(digest('a'), vector('a', 7));
    const [one] = await cache.get(digest('a'));
    assertNear(one?.vector, vector('a', 7));
  });

  it('keeps the vectors of models apart', async () => {
    const cache = await open();
    await fill(cache, ['a']);
    const other = await open({ model: { fingerprint: 'f'.repeat(24), dimensions } });
    assert.deepEqual(await found(other, ['a']), []);
  });

  it('loses one vector alone when its row is damaged, and takes it again', async () => {
    const first = await open();
    await fill(first, range(0, 10));
    await first.close();
    overwrite(file('.rows'), 4 * rowSize + 3);
    const second = await open();
    assert.deepEqual(await found(second, range(0, 10)), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert.equal(count('embedding cache: damaged rows passed over'), 1);
    assert.deepEqual(await second.has(digests([3, 4])), [true, false]);
    await fill(second, [4]);
    assert.deepEqual(await found(second, range(0, 10)), range(0, 10));
  });

  it('loses one vector alone when its key is damaged', async () => {
    const first = await open();
    await fill(first, range(0, 10));
    await first.close();
    overwrite(file('.keys'), 4 * keyBytes + 18);
    const second = await open();
    assert.deepEqual(await found(second, range(0, 10)), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert.equal(count('embedding cache: damaged keys passed over'), 1);
  });

  for (const [what, ending, bytes, lost] of [
    ['in the middle of a key', '.keys', 7 * keyBytes + 5, 3],
    ['between keys', '.keys', 7 * keyBytes, 3],
    ['in the middle of a row', '.rows', 9 * rowSize - 1, 2],
    ['to nothing', '.keys', 0, 10],
    ['to no rows', '.rows', 0, 10],
  ] as const) {
    it(`loses only the tail when a file is cut off ${what}`, async () => {
      const first = await open();
      await fill(first, range(0, 10));
      await first.close();
      truncateSync(file(ending), bytes);
      const second = await open();
      assert.deepEqual(await found(second, range(0, 10)), range(0, 10 - lost));
      await fill(second, range(0, 12));
      assert.deepEqual(await found(second, range(0, 12)), range(0, 12));
      await second.close();
      assert.deepEqual(await found(await open(), range(0, 12)), range(0, 12));
    });
  }

  it('takes a block of zeros in its files for damage', async () => {
    const first = await open();
    await fill(first, range(0, 10));
    await first.close();
    overwrite(file('.keys'), 2 * keyBytes, Buffer.alloc(keyBytes));
    overwrite(file('.rows'), 5 * rowSize, Buffer.alloc(rowSize));
    assert.deepEqual(await found(await open(), range(0, 10)), [0, 1, 3, 4, 6, 7, 8, 9]);
  });

  function overwrite(name: string, at: number, bytes = Buffer.from([readFileSync(name)[at]! ^ 0xff])): void {
    const handle = openSync(name, 'r+');
    writeSync(handle, bytes, 0, bytes.length, at);
    closeSync(handle);
  }

  it('shows to one process what another one puts', async () => {
    const [first, second] = [await open(), await open()];
    for (let round = 0; round < 3; round++) {
      await fill(first, [`first ${round}`]);
      await fill(second, [`second ${round}`]);
      assert.deepEqual(await found(first, [`second ${round}`]), [`second ${round}`]);
      assert.deepEqual(await second.has(digest(`first ${round}`)), [true]);
    }
  });

  it('loses nothing that was put when a process is killed at any moment', async () => {
    for (let turn = 0; turn < 4; turn++) {
      const told: string[] = [];
      const child = writerProcess(turn);
      child.stdout.on('data', (part: Buffer) => told.push(...part.toString().trim().split('\n')));
      await once(child.stdout, 'data');
      await sleep(20 + 40 * turn);
      child.kill('SIGKILL');
      await once(child, 'exit');
      // The last line may be cut off.
      const names = told.slice(0, -1).map((line) => `${turn} ${line}`);
      assert.ok(names.length > 0);
      const cache = await open();
      assert.deepEqual(await found(cache, names), names);
      assert.equal(count('embedding cache: damaged rows passed over'), 0);
      await cache.close();
    }
  });

  it('is written by two processes at once, and read by a third', async () => {
    const children = [10, 11].map((id) => writerProcess(id, 300));
    const told = children.map(() => 0);
    children.forEach((child, i) =>
      child.stdout.on('data', (part: Buffer) => (told[i]! += part.toString().trim().split('\n').length)),
    );
    const reader = await open();
    await Promise.all(children.map((child) => once(child, 'exit')));
    assert.deepEqual(told, [300, 300]);
    const names = [10, 11].flatMap((id) => range(0, 300).map((n) => `${id} ${n}`));
    assert.deepEqual(await found(reader, names), names);
  });

  function writerProcess(id: number, most = 1e9) {
    const script = path.join(import.meta.dirname, 'putVectors.ts');
    const args = ['--import', 'tsx', script, cacheDir, String(id), String(most)];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  it('merges what ended processes left, without damaged and doubled rows, and forgets nothing', async () => {
    const reader = await open();
    const names: number[] = [];
    for (let i = 0; i < 8; i++) {
      const some = range(10 * i, 10 * i + 10);
      names.push(...some);
      await leftBehind(some);
      assert.deepEqual(await found(reader, some), some);
    }
    const bases = files('.keys').sort();
    overwrite(path.join(dir(), bases[0]!), 3 * keyBytes + 1);
    // The same rows once more, in a segment of their own.
    for (const ending of ['.keys', '.rows']) {
      const copied = bases[1]!.replace('.keys', ending);
      writeFileSync(
        path.join(dir(), `${copied.slice(0, 9)}-sealed-abcd${ending}`),
        readFileSync(path.join(dir(), copied)),
      );
    }
    await sleep(50); // until the reader has noted its use of them
    const old = new Date(Date.now() - 86_400_000);
    for (const name of files('.keys')) utimesSync(path.join(dir(), name), old, old);
    assert.deepEqual(await mergeSegments(dir(), { dimensions, keep: 12 }), { segments: 0, dropped: 0 });
    assert.deepEqual(await mergeSegments(dir(), { dimensions, keep: 2 }), { segments: 9, dropped: 11 });
    assert.equal(files('.keys').length, 1);
    assert.deepEqual(readdirSync(dir()).length, 2);
    assert.ok(Math.abs(statSync(file('.keys')).mtimeMs - old.getTime()) < 2_000, 'the time of use is lost');
    const left = names.filter((name) => name !== 3);
    // One that had read the small segments, and one that sees the merged one only.
    assert.deepEqual(await found(reader, left), left);
    assert.deepEqual(await found(await open(), names), left);
  });

  it('leaves segments alone that a process may still write to', async () => {
    const writers = [await open(), await open(), await open()];
    for (const [i, writer] of writers.entries()) await fill(writer, [i]);
    assert.deepEqual(await mergeSegments(dir(), { dimensions, keep: 0 }), { segments: 0, dropped: 0 });
    assert.deepEqual(await pruneCache(cacheDir, { maxBytes: 0 }), { segments: 0, bytes: 0 });
    assert.deepEqual(await found(writers[0]!, [0, 1, 2]), [0, 1, 2]);
  });

  it('is merged by one process at a time', async () => {
    for (let i = 0; i < 3; i++) await leftBehind([i]);
    writeFileSync(path.join(dir(), 'merge.lock'), '');
    assert.equal((await mergeSegments(dir(), { dimensions, keep: 1 })).segments, 0);
    const old = new Date(Date.now() - 3600_000);
    utimesSync(path.join(dir(), 'merge.lock'), old, old);
    assert.equal((await mergeSegments(dir(), { dimensions, keep: 1 })).segments, 3);
    assert.ok(!existsSync(path.join(dir(), 'merge.lock')));
  });

  it('is tidied when it is opened', async () => {
    for (let i = 0; i < 14; i++) await leftBehind([i]);
    const cache = await open();
    await cache.close();
    // The first was closed before its tidying was far; this one is waited for.
    const again = await open();
    for (let waited = 0; files('.keys').length > 1 && waited < 5_000; waited += 10) await sleep(10);
    assert.equal(files('.keys').length, 1);
    assert.deepEqual(await found(again, range(0, 14)), range(0, 14));
  });

  it('is pruned to a size, what was used least recently first', async () => {
    const bases: string[] = [];
    for (let i = 0; i < 4; i++) bases.push(await leftBehind(range(100 * i, 100 * i + 100)));
    for (const [i, base] of bases.entries()) {
      const time = new Date(Date.now() - (10 - i) * 86_400_000);
      utimesSync(path.join(dir(), `${base}.keys`), time, time);
    }
    const cache = await open();
    await found(cache, [5]); // the oldest is used now
    await sleep(50);
    const segment = 100 * (rowSize + keyBytes);
    assert.deepEqual(await pruneCache(cacheDir, { maxBytes: 2.5 * segment }), { segments: 2, bytes: 2 * segment });
    assert.deepEqual(await found(cache, [5, 105, 205, 305]), [5, 305]);
    await fill(cache, [105]);
    assert.deepEqual(await found(cache, [5, 105, 205, 305]), [5, 105, 305]);
  });

  it('is pruned to the models that are used, or to nothing under a process that goes on', async () => {
    await leftBehind(['a']);
    const other = await open({ model: { fingerprint: 'f'.repeat(24), dimensions } });
    await fill(other, ['b']);
    await other.close();
    const status = await cacheStatus(cacheDir);
    assert.deepEqual(
      status.models.map(({ vectors }) => vectors),
      [1, 1],
    );
    assert.equal(status.bytes, 2 * (rowSize + keyBytes));
    await pruneCache(cacheDir, { keepModels: ['f'.repeat(24)] });
    assert.deepEqual(
      (await cacheStatus(cacheDir)).models.map((model) => model.fingerprint),
      ['f'.repeat(24)],
    );

    const cache = await open();
    await fill(cache, ['c']);
    await pruneCache(cacheDir, { all: true });
    assert.equal((await cacheStatus(cacheDir)).bytes, 0);
    assert.deepEqual(await found(cache, ['c']), []);
    await fill(cache, ['c', 'd']);
    assert.equal(cache.problem, null);
    assert.deepEqual(await found(await open(), ['c', 'd']), ['c', 'd']);
  });

  it('leaves another format and files of other names alone', async () => {
    const newer = path.join(cacheDir, 'embeddings/v2');
    mkdirSync(newer, { recursive: true });
    writeFileSync(path.join(newer, 'data'), 'of a newer version');
    await leftBehind(['a']);
    writeFileSync(path.join(dir(), 'notes.keys'), 'not ours');
    assert.deepEqual((await cacheStatus(cacheDir)).otherFormats, ['v2']);
    await pruneCache(cacheDir, { all: true });
    assert.equal(readFileSync(path.join(newer, 'data'), 'utf8'), 'of a newer version');
    assert.deepEqual(readdirSync(dir()), ['notes.keys']);
    assert.deepEqual(await cacheStatus(path.join(cacheDir, 'nowhere')), {
      dir: path.join(cacheDir, 'nowhere/embeddings'),
      bytes: 0,
      otherFormats: [],
      models: [],
    });
  });

  it('goes on without keeping where it cannot be made, says so, and begins when it can', async () => {
    writeFileSync(path.join(cacheDir, 'embeddings'), 'a file in the way');
    const cache = await open({ retryMs: 30 });
    assert.match(cache.problem!, /^embeddings are not kept: .+ cannot be written: a file is in the way \(ENOTDIR\)$/);
    await fill(cache, ['a']);
    assert.deepEqual(await found(cache, ['a']), []);
    rmSync(path.join(cacheDir, 'embeddings'));
    await sleep(40);
    await fill(cache, ['a']);
    assert.equal(cache.problem, null);
    assert.deepEqual(await found(cache, ['a']), ['a']);
  });

  it('goes on when its folder is removed', async () => {
    const cache = await open();
    await fill(cache, ['a']);
    rmSync(cacheDir, { recursive: true });
    assert.deepEqual(await found(cache, ['a']), []);
    await fill(cache, ['b']);
    assert.deepEqual(await found(cache, ['b']), ['b']);
    assert.equal(cache.problem, null);
  });

  if (process.getuid?.() !== 0)
    it('reads from a folder where nothing can be written', async () => {
      await leftBehind(['a']);
      chmodSync(dir(), 0o555);
      const cache = await open();
      assert.deepEqual(await found(cache, ['a']), ['a']);
      await fill(cache, ['b']);
      assert.match(cache.problem!, /no permission \(EACCES\)/);
      chmodSync(dir(), 0o755);
    });

  // Where no disk can be mounted, the file in the way above stands for one that is full.
  if (mountSmallDisk(mkdtempSync(path.join(tmpdir(), 'contextkit-disk-')), true)) {
    it('on a full disk says so, loses nothing and begins again when there is room', async () => {
      assert.ok(mountSmallDisk(cacheDir));
      try {
        const cache = await open({ retryMs: 30 });
        const names = range(0, 10_000);
        for (let at = 0; at < names.length && cache.problem === null; at += 100)
          await fill(cache, names.slice(at, at + 100));
        assert.match(cache.problem!, /the disk is full \(ENOSPC\)$/);
        const kept = await found(cache, names);
        assert.ok(kept.length > 500 && kept.length < 3_000, String(kept.length));
        const other = await open();
        assert.deepEqual(await found(other, names), kept);
        await cache.close();
        await other.close();
        await pruneCache(cacheDir, { all: true });
        const again = await open();
        await fill(again, ['a']);
        assert.equal(again.problem, null);
        assert.deepEqual(await found(again, ['a']), ['a']);
        await again.close();
      } finally {
        unmount(cacheDir);
      }
    });
  }

  it('opens a large one without stopping the program', async () => {
    const many = 100_000;
    const first = await open();
    const names = Buffer.alloc(16 * many);
    for (let i = 0; i < many; i++) names.writeUInt32LE((i * 2654435761) >>> 0, i * 16);
    const one = vector('one');
    for (let at = 0; at < many; at += 20_000)
      await Promise.all(range(at, at + 20_000).map((i) => first.put(names.subarray(i * 16, i * 16 + 16), one)));
    await first.close();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const second = await open();
    clearInterval(timer);
    assert.equal((await second.has(names)).every(Boolean), true);
    // Far above what is meant (20 ms), since the machine may be busy; far below one pass over all.
    assert.ok(longest < 150, `${longest} ms`);
  });
});
