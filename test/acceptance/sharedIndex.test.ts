import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startServer } from './serverProcess.ts';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

interface Range {
  path: string;
  startLine: number;
  endLine: number;
  content: string;
}

describe('One index and several processes', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  beforeEach(() => (workspace = makeWorkspace(sample)));
  afterEach(() => workspace.remove());

  function ask(...args: string[]): Promise<{ code: number | null; ranges: Range[]; err: string }> {
    return new Promise((resolve, reject) => {
      const child = workspace.start('select', 'harvest a crop', '--json', ...args);
      let [out, err] = ['', ''];
      child.stdout!.on('data', (part: Buffer) => (out += String(part)));
      child.stderr!.on('data', (part: Buffer) => (err += String(part)));
      child.once('error', reject);
      child.once('close', (code) =>
        resolve({ code, err, ranges: out === '' ? [] : (JSON.parse(out) as { chunks: Range[] }).chunks }),
      );
    });
  }

  function assertFresh(ranges: readonly Range[]): void {
    assert.ok(ranges.length > 0);
    for (const { path: file, startLine, endLine, content } of ranges) {
      const lines = readFileSync(path.join(workspace.root, file), 'utf8').split('\n');
      assert.equal(
        content.trimEnd(),
        lines
          .slice(startLine - 1, endLine)
          .join('\n')
          .trimEnd(),
        `${file}:${startLine}`,
      );
    }
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
      for (const ranges of [first.ranges, second.ranges, third.ranges, own.ranges]) assertFresh(ranges);
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
