/**
 * `kill -9` while embedding. CONTEXTKIT_KILLS says how often (default 3), CONTEXTKIT_SEED which moments.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { cli, makeWorkspace, type Workspace } from './workspace.ts';

const kills = Number(process.env['CONTEXTKIT_KILLS'] ?? 3);
const seed = Number(process.env['CONTEXTKIT_SEED'] ?? 1);
const files = 60;

describe(`kill -9 while embedding, ${kills} times`, function () {
  this.timeout(90_000);
  let state = seed;
  let workspace: Workspace;
  let scratch: string;
  let env: NodeJS.ProcessEnv;

  /** Below `most`, from the seed (a linear congruential generator: the moments need not be good randomness). */
  const below = (most: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };

  function start(...args: string[]): {
    child: ChildProcess;
    ended: Promise<{ code: number | null; out: string; err: string }>;
  } {
    const child = spawn(process.execPath, [cli, ...args], { cwd: workspace.root, env });
    let [out, err] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr.on('data', (part: Buffer) => (err += part.toString()));
    const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, out, err })),
    );
    return { child, ended };
  }

  async function run<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await start(...args, '--json').ended;
    assert.equal(code, 0, out + err);
    return JSON.parse(out) as T;
  }

  const kept = async (): Promise<number> =>
    (await run<{ models: { vectors: number }[] }>('cache', 'status')).models.reduce(
      (sum, { vectors }) => sum + vectors,
      0,
    );

  /** The processes that the command has started. */
  const childrenOf = (pid: number): number[] =>
    readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );

  const isGone = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.startsWith('Z');
    } catch (error) {
      assert.ok(['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? ''), String(error));
      return true;
    }
  };

  before(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-kill-'));
    const model = path.join(scratch, 'model');
    writeSmallModel(model, { work: 12, config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 16 } });
    env = { ...process.env, NO_COLOR: '1', CONTEXTKIT_MODEL_DIR: model };
    workspace = makeWorkspace();
    for (let i = 0; i < files; i++) {
      const body = Array.from({ length: 40 }, (_, line) => `  const crop${line} = sow(field${i}, ${line});`).join('\n');
      workspace.write(`src/f${i}.ts`, `export function harvest${i}(): void {\n${body}\n}\n`);
    }
  });
  after(() => {
    workspace.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  for (let i = 0; i < kills; i++) {
    const killsChild = i % 3 === 2 && process.platform === 'linux';
    it(`${i + 1}: ${killsChild ? 'a process that embeds' : 'the command'}: what is kept is not computed again`, async () => {
      env['CONTEXTKIT_CACHE_DIR'] = path.join(scratch, `cache${i}`);
      const { child, ended } = start('index', '--embed');
      await sleep(500 + below(900));
      // The command may be done already.
      const children = process.platform === 'linux' && child.exitCode === null ? childrenOf(child.pid!) : [];
      if (killsChild) for (const pid of children.slice(0, 1)) process.kill(pid, 'SIGKILL');
      else child.kill('SIGKILL');
      const { code, err } = await ended;
      if (killsChild) assert.equal(code, 0, err);
      const before = await kept();
      const { vectors } = await run<{ vectors: { state: string; embedded: number; chunks: number } }>(
        'index',
        '--embed',
      );
      assert.equal(vectors.state, 'ready');
      assert.ok(vectors.chunks >= files && vectors.embedded === vectors.chunks);
      assert.ok(before <= vectors.chunks);
      // Each text is another one: a vector that was made twice would be there twice.
      assert.equal(await kept(), vectors.chunks);
      for (const end = Date.now() + 5_000; !children.every(isGone); await sleep(20))
        assert.ok(Date.now() < end, 'processes of a killed command go on');
    });
  }

  it('while the model is being changed: the one before answers, and the change goes on', async () => {
    env['CONTEXTKIT_CACHE_DIR'] = path.join(scratch, 'changed');
    type Status = { vectors: { state: string; answering: string | null; embedded: number; chunks: number } };
    const { vectors: before } = await run<Status>('index', '--embed');
    const next = path.join(scratch, 'next');
    writeSmallModel(next, {
      dimensions: 32,
      work: 12,
      config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 32 },
    });
    env['CONTEXTKIT_MODEL_DIR'] = next;
    const changed = async (): Promise<number> => (await kept()) - before.chunks;
    // On a busy machine it takes longer until it has embedded something.
    for (let patience = 700; (await changed()) === 0; patience += 300) {
      assert.ok(patience < 5_000);
      const { child, ended } = start('index', '--embed');
      await sleep(patience + below(500));
      child.kill('SIGKILL');
      await ended;
    }
    const done = await changed();
    const { vectors: between } = await run<Status>('status');
    if (done < before.chunks) assert.deepEqual([between.answering, between.embedded], ['model', done]);
    const answer = await run<{ metadata: { byMeaning: boolean } }>('select', 'harvest the crop');
    assert.equal(answer.metadata.byMeaning, true);
    const { vectors: after } = await run<Status>('index', '--embed');
    assert.deepEqual([after.state, after.answering, after.embedded], ['ready', null, before.chunks]);
    assert.equal(await changed(), before.chunks, 'no text was embedded twice');
  });
});
