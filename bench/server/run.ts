/**
 * The language server on a large repository, over its protocol: `npm run bench -- server --repo kafka=DIR --queries FILE
 * [--model DIR] [--json FILE]`. Indexes from nothing while it is asked, asks, saves, starts warm; watches its main loop
 * throughout. With a model the cache of vectors is filled with made up ones for all chunks, and the model embeds what the
 * product lets it: questions and saved files. Nothing is written into the repository: all of it happens in a copy.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf } from '../processTimes.ts';
import { percentile } from '../statistics.ts';
import { measureEach, report } from '../figures.ts';
import { filesAtTop, fillVectorCache } from './fillVectorCache.ts';
import { startServer, type LoopReport, type ServerProcess } from './serverProcess.ts';

interface Figures {
  repository: string;
  files: number;
  chunks: number;
  lines: number;
  /** From the start of the process. */
  firstAnswerMs: number;
  askedWhileIndexing: number;
  whileIndexingP50Ms: number;
  whileIndexingMaxMs: number;
  searchableMs: number;
  /** Until every chunk has its vector, from the start of the process; -1 without a model. */
  vectorsMs: number;
  /** Asked at once when everything is indexed. */
  firstWholeAnswerMs: number;
  /** In the first moments after that, while the links between files and the past are being read. */
  settlingP50Ms: number;
  settlingP95Ms: number;
  /** When nothing goes on beside. */
  selectP50Ms: number;
  selectP95Ms: number;
  saveP50Ms: number;
  saveP95Ms: number;
  loopBlockMs: number;
  loopBlockedOver50: number;
  loopDelayP99Ms: number;
  /** The longest: when, in milliseconds from the start of the process, and how long. */
  longestBlocks: string;
  warmAnswerMs: number;
  /** The first one with vectors; -1 without a model. */
  warmMeaningMs: number;
  warmLoopBlockMs: number;
  peakMb: number;
  warmPeakMb: number;
  /** Of the index, and of its vectors in the cache. */
  diskMb: number;
  cacheMb: number;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const saves = 30;
const turns = 3;
const betweenQuestionsMs = 400;

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const started = performance.now();
  const result = await work();
  return { ms: performance.now() - started, result };
}

/** What the thread itself worked, where the system tells: a machine that is busy with others is not a blocked loop. */
const blockMs = ({ blocks }: LoopReport): number => Math.max(0, ...blocks.map(({ ranMs, lateMs }) => ranMs ?? lateMs));

/** Asks over and over until everything is indexed. */
async function askWhileIndexing(server: ServerProcess, queries: readonly string[], started: number) {
  const times: number[] = [];
  let firstAnswerMs: number | null = null;
  for (let i = 0; ; i++) {
    const { ms, result } = await timed(() => server.select(queries[i % queries.length]!));
    if (result.ranges.length > 0) firstAnswerMs ??= performance.now() - started;
    if (firstAnswerMs !== null) times.push(ms);
    const { state, lastIndexedAt, problem } = await server.status();
    if (problem !== null) throw new Error(problem);
    if (state === 'ready' && lastIndexedAt !== null) break;
    await sleep(firstAnswerMs === null ? 50 : betweenQuestionsMs);
  }
  return { times, firstAnswerMs: firstAnswerMs ?? Infinity, searchableMs: performance.now() - started };
}

/** From opening a file to saving it, at least. */
const openMs = 500;

async function saveTimes(server: ServerProcess, root: string, files: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (const [i, file] of files.entries()) {
    const word = `zqx${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}qz`;
    const target = path.join(root, ...file.split('/'));
    // Nobody saves a file that was not open for a while.
    await server.attend([file]);
    await sleep(openMs);
    writeFileSync(target, `${readFileSync(target, 'utf8')}\n// ${word}\n`);
    const started = performance.now();
    await server.saved(file);
    for (;;) {
      const answer = await server.select(word);
      // With made up vectors it need not be the first.
      if (answer.ranges.some((range) => range.path === file && range.content.includes(word))) break;
      if (performance.now() - started > 20_000) throw new Error(`${file} was saved but is not found`);
    }
    times.push(performance.now() - started);
    await sleep(100);
  }
  return times;
}

