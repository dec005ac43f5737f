/**
 * `kill -9` at random moments. CONTEXTKIT_KILLS says how often (default 6), CONTEXTKIT_SEED which moments.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertFresh, type AnsweredRange } from './freshRanges.ts';
import { startServer } from './serverProcess.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

const kills = Number(process.env['CONTEXTKIT_KILLS'] ?? 6);
const seed = Number(process.env['CONTEXTKIT_SEED'] ?? 1);
const files = 250;

/** Mulberry32: the same seed, the same moments. */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe(`kill -9, ${kills} times`, function () {
  this.timeout(30_000 + kills * 10_000);
  const random = randomFrom(seed);
  const below = (most: number): number => Math.floor(random() * most);
  let workspace: Workspace;
  let version = 0;

  const sourceOf = (name: string): string => {
    version++;
    const functions = Array.from(
      { length: 4 + below(12) },
      (_, i) =>
        `/** Step ${i} of ${name}. */\nexport function harvest${i}(crop: number): number {\n  return crop * ${version} + ${i};\n}\n`,
    );
    return `import { harvest0 } from './f${below(files)}';\n\n${functions.join('\n')}\nharvest0(${version});\n`;
  };

  /** What a person or a checkout does between two runs: edits, new files, files that go or move. */
  function changeFiles(): void {
    const names = readdirSync(path.join(workspace.root, 'src'));
    for (let i = 0; i < 60; i++) {
      const name = names[below(names.length)]!;
      const file = path.join(workspace.root, 'src', name);
      const what = below(10);
      if (what < 7 || !names.includes(name)) workspace.write(`src/${name}`, sourceOf(name));
      else if (what === 7) rmSync(file, { force: true });
      else if (what === 8) workspace.write(`src/n${version}.ts`, sourceOf(`n${version}`));
      else if (readdirSync(path.dirname(file)).includes(name))
        renameSync(file, file.replace(/\.ts$/, `x${version}.ts`));
    }
  }

  const temporaries = (): string[] =>
    readdirSync(path.join(workspace.root, '.contextkit'), { recursive: true })
      .map(String)
      .filter((name) => /\.tmp$|\.stale$|damaged/.test(name));

  async function killCli(): Promise<void> {
    const child = workspace.start('index');
    const closed = new Promise((resolve) => child.once('close', resolve));
    await sleep(40 + below(900));
    child.kill('SIGKILL');
    await closed;
  }

  async function killServer(): Promise<void> {
    const server = await startServer({ root: workspace.root });
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const { ranges } = await server.select('harvest a crop');
        if (ranges.length > 0) assertFresh(workspace.root, ranges);
        await sleep(20);
      }
    })();
    // In the middle of an answer as well, which then never comes.
    await Promise.race([asking, sleep(below(1200))]);
    isOver = true;
    await server.kill();
  }

  /** Programs that the server has started, such as git; threads are no processes and die with it. */
  const childrenOf = (pid: number): number[] =>
    readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );

  /** The server goes on without what it started. */
  async function killChildren(): Promise<void> {
    const server = await startServer({ root: workspace.root });
    for (const end = Date.now() + 200 + below(600); Date.now() < end; await sleep(3)) {
      for (const pid of childrenOf(server.pid)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
        }
      }
    }
    await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
    assertFresh(workspace.root, (await server.select('harvest a crop')).ranges);
    await (random() < 0.5 ? server.kill() : server.stop());
  }

  before(() => {
    workspace = makeWorkspace();
    rmSync(path.join(workspace.root, '.git'), { recursive: true });
    for (let i = 0; i < files; i++) workspace.write(`src/f${i}.ts`, sourceOf(`f${i}`));
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        cwd: workspace.root,
        stdio: 'ignore',
      });
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'All fields');
  });
  after(() => workspace.remove());

  const ways = [killCli, killServer, ...(process.platform === 'linux' ? [killChildren] : []), killServer];
  for (let i = 0; i < kills; i++) {
    const kill = ways[i % ways.length]!;
    it(`${i + 1}: ${kill.name}: the index opens, answers with what is on disk, and leaves nothing behind`, async () => {
      changeFiles();
      await kill();
      // Answers without bringing anything up to date: what was saved last, each range checked.
      changeFiles();
      const asItWas = workspace.run('select', 'harvest a crop', '--json', '--no-index');
      // Killed before the first checkpoint there is nothing to answer from.
      if (existsSync(path.join(workspace.root, '.contextkit', 'index.db'))) {
        assert.equal(asItWas.code, 0, asItWas.err);
        assertFresh(workspace.root, (JSON.parse(asItWas.out) as { chunks: AnsweredRange[] }).chunks);
      }
      const { code, out, err } = workspace.run('select', 'harvest a crop', '--json');
      assert.equal(code, 0, err);
      assertFresh(workspace.root, (JSON.parse(out) as { chunks: AnsweredRange[] }).chunks);
      const status = JSON.parse(workspace.run('status', '--json').out) as { repairs: string[]; files: number };
      assert.deepEqual(status.repairs, []);
      assert.equal(status.files, readdirSync(path.join(workspace.root, 'src')).length);
      assert.deepEqual(temporaries(), []);
    });
  }
});
