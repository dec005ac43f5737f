import assert from 'node:assert/strict';
import { assertFresh, type AnsweredRange } from './freshRanges.ts';
import { startServer } from './serverProcess.ts';
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
});
