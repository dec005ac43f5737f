/**
 * `npm run bench -- embedding --model DIR [--root REPO] [--chunks 96] [--turns 3] [--text model|code] [--json FILE]`:
 * chunks per CPU-second of the product beside transformers.js, on the same model and the same chunks, by turns.
 *
 * All processes are held on one core where `taskset` is there, so that the peer computes in one thread as the product
 * does: its own setting waits for its threads by spinning, which would only make it look worse.
 */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createEmbedPool } from '../../server/embedding/index.ts';
import type { Embedder } from '../../server/embedding/types.ts';
import { assetsDir } from '../../server/engine/assets.ts';
import { findModel } from '../../server/engine/models.ts';
import { median, percentile, table } from '../statistics.ts';
import { chunkTexts, sampleOf, type TextKind } from './chunks.ts';
import type { PeerAnswer, PeerTask } from './peerProcess.ts';

interface OwnTurn {
  /** Of the embedding process, all that it did. */
  cpuMs: number;
  /** Of this process, which hands out the texts. */
  parentCpuMs: number;
  modelCpuMs: number;
  modelMs: number;
  wallMs: number;
  tokens: number;
}

/** Holds this process, and those that it starts, on one core; false where that cannot be done. */
function holdOnOneCore(): boolean {
  const core = String(availableParallelism() - 1);
  return spawnSync('taskset', ['-a', '-p', '-c', core, String(process.pid)], { stdio: 'ignore' }).status === 0;
}

async function startPeer(dir: string): Promise<ChildProcess> {
  const child = fork(path.join(import.meta.dirname, 'peerProcess.ts'), [dir], { execArgv: ['--import', 'tsx'] });
  await once(child, 'message');
  return child;
}

async function askPeer(peer: ChildProcess, task: PeerTask): Promise<PeerAnswer> {
  peer.send(task);
  const [answer] = (await once(peer, 'message')) as [PeerAnswer];
  return answer;
}

async function ownTurn(pool: Embedder, runs: OwnTurn, texts: readonly string[]): Promise<OwnTurn> {
  Object.assign(runs, { cpuMs: 0, modelCpuMs: 0, modelMs: 0, tokens: 0 });
  const cpu = process.cpuUsage();
  const started = performance.now();
  const results = await pool.embed(texts, { kind: 'text', priority: 2 });
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const failed = results.find((result) => 'failure' in result);
  if (failed !== undefined) throw new Error(failed.failure);
  return { ...runs, parentCpuMs: (user + system) / 1000, wallMs };
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

export async function embedding(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      model: { type: 'string' },
      root: { type: 'string', default: path.resolve(import.meta.dirname, '../..') },
      chunks: { type: 'string', default: '96' },
      turns: { type: 'string', default: '3' },
      text: { type: 'string', default: 'model' },
      json: { type: 'string' },
    },
  });
  if (values.model === undefined) throw new Error('name the folder of a model: --model DIR');
  const directory = path.resolve(values.model);
  const found = await findModel({ directory });
  if (found.state !== 'ready') throw new Error(`${found.reason} ${found.nextStep}`);
  if (found.model.spec.pooling !== 'mean')
    throw new Error('the peer is asked for the mean; the model wants another pooling');
  const texts = sampleOf(await chunkTexts(path.resolve(values.root), values.text as TextKind), Number(values.chunks));

  const oneCore = holdOnOneCore();
  const runs: OwnTurn = { cpuMs: 0, parentCpuMs: 0, modelCpuMs: 0, modelMs: 0, wallMs: 0, tokens: 0 };
  const pool = createEmbedPool({
    model: found.model,
    assetsDir,
    processes: 1,
    log: () => undefined,
    onRun({ cpuMs, modelCpuMs, modelMs, tokens }) {
      runs.cpuMs += cpuMs;
      runs.modelCpuMs += modelCpuMs;
      runs.modelMs += modelMs;
      runs.tokens += tokens;
    },
  });
  const peer = await startPeer(directory);
  const turns: { own: OwnTurn; alone: PeerAnswer; batched: PeerAnswer }[] = [];
  try {
    // Both have compiled what they need, and grown to their size, when the measuring begins.
    await ownTurn(pool, runs, texts);
    await askPeer(peer, { texts, batch: 1 });
    for (let turn = 0; turn < Number(values.turns); turn++) {
      turns.push({
        own: await ownTurn(pool, runs, texts),
        alone: await askPeer(peer, { texts, batch: 1 }),
        batched: await askPeer(peer, { texts, batch: 16 }),
      });
    }
  } finally {
    peer.disconnect();
    await pool.close();
  }
  report(turns, texts, oneCore, values.json);
}

function report(
  turns: readonly { own: OwnTurn; alone: PeerAnswer; batched: PeerAnswer }[],
  texts: readonly string[],
  oneCore: boolean,
  json: string | undefined,
): void {
  const perSecond = (cpuMs: number): number => texts.length / (cpuMs / 1000);
  const of = (pick: (turn: (typeof turns)[number]) => number, digits = 2): number =>
    round(median(turns.map(pick)), digits);
  const whole = ({ cpuMs, parentCpuMs }: OwnTurn): number => cpuMs + parentCpuMs;
  const figures = {
    chunks: texts.length,
    tokens: turns[0]!.own.tokens,
    medianCharacters: percentile(
      texts.map(({ length }) => length),
      0.5,
    ),
    onOneCore: oneCore,
    chunksPerCpuSecond: of(({ own }) => perSecond(whole(own))),
    peerAlone: of(({ alone }) => perSecond(alone.cpuMs)),
    peerBatchOf16: of(({ batched }) => perSecond(batched.cpuMs)),
    timesPeerAlone: of(({ own, alone }) => alone.cpuMs / whole(own)),
    timesPeerBatchOf16: of(({ own, batched }) => batched.cpuMs / whole(own)),
    cpuInsideModel: of(({ own }) => own.modelCpuMs / whole(own), 3),
    timeInsideModel: of(({ own }) => own.modelMs / own.wallMs, 3),
  };
  console.log(
    table(
      ['figure', 'value'],
      Object.entries(figures).map(([name, value]) => [name, String(value)]),
    ),
  );
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
}