let asks = 0;

async function askAll(server: ServerProcess, queries: readonly string[], hasVectors: boolean) {
  const times: number[] = [];
  const found = new Set<string>();
  for (let turn = 0; turn < turns; turn++) {
    // White space makes it another question to whoever remembers vectors of questions, and the same to all else.
    const space = ' '.repeat(++asks);
    for (const query of queries) {
      const { ms, result } = await timed(() => server.select(query + space));
      times.push(ms);
      if (hasVectors && !result.byMeaning) throw new Error('answered without vectors');
      for (const range of result.ranges) found.add(range.path);
    }
  }
  return { times, found };
}

/** Until it uses less than a twentieth of a core for two seconds. */
async function untilIdle(pid: number): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const before = cpuSecondsOf(pid);
    await sleep(1_000);
    quiet = cpuSecondsOf(pid) - before < 0.05 ? quiet + 1 : 0;
  }
}

async function untilReady(server: ServerProcess): Promise<void> {
  for (;;) {
    const { state, lastIndexedAt, problem } = await server.status();
    if (problem !== null) throw new Error(problem);
    if (state === 'ready' && lastIndexedAt !== null) return;
    await sleep(200);
  }
}

async function untilEmbedded(server: ServerProcess): Promise<void> {
  for (;;) {
    const { embedded, chunks, state, reason } = (await server.status()).vectors;
    if (state === 'failed' || state === 'no_model') throw new Error(`no vectors: ${reason ?? state}`);
    if (state === 'ready' && embedded === chunks) return;
    await sleep(50);
  }
}

/** The first answers after a start are by words: the vectors are still being looked up, which questions would slow down. */
async function untilByMeaning(server: ServerProcess, queries: readonly string[]): Promise<void> {
  await untilEmbedded(server);
  if (!(await server.select(queries[2 % queries.length]!)).byMeaning)
    throw new Error('no answer with vectors after a warm start');
}

const bytesBelow = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);

interface Places {
  root: string;
  indexDirectory: string;
  cacheDir: string;
}

/** A vector in the cache for each chunk that an index of the folder has. */
async function fillCache({ root, indexDirectory, cacheDir }: Places, modelDir: string): Promise<void> {
  const loopFile = path.join(cacheDir, '..', 'filling.json');
  const settings = { embeddings: 'off' };
  const server = await startServer({ root, indexDirectory, loopFile, settings });
  try {
    await untilReady(server);
    const { indexDir } = await server.status();
    await server.stop();
    await fillVectorCache({ root, indexDir, cacheDir, modelDir });
  } finally {
    server.kill();
  }
  rmSync(indexDirectory, { recursive: true });
}

