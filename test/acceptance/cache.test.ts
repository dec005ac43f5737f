import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddingCache } from '../../server/embedding/embeddingCache.ts';
import { cli } from './workspace.ts';

describe('contextkit cache', () => {
  let cacheDir: string;

  beforeEach(() => (cacheDir = mkdtempSync(path.join(tmpdir(), 'contextkit-cache-'))));
  afterEach(() => rmSync(cacheDir, { recursive: true }));

  function run(...args: string[]) {
    const env = { ...process.env, NO_COLOR: '1', CONTEXTKIT_CACHE_DIR: cacheDir };
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'cache', ...args], { encoding: 'utf8', env });
    return { code: status, out: stdout, err: stderr };
  }

  async function fill(fingerprint: string, vectors: number): Promise<void> {
    const model = { fingerprint, dimensions: 384 };
    const cache = await openEmbeddingCache({ cacheDir, model, maxBytes: 1e9, log: () => undefined });
    const vector = new Float32Array(384).fill(384 ** -0.5);
    const digest = (i: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? i : at));
    await Promise.all(Array.from({ length: vectors }, (_, i) => cache.put(digest(i), vector)));
    await cache.close();
  }

  it('status says what is kept, for people and for programs', async () => {
    assert.match(run('status').out, /^Embeddings .+embeddings \(0 B\)\nNothing is kept yet\.\n$/);
    await fill('abcd', 100);
    mkdirSync(path.join(cacheDir, 'embeddings/v7'));
    const { code, out } = run('status');
    assert.equal(code, 0);
    assert.match(
      out,
      /^Embeddings .+ \(78 KB\)\nModel {6}abcd: 100 vectors, 78 KB, last used .+\nLeft alone v7: of another/,
    );
    const status = JSON.parse(run('status', '--json').out) as { bytes: number; models: { vectors: number }[] };
    assert.equal(status.bytes, 100 * (768 + 28));
    assert.deepEqual(
      status.models.map(({ vectors }) => vectors),
      [100],
    );
  });

  it('prune removes all, or keeps to a size', async () => {
    await fill('abcd', 100);
    // What a running process writes to stays, and these were written by this one.
    assert.match(run('prune', '--max-size', '1KB').out, /^Removed 0 B; 78 KB are left\.\n$/);
    assert.deepEqual(JSON.parse(run('prune', '--all', '--json').out), { removedBytes: 79_600, bytes: 0 });
    assert.match(run('prune', '--max-size', '1.5 GB').out, /^Removed 0 B; 0 B are left\.\n$/);
  });

  it('refuses what makes no sense', () => {
    const refused: [args: string[], message: RegExp][] = [
      [['prune'], /wants either --max-size or --all\n.*hint: For example/],
      [['prune', '--all', '--max-size', '1'], /wants either/],
      [['prune', '--max-size', 'much'], /--max-size much is not a size\n.*500MB/],
      [['empty'], /cannot "empty"\n.*status, prune/],
    ];
    for (const [args, message] of refused) {
      const { code, err } = run(...args);
      assert.equal(code, 2, err);
      assert.match(err, message);
    }
    writeFileSync(path.join(cacheDir, 'embeddings'), '');
    assert.equal(run('status').code, 0);
  });
});
