/**
 * Speed and memory on real repositories: `npm run bench -- speed --repo hugo=DIR [--repo hono=DIR] [--queries FILE] [--json FILE]`.
 * Nothing is written into the repositories; edits are made in a copy.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine, type Engine } from '../server/engine/index.ts';
import { runChild } from './childRun.ts';
import { parseOnOneThread } from './parseBaseline.ts';
import { percentile } from './statistics.ts';
import { measureEach, report } from './figures.ts';

const cli = path.resolve(import.meta.dirname, '../dist/cli.cjs');
const turns = 5;
const defaultQueries = [
  'where are command line flags parsed',
  'how are routes matched',
  'read the configuration file',
  'cache invalidation',
  'render a template to a string',
  'handle an error and write the response',
  'escape html',
  'watch files for changes',
];

interface Figures {
  repository: string;
  files: number;
  lines: number;
  coldFirstAnswerMs: number;
  coldPeakMb: number | null;
  indexMs: number;
  parseOneThreadMs: number;
  indexOverParse: number;
  warmFirstAnswerMs: number;
  warmPeakMb: number | null;
  rankP50Ms: number;
  rankP95Ms: number;
  selectP95Ms: number;
  saveToSearchableP50Ms: number;
  saveToSearchableP95Ms: number;
  diskMb: number;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function readQueries(file: string | undefined): string[] {
  if (file === undefined) return defaultQueries;
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line) => (JSON.parse(line) as { query: string }).query);
}

async function timed<T>(work: () => Promise<T>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function queryTimes(engine: Engine, queries: readonly string[]) {
  const rank: number[] = [];
  const select: number[] = [];
  for (const query of queries.slice(0, 5)) await engine.select({ query });
  for (const query of queries) rank.push(await timed(() => engine.rank(query, { limit: 50 })));
  for (const query of queries.slice(0, 60)) select.push(await timed(() => engine.select({ query })));
  return { rank, select };
}

/** Adds a word nobody uses to a file, tells the engine, and asks for the word. */
async function saveTimes(engine: Engine, root: string, paths: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (const [i, file] of paths.entries()) {
    // One part: a word of several parts would share them with the files edited before.
    const word = `zqx${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}qz`;
    const target = path.join(root, file);
    writeFileSync(target, `${readFileSync(target, 'utf8')}\n// ${word}\n`);
    const started = performance.now();
    await engine.update([file]);
    const found = await engine.rank(word, { limit: 1 });
    times.push(performance.now() - started);
    if (found[0]?.path !== file) throw new Error(`${file} was saved but is not found`);
  }
  return times;
}

/** Fifty source files spread over the ranking of the queries. */
async function filesToEdit(engine: Engine, queries: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const query of queries) for (const range of await engine.rank(query, { limit: 20 })) found.add(range.path);
  return [...found].sort().slice(0, 50);
}

/** Whole indexes and parses by turns, so that both meet the same neighbours on the machine; the medians. */
async function indexBesideParse(root: string, scratch: string): Promise<{ indexMs: number; parseMs: number }> {
  const index: number[] = [];
  const parse: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const engine = await openEngine({ root, indexDir: path.join(scratch, `index-${turn}`) });
    index.push((await engine.index()).durationMs);
    await engine.close();
    parse.push(await parseOnOneThread(root));
  }
  return { indexMs: percentile(index, 0.5), parseMs: percentile(parse, 0.5) };
}

async function measure(repository: string, root: string, queries: readonly string[]): Promise<Figures> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-bench-'));
  const indexDir = path.join(scratch, 'index');
  try {
    const select = ['select', queries[0]!, '--root', root, '--index-dir', indexDir];
    const cold = await runChild(cli, select);
    const warmMs: number[] = [];
    let warm = cold;
    for (let turn = 0; turn < turns; turn++) {
      warm = await runChild(cli, select);
      warmMs.push(warm.wallMs);
    }

    const copy = path.join(scratch, 'copy');
    cpSync(root, copy, { recursive: true });
    const { indexMs, parseMs } = await indexBesideParse(copy, scratch);
    const engine = await openEngine({ root: copy, indexDir: path.join(scratch, 'index-0') });
    await engine.index();
    const status = await engine.status();
    const times = await queryTimes(engine, queries);
    const saves = await saveTimes(engine, copy, await filesToEdit(engine, queries));
    await engine.close();
    return {
      repository,
      files: status.files,
      lines: status.lines,
      coldFirstAnswerMs: Math.round(cold.wallMs),
      coldPeakMb: cold.peakMb === null ? null : Math.round(cold.peakMb),
      indexMs: Math.round(indexMs),
      parseOneThreadMs: Math.round(parseMs),
      indexOverParse: round(indexMs / parseMs),
      warmFirstAnswerMs: Math.round(percentile(warmMs, 0.5)),
      warmPeakMb: warm.peakMb === null ? null : Math.round(warm.peakMb),
      rankP50Ms: round(percentile(times.rank, 0.5)),
      rankP95Ms: round(percentile(times.rank, 0.95)),
      selectP95Ms: round(percentile(times.select, 0.95)),
      saveToSearchableP50Ms: round(percentile(saves, 0.5)),
      saveToSearchableP95Ms: round(percentile(saves, 0.95)),
      diskMb: round(status.diskBytes / 2 ** 20),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

export async function speed(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: { repo: { type: 'string', multiple: true }, queries: { type: 'string' }, json: { type: 'string' } },
  });
  if (values.repo === undefined) throw new Error('name at least one repository: --repo NAME=DIR');
  report(await measureEach(values.repo, (name, dir) => measure(name, dir, readQueries(values.queries))), values.json);
}