async function measure(
  repository: string,
  source: string,
  queries: readonly string[],
  modelDir: string | undefined,
): Promise<Figures> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-bench-'));
  const root = path.join(scratch, 'copy');
  const indexDirectory = path.join(scratch, 'index');
  const cacheDir = path.join(scratch, 'cache');
  // Nothing of the user's, in particular no model unless it is named.
  const env = { CONTEXTKIT_CACHE_DIR: cacheDir, CONTEXTKIT_MODEL_DIR: modelDir ?? '' };
  cpSync(source, root, { recursive: true });
  mkdirSync(cacheDir);
  let server: ServerProcess | undefined;
  try {
    if (modelDir !== undefined) await fillCache({ root, indexDirectory, cacheDir }, modelDir);
    const attended = modelDir === undefined ? [] : filesAtTop(root);
    let started = performance.now();
    server = await startServer({ root, indexDirectory, env, attended, loopFile: path.join(scratch, 'cold.json') });
    const cold = await askWhileIndexing(server, queries, started);
    if (modelDir !== undefined) await untilEmbedded(server);
    const vectorsMs = modelDir === undefined ? -1 : performance.now() - started;
    const firstWhole = await timed(() => server!.select(queries[0]!));
    const { files, chunks, lines } = await server.status();
    const settling = await askAll(server, queries, modelDir !== undefined);
    await untilIdle(server.pid);
    const settled = await askAll(server, queries, modelDir !== undefined);
    const edits = [...settled.found]
      .filter((file) => /\.(java|scala|py|ts|js|go|rs|c|cc|h)$/.test(file))
      .slice(0, saves);
    const saved = await saveTimes(server, root, edits);
    const peakMb = server.peakMb();
    const loop = await server.stop();
    const diskMb = bytesBelow(indexDirectory) / 2 ** 20;
    const cacheMb = bytesBelow(cacheDir) / 2 ** 20;

    started = performance.now();
    server = await startServer({ root, indexDirectory, env, attended, loopFile: path.join(scratch, 'warm.json') });
    const warm = await server.select(queries[1 % queries.length]!);
    const warmAnswerMs = performance.now() - started;
    if (warm.ranges.length === 0) throw new Error('no answer after a warm start');
    if (modelDir !== undefined) await untilByMeaning(server, queries);
    const warmMeaningMs = modelDir === undefined ? -1 : performance.now() - started;
    await sleep(3_000);
    const warmPeakMb = server.peakMb();
    const warmLoop = await server.stop();
    return {
      repository,
      files,
      chunks,
      lines,
      firstAnswerMs: Math.round(cold.firstAnswerMs),
      askedWhileIndexing: cold.times.length,
      whileIndexingP50Ms: Math.round(percentile(cold.times, 0.5)),
      whileIndexingMaxMs: Math.round(Math.max(...cold.times)),
      searchableMs: Math.round(cold.searchableMs),
      vectorsMs: Math.round(vectorsMs),
      firstWholeAnswerMs: Math.round(firstWhole.ms),
      settlingP50Ms: round(percentile(settling.times, 0.5)),
      settlingP95Ms: round(percentile(settling.times, 0.95)),
      selectP50Ms: round(percentile(settled.times, 0.5)),
      selectP95Ms: round(percentile(settled.times, 0.95)),
      saveP50Ms: round(percentile(saved, 0.5)),
      saveP95Ms: round(percentile(saved, 0.95)),
      loopBlockMs: round(blockMs(loop)),
      loopBlockedOver50: loop.blocks.filter(({ ranMs, lateMs }) => (ranMs ?? lateMs) > 50).length,
      loopDelayP99Ms: round(loop.p99DelayMs),
      longestBlocks: loop.blocks
        .slice(0, 6)
        .map(({ atMs, ranMs, lateMs }) => `${Math.round(atMs)}:${Math.round(ranMs ?? lateMs)}`)
        .join(' '),
      warmAnswerMs: Math.round(warmAnswerMs),
      warmMeaningMs: Math.round(warmMeaningMs),
      warmLoopBlockMs: round(blockMs(warmLoop)),
      peakMb: Math.round(peakMb),
      warmPeakMb: Math.round(warmPeakMb),
      diskMb: round(diskMb),
      cacheMb: round(cacheMb),
    };
  } finally {
    server?.kill();
    rmSync(scratch, { recursive: true, force: true });
  }
}

export async function server(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      repo: { type: 'string', multiple: true },
      queries: { type: 'string' },
      model: { type: 'string' },
      json: { type: 'string' },
    },
  });
  if (values.repo === undefined || values.queries === undefined)
    throw new Error('name a repository and its questions: --repo NAME=DIR --queries FILE');
  const queries = readFileSync(values.queries, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => (JSON.parse(line) as { query: string }).query);
  const modelDir = values.model === undefined ? undefined : path.resolve(values.model);
  report(await measureEach(values.repo, (name, dir) => measure(name, dir, queries, modelDir)), values.json);
}
