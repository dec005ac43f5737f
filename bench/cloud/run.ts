/**
 * The platform as a server of its own under load: `npm run bench -- cloud --repo NAME=DIR [--stack embedded|selfhosted]
 * [--lines 300000] [--chunks 50000] [--connections 32] [--seconds 20] [--gzip] [--cpu-prof DIR] [--json FILE]`.
 * Syncs a part of the repository with so many lines, then one with so many chunks, and asks about that.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { percentile, table } from '../statistics.ts';
import { startEmbeddings } from './embeddingServer.ts';
import type { LoadResult, LoadTask } from './loadProcess.ts';
import { startPlatform, type Platform, type StackName } from './platform.ts';
import { partOf, questionsOf, readRepository, type Repository } from './repository.ts';
import { syncRepository } from './sync.ts';
import { dimensions } from './syntheticVectors.ts';

const model = `text-embedding-3-small/${dimensions}`;
const questionCount = 300;
/** What a server has by default. */
const contextThreads = Math.min(4, availableParallelism());

/** What is asked of each stack. */
const goals = {
  embedded: { selectP95Ms: 400, selectsPerSecond: 25, syncSeconds: 90 },
  selfhosted: { selectP95Ms: 150, selectsPerSecond: 100, syncSeconds: 60 },
} as const;
const askedRepeatMs = 100;
const askedOverheadMs = 3;

interface Options {
  connections: number;
  seconds: number;
  lines: number;
  chunks: number;
  gzip: boolean;
  profiles: string | undefined;
}

interface Figure {
  figure: string;
  measured: string;
  asked?: string;
}

const round = (value: number): string => (Math.round(value * 10) / 10).toString();

interface Load {
  ask(task: Omit<LoadTask, 'address' | 'key'>): Promise<LoadResult & { serverCpu: number; servicesCpu: number }>;
  close(): void;
}

