import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEngine, type Engine } from '../../../server/engine/index.ts';

describe('Paths that are told of without having changed', function () {
  this.timeout(60_000);
  let root: string;
  let engine: Engine;
  const at = (file: string): string => path.join(root, file);
  const binary = `${'text '.repeat(20)}\0`;
  const indexFile = (): string => at('.contextkit/index.db');
  const skippedFiles = async (): Promise<string[]> =>
    (await engine.status()).skipped.map(({ path: each }) => each).filter((each) => !each.endsWith('/'));

  const reopened = async (): Promise<number> => {
    await engine.close();
    engine = await openEngine({ root, parseWorkers: 1 });
    return (await engine.status()).generation;
  };

  beforeEach(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-told-'));
    writeFileSync(at('code.ts'), 'export const harvest = 1;\n');
    writeFileSync(at('binary.ts'), binary);
    engine = await openEngine({ root, parseWorkers: 1 });
    await engine.index();
  });
  afterEach(async () => {
    await engine.close();
    rmSync(root, { recursive: true });
  });

  it('write no new index', async () => {
    const before = await reopened();
    const { ino } = statSync(indexFile());
    const { indexed, removed, skipped } = await engine.update(['code.ts', 'binary.ts', 'gone.ts']);
    assert.deepEqual([indexed, removed], [[], []]);
    assert.deepEqual(
      skipped.map(({ path: each, reason }) => [each, reason]),
      [['binary.ts', 'binary']],
    );
    assert.equal(await reopened(), before);
    assert.equal(statSync(indexFile()).ino, ino);
  });

  it('write one for whatever has', async () => {
    const before = await reopened();
    utimesSync(at('code.ts'), 1, 1);
    await engine.update(['code.ts']);
    const touched = await reopened();
    assert.ok(touched > before, 'another stamp');
    writeFileSync(at('binary.ts'), 'export const plough = 2;\n');
    assert.deepEqual((await engine.update(['binary.ts'])).indexed, ['binary.ts']);
    assert.deepEqual(await skippedFiles(), []);
    writeFileSync(at('code.ts'), binary);
    assert.deepEqual((await engine.update(['code.ts'])).removed, ['code.ts']);
    assert.deepEqual(await skippedFiles(), ['code.ts']);
    assert.ok((await reopened()) > touched);
  });
});
