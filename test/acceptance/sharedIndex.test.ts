import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { assertFresh, type AnsweredRange } from './freshRanges.ts';
import { startServer, type ServerProcess } from './serverProcess.ts';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

describe('One index and several processes', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  beforeEach(() => (workspace = makeWorkspace(sample)));
  afterEach(() => workspace.remove());

  function ask(...args: string[]): Promise<{ code: number | null; ranges: AnsweredRange[]; err: string }> {
    return new Promise((resolve, reject) => {
      const child = workspace.start('select', 'harvest a crop', '--json', ...args);
      let [out, err] = ['', ''];
      child.stdout!.on('data', (part: Buffer) => (out += String(part)));
      child.stderr!.on('data', (part: Buffer) => (err += String(part)));
      child.once('error', reject);
      child.once('close', (code) =>
        resolve({ code, err, ranges: out === '' ? [] : (JSON.parse(out) as { chunks: AnsweredRange[] }).chunks }),
      );
    });
  }

  it('a language server writes while command lines and a second server read', async () => {
    for (let i = 0; i < 150; i++)
      workspace.write(`src/f${i}.ts`, `/** Harvest a crop. */\nexport function harvest${i}() {\n  return ${i};\n}\n`);
    const writer = await startServer({ root: workspace.root });
    await writer.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
    const reader = await startServer({ root: workspace.root, settings: { indexOnOpen: false } });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 150; i += 7)
        workspace.write(
          `src/f${i}.ts`,
          `// round ${round}\n`.repeat(round + 1) +
            `/** Harvest a crop. */\nexport function harvest${i}() {\n  return ${i} + ${round};\n}\n`,
        );
      const [first, second, third, own] = await Promise.all([
        ask(),
        ask('--no-index'),
        reader.select('harvest a crop'),
        writer.select('harvest a crop'),
      ]);
      assert.equal(first.code, 0, first.err);
      assert.match(first.err, new RegExp(`process ${writer.pid}`));
      assert.equal(second.code, 0, second.err);
      for (const ranges of [first.ranges, second.ranges, third.ranges, own.ranges]) assertFresh(workspace.root, ranges);
    }
    // Who reads takes over when the writer is gone, however it went.
    await writer.kill();
    workspace.write('src/after.ts', 'export function afterTheWriter() {}\n');
    await reader.connection.sendRequest('contextkit/index', {});
    assert.equal((await reader.select('afterTheWriter')).ranges[0]!.path, 'src/after.ts');
    assert.deepEqual((await reader.folder()).repairs, []);
    await reader.stop();
    assert.match(workspace.run('doctor').out, /All is well/);
  });

  describe('that an editor keeps', () => {
    let scratch: string;
    let server: ServerProcess | undefined;
    let env: Record<string, string>;
    beforeEach(() => {
      scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-shared-'));
      const config = { model_type: 'bert', max_position_embeddings: 512, hidden_size: 16 };
      writeSmallModel(path.join(scratch, 'model'), { config });
      env = { CONTEXTKIT_MODEL_DIR: path.join(scratch, 'model'), CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache') };
    });
    afterEach(async () => {
      await server?.stop();
      server = undefined;
      rmSync(scratch, { recursive: true });
    });

    it('is seen to be up to date by `index`, which says who keeps it, and comes back', async () => {
      server = await startServer({ root: workspace.root, settings: { watch: 'poll', watchIntervalSeconds: 3 } });
      await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
      const first = workspace.run('index');
      assert.equal(first.code, 0, first.err);
      assert.match(first.out, new RegExp(`^3 files, .*\\nKept up to date by The Editor \\(process ${server.pid} on `));
      // What the editor has not noticed yet is waited for; it may look at the folder just before the command does.
      let said = '';
      for (let late = 1; late <= 6 && said === ''; late++) {
        workspace.write(`src/late${late}.ts`, `export function late${late}() {}\n`);
        const later = workspace.run('index', '--json');
        assert.equal(later.code, 0, later.err);
        const { files, filesRead, keptBy } = JSON.parse(later.out) as Record<string, unknown>;
        assert.deepEqual([files, filesRead, (keptBy as { pid: number }).pid], [3 + late, 0, server.pid]);
        said = later.err;
      }
      assert.match(said, /Waiting for The Editor .*: 1 path to go/);
      assert.match(workspace.run('status').out, /^Writer +The Editor \(process /m);
    });

    it('is not made anew meanwhile, and `--no-wait` does not wait: both say who has it', async () => {
      server = await startServer({ root: workspace.root, settings: { watch: 'off' } });
      await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
      for (const option of ['--force', '--no-wait']) {
        const { code, err } = workspace.run('index', option);
        assert.equal(code, 4, err);
        assert.match(
          err,
          new RegExp(`^error: The Editor \\(process ${server.pid} on .+\\) writes this index.*\\nhint: `),
        );
      }
    });

    it('is taken over when the editor is gone while it is waited for', async () => {
      server = await startServer({ root: workspace.root, settings: { watch: 'off' } });
      await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
      workspace.write('src/late.ts', 'export function late() {}\n');
      const child = workspace.start('index', '--json');
      let [out, err] = ['', ''];
      child.stdout!.on('data', (part: Buffer) => (out += part.toString()));
      child.stderr!.on('data', (part: Buffer) => (err += part.toString()));
      const ended = new Promise((resolve) => child.once('close', resolve));
      for (const end = Date.now() + 20_000; !err.includes('Waiting for'); await sleep(50))
        assert.ok(Date.now() < end, err);
      await server.kill();
      server = undefined;
      assert.equal(await ended, 0, err);
      const report = JSON.parse(out) as { files: number; added: number };
      assert.deepEqual([report.files, report.added], [4, 1]);
    });

    it('is embedded by `index --embed` beside it, into the cache that both share', async () => {
      server = await startServer({ root: workspace.root, env, settings: { watch: 'off' } });
      await server.connection.sendRequest('contextkit/pause', { paused: true });
      await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
      const { code, out, err } = workspace.runIn(env, 'index', '--embed', '--json');
      assert.equal(code, 0, err);
      const { vectors, keptBy } = JSON.parse(out) as { vectors: Record<string, unknown>; keptBy: { pid: number } };
      assert.deepEqual([vectors['state'], vectors['embedded'], keptBy.pid], ['ready', vectors['chunks'], server.pid]);
      await server.connection.sendRequest('contextkit/pause', { paused: false });
      const kept = await server.until(({ vectors: { state } }) => state === 'ready');
      assert.equal(kept.vectors.embedded, vectors['chunks']);
      const { models } = JSON.parse(workspace.runIn(env, 'cache', 'status', '--json').out) as {
        models: { vectors: number }[];
      };
      assert.deepEqual(
        models.map((model) => model.vectors),
        [vectors['chunks']],
        'a text was embedded twice',
      );
    });
  });
});