async function startLoad(platform: Platform): Promise<Load> {
  const child: ChildProcess = fork(path.join(import.meta.dirname, 'loadProcess.ts'), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  await once(child, 'message');
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the load generator has ended')));
  ended.catch(() => undefined); // it is looked at while something is asked
  return {
    async ask(task) {
      const before = platform.cpuSeconds();
      const answered = once(child, 'message');
      child.send({ ...task, address: platform.address, key: platform.key } satisfies LoadTask);
      const [result] = (await Promise.race([answered, ended])) as [LoadResult];
      const after = platform.cpuSeconds();
      const [fault] = Object.entries(result.faults);
      if (fault !== undefined) throw new Error(`${fault[1].count} replies with ${fault[0]}: ${fault[1].first}`);
      return {
        ...result,
        serverCpu: after.server - before.server,
        servicesCpu: after.services - before.services,
      };
    },
    close: () => child.disconnect(),
  };
}

/** Each budget is a question of its own to the cache of answers, and as much work. */
function selects(projectId: string, questions: readonly string[], budgets: number, first = 0): LoadTask['requests'] {
  return Array.from({ length: budgets }, (_, at) => 8_000 - first - at).flatMap((budget) =>
    questions.map((query) => ({
      path: '/v1/context/select',
      body: JSON.stringify({ project_id: projectId, query, budget }),
    })),
  );
}

function figuresOf(name: string, result: Awaited<ReturnType<Load['ask']>>): Figure[] {
  const { times, seconds, serverCpu, servicesCpu, cpuSeconds, bytes } = result;
  const each = (cpu: number): string => round((cpu * 1000) / times.length);
  return [
    {
      figure: `${name}: p50 / p95 / p99 (ms)`,
      measured: [0.5, 0.95, 0.99].map((share) => round(percentile(times, share))).join(' / '),
    },
    { figure: `${name}: requests/s`, measured: round(times.length / seconds) },
    { figure: `${name}: requests, kB each`, measured: `${times.length}, ${round(bytes / times.length / 1000)}` },
    {
      figure: `${name}: CPU ms a request (server / services / load)`,
      measured: [serverCpu, servicesCpu, cpuSeconds].map(each).join(' / '),
    },
  ];
}

/**
 * What stands before each answer: by turns, requests without a key, requests with one that need nothing else, and
 * requests that read one row of their organization.
 */
async function overhead(load: Load, jobId: string): Promise<Figure[]> {
  const turns = 10;
  const perTurn = 100;
  const paths = ['/healthz', '/v1/me', `/v1/index/status/${jobId}`];
  const times = new Map<string, number[]>(paths.map((each) => [each, []]));
  for (let turn = 0; turn < turns; turn++)
    for (const each of paths) {
      const task = { method: 'GET', requests: [{ path: each }], connections: 1, count: perTurn, seconds: 60 } as const;
      times.get(each)!.push(...(await load.ask(task)).times);
    }
  const [bare, me, row] = paths.map((each) => percentile(times.get(each)!, 0.95)) as [number, number, number];
  return [
    { figure: '/healthz, /v1/me, a job: p95, one connection (ms)', measured: [bare, me, row].map(round).join(' / ') },
    { figure: 'authentication and limits: p95 (ms)', measured: round(me - bare) },
    {
      figure: 'authentication, limits, a row under RLS: p95 (ms)',
      measured: round(row - bare),
      asked: `< ${askedOverheadMs}`,
    },
  ];
}

/** Asks on until every thread that answers has the project in memory; seconds. */
async function untilOpen(
  platform: Platform,
  load: Load,
  projectId: string,
  questions: readonly string[],
): Promise<string> {
  const started = performance.now();
  const task = { method: 'POST', connections: 32, count: Infinity, seconds: 2 } as const;
  for (let turn = 0; platform.openings() < contextThreads && turn < 60; turn++)
    await load.ask({ ...task, requests: selects(projectId, questions, 1, 2_000 + turn) });
  return round((performance.now() - started) / 1000);
}

/** Seconds until the project's vectors are in memory; words answer meanwhile. */
async function untilVectors(platform: Platform, started: number): Promise<string> {
  while (platform.openings() === 0) await sleep(50);
  return round((performance.now() - started) / 1000);
}

async function createProject({ address, key }: Platform, name: string): Promise<string> {
  const reply = await fetch(`${address}/v1/projects`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (!reply.ok) throw new Error(`no project: ${reply.status} ${await reply.text()}`);
  return ((await reply.json()) as { id: string }).id;
}

const sizeOf = ({ files, lines, chunks }: Repository): string =>
  `${files.length} files, ${lines} lines, ${chunks} chunks`;

async function syncFigures(name: string, platform: Platform, part: Repository, askedSeconds?: number) {
  const projectId = await createProject(platform, name);
  const before = platform.cpuSeconds();
  const times = await syncRepository(platform, projectId, part, model);
  const after = platform.cpuSeconds();
  const inSeconds = (ms: number): string => round(ms / 1000);
  const figures: Figure[] = [
    { figure: `${name}: size`, measured: sizeOf(part) },
    {
      figure: `${name}: sync (s)`,
      measured: inSeconds(times.ms),
      ...(askedSeconds === undefined ? {} : { asked: `≤ ${askedSeconds}` }),
    },
    {
      figure: `${name}: diff / texts / vectors / job (s)`,
      measured: [times.diffMs, times.contentsMs, times.vectorsMs, times.jobMs].map(inSeconds).join(' / '),
    },
    { figure: `${name}: requests`, measured: String(times.requests) },
    {
      figure: `${name}: CPU s (server / services)`,
      measured: `${round(after.server - before.server)} / ${round(after.services - before.services)}`,
    },
    {
      figure: `${name}: repeat, p50 / most (ms)`,
      measured: `${round(percentile(times.repeatMs, 0.5))} / ${round(Math.max(...times.repeatMs))}`,
      asked: `< ${askedRepeatMs}`,
    },
  ];
  return { projectId, figures, jobId: times.jobId };
}

async function measure(stack: StackName, repository: Repository, options: Options): Promise<Figure[]> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-cloud-bench-'));
  const embeddings = await startEmbeddings();
  const execArgv =
    options.profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(options.profiles, stack)}`];
  const platform = await startPlatform({ stack, scratch, embeddings: embeddings.baseUrl, execArgv });
  const load = await startLoad(platform);
  const { connections, seconds, gzip } = options;
  const figures: Figure[] = [{ figure: 'runs on', measured: platform.services }];
  const goal = goals[stack];
  try {
    const small = partOf(repository, ({ lines }) => lines, options.lines);
    const synced = await syncFigures('lines', platform, small, goal.syncSeconds);
    figures.push(...synced.figures);
    const large = partOf(repository, ({ digests }) => digests.length, options.chunks);
    const { projectId, jobId, figures: largeFigures } = await syncFigures('chunks', platform, large);
    figures.push(...largeFigures);

    const questions = questionsOf(large, questionCount);
    const post = { method: 'POST', connections, gzip } as const;
    const started = performance.now();
    const opening = await load.ask({
      ...post,
      connections: 1,
      requests: selects(projectId, [questions[0]!], 1, 100),
      count: 1,
      seconds: 600,
    });
    figures.push({
      figure: 'first answer by words, the index is opened (s, CPU s of the server)',
      measured: `${round(opening.times[0]! / 1000)}, ${round(opening.serverCpu)}`,
    });
    figures.push({ figure: 'its vectors are read after (s)', measured: await untilVectors(platform, started) });
    const first = await load.ask({
      ...post,
      requests: selects(projectId, questions, 1),
      count: questions.length,
      seconds: 600,
    });
    figures.push(...figuresOf('questions never asked before', first));
    figures.push({
      figure: 'all threads have it open after (s)',
      measured: await untilOpen(platform, load, projectId, questions),
    });
    const budgets = Math.ceil((seconds * 400) / questions.length);
    const rate = goal.selectsPerSecond;
    // Both threads are warm after that, as those of a server that has run for a while.
    const fresh = await load.ask({
      ...post,
      requests: selects(projectId, questions, budgets, 1),
      count: Infinity,
      seconds,
    });
    if (fresh.cached > 0) throw new Error(`${fresh.cached} answers came from the cache`);
    const [times, perSecond, ...rest] = figuresOf('select, as many as go', fresh) as [Figure, Figure, ...Figure[]];
    figures.push(times, { ...perSecond, asked: `≥ ${rate}` }, ...rest);
    const paced = await load.ask({
      ...post,
      requests: selects(projectId, questions, budgets, 1_001),
      count: Infinity,
      seconds,
      perSecond: rate,
    });
    if (paced.cached > 0) throw new Error(`${paced.cached} answers came from the cache`);
    const [pacedTimes, ...ofPaced] = figuresOf(`select, ${rate} a second`, paced) as [Figure, ...Figure[]];
    figures.push({ ...pacedTimes, asked: `p95 < ${goal.selectP95Ms}` }, ...ofPaced);
    const known = selects(projectId, questions.slice(0, 50), 1);
    await load.ask({ ...post, requests: known, count: known.length, seconds: 60 });
    const again = await load.ask({ ...post, requests: known, count: Infinity, seconds: 5 });
    figures.push(...figuresOf('the same questions again', again));
    figures.push({ figure: 'of them answered from the cache', measured: `${again.cached} of ${again.times.length}` });
    figures.push(...(await overhead(load, jobId)));
    figures.push({ figure: 'memory of the server, peak (MB)', measured: round(platform.peakMb()) });
  } finally {
    load.close();
    await platform.stop();
    embeddings.close();
    rmSync(scratch, { recursive: true, force: true });
  }
  return figures;
}

export async function cloud(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      stack: { type: 'string', multiple: true, default: ['embedded', 'selfhosted'] },
      repo: { type: 'string' },
      lines: { type: 'string', default: '300000' },
      chunks: { type: 'string', default: '50000' },
      connections: { type: 'string', default: '32' },
      seconds: { type: 'string', default: '20' },
      gzip: { type: 'boolean', default: false },
      'cpu-prof': { type: 'string' },
      json: { type: 'string' },
    },
  });
  const [, dir] = values.repo?.split('=') ?? [];
  if (dir === undefined) throw new Error('name a repository: --repo NAME=DIR');
  const repository = await readRepository(path.resolve(dir));
  console.log(sizeOf(repository));
  const results: Record<string, Figure[]> = {};
  for (const stack of values.stack) {
    if (stack !== 'embedded' && stack !== 'selfhosted') throw new Error(`--stack ${stack}: embedded or selfhosted`);
    const figures = await measure(stack, repository, {
      connections: Number(values.connections),
      seconds: Number(values.seconds),
      lines: Number(values.lines),
      chunks: Number(values.chunks),
      gzip: values.gzip,
      profiles: values['cpu-prof'],
    });
    results[stack] = figures;
    console.log(`\n${stack}\n`);
    console.log(
      table(
        ['figure', 'measured', 'asked'],
        figures.map((each) => [each.figure, each.measured, each.asked ?? '']),
      ),
    );
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
