/**
 * Ranking quality: `npm run bench -- retrieval --data DIR --snap DIR [--questions DIR --questions-snap DIR]
 * [--index DIR] [--run DIR] [--json FILE] [--previous FILE] [--signals] [--model DIR [--processes N]]`. Indexes each snapshot once (kept in --index), asks
 * every question in-process and prints the macro averages beside the baselines and the figures of the previous release.
 * --run writes the runs in the harness's format for its paired `compare`; --json writes the score file; --signals
 * --model embeds every chunk with the model in that folder (kept in the user's cache) and ranks by meaning, too; --signals
 * leaves out one signal after the other and prints what each is worth.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { RankingWeights } from '../../core/rank/weights.ts';
import { openEmbeddings, openEngine, type Embeddings } from '../../server/engine/index.ts';
import { table } from '../statistics.ts';
import { loadChangeCorpora, loadQuestionCorpora, type Corpus, type Question } from './dataset.ts';
import { macroAverages, type Scored } from './averages.ts';
import { signals } from './signals.ts';

const scores = path.join(import.meta.dirname, '../scores');
const baselines = path.join(scores, 'baselines.json');
const previousScores = path.join(scores, 'retrieval-0.1.0.json');

interface Asked {
  scored: Scored[];
  /** The same without one signal, by its name. */
  without: Map<string, Scored[]>;
}

interface AskOptions {
  indexRoot: string;
  leaveOut: boolean;
  embeddings: Embeddings | undefined;
}

async function ask(corpus: Corpus, { indexRoot, leaveOut, embeddings }: AskOptions): Promise<Asked> {
  const engine = await openEngine({
    root: corpus.root,
    indexDir: path.join(indexRoot, corpus.name),
    ...(embeddings === undefined ? {} : { embeddings }),
  });
  const score = async (question: Question, weights: Partial<RankingWeights> = {}): Promise<Scored> => {
    const ranked = await engine.rank(question.text, { limit: 200, weights });
    const results = ranked.map((range) => ({
      path: range.path,
      start_line: range.startLine,
      end_line: range.endLine,
    }));
    return { corpus, question, results, measures: question.score(results) };
  };
  try {
    await engine.index();
    if (embeddings !== undefined) {
      const started = performance.now();
      const { embedded, failed } = await engine.embed();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.error(`${corpus.name}: ${embedded} chunks with vectors, ${failed} failed, ${seconds} s`);
    }
    const asked: Asked = { scored: [], without: new Map() };
    for (const question of corpus.questions) asked.scored.push(await score(question));
    for (const { name, changed } of leaveOut ? signals : []) {
      const scored: Scored[] = [];
      for (const question of corpus.questions) scored.push(await score(question, changed));
      asked.without.set(name, scored);
    }
    return asked;
  } finally {
    await engine.close();
  }
}

type Averages = Record<string, Record<string, number>>;

const readAverages = (file: string): Averages => JSON.parse(readFileSync(file, 'utf8')) as Averages;

/** One row for each of the others that has figures, under ours. */
function printBeside(averages: Averages, others: Readonly<Record<string, Averages>>): void {
  const compared: [string, string[]][] = [
    ['A-full', ['R@10', 'range@4k', 'MRR']],
    ['A-nl', ['R@10', 'range@4k', 'MRR']],
    ['B', ['R@10', 'range@4k', 'MRR']],
    ['questions', ['NDCG@10f', 'R@10f', 'file@4k', 'MRR']],
  ];
  for (const [variant, measures] of compared) {
    if (averages[variant] === undefined) continue;
    const rows = Object.entries({ now: averages, ...others })
      .filter(([, each]) => each[variant] !== undefined)
      .map(([name, each]) => [name, ...measures.map((measure) => (each[variant]![measure] ?? NaN).toFixed(3))]);
    console.log(`${table([variant, ...measures], rows)}\n`);
  }
}

/** What each signal is worth: the figure with all of them minus the figure without it. */
function printSignals(averages: Averages, without: ReadonlyMap<string, Scored[]>): void {
  const columns: [string, string][] = [
    ['A-full', 'R@10'],
    ['A-full', 'range@4k'],
    ['A-nl', 'R@10'],
    ['A-nl', 'range@4k'],
    ['B', 'R@10'],
    ['B', 'range@4k'],
    ['questions', 'NDCG@10f'],
  ];
  const shown = columns.filter(([variant]) => averages[variant] !== undefined);
  const rows = [...without].map(([name, scored]) => {
    const left = macroAverages(scored);
    const worth = shown.map(([variant, measure]) => averages[variant]![measure]! - left[variant]![measure]!);
    return [name, ...worth.map((each) => (each >= 0 ? '+' : '-') + Math.abs(each).toFixed(3))];
  });
  console.log(table(['signal', ...shown.map(([variant, measure]) => `${variant} ${measure}`)], rows));
}

function printAverages(averages: Record<string, Record<string, number>>): void {
  for (const kind of ['A-full', 'questions']) {
    const rows = Object.entries(averages).filter(
      ([variant]) => variant.startsWith('questions') === (kind === 'questions'),
    );
    if (rows.length === 0) continue;
    const names = Object.keys(rows[0]![1]);
    console.log(
      table(
        [kind === 'questions' ? 'questions' : 'task', ...names],
        rows.map(([variant, values]) => [variant, ...names.map((name) => values[name]!.toFixed(3))]),
      ),
    );
    console.log();
  }
}

function writeRun(dir: string, scored: readonly Scored[]): void {
  mkdirSync(dir, { recursive: true });
  const files = new Map<string, string[]>();
  for (const { corpus, question, results } of scored) {
    files.set(corpus.name, [...(files.get(corpus.name) ?? []), JSON.stringify({ id: question.id, results })]);
  }
  for (const [name, lines] of files) writeFileSync(path.join(dir, `${name}.jsonl`), `${lines.join('\n')}\n`);
}

export async function retrieval(argv: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      data: text,
      snap: text,
      questions: text,
      'questions-snap': text,
      index: text,
      run: text,
      json: text,
      previous: { ...text, default: previousScores },
      signals: { type: 'boolean', default: false },
      model: text,
      processes: text,
    },
  });
  const corpora = [
    ...(values.data !== undefined && values.snap !== undefined ? loadChangeCorpora(values.data, values.snap) : []),
    ...(values.questions !== undefined && values['questions-snap'] !== undefined
      ? loadQuestionCorpora(values.questions, values['questions-snap'])
      : []),
  ];
  if (corpora.length === 0)
    throw new Error(
      'nothing to ask: give --data and --snap, or --questions and --questions-snap, of materialised snapshots',
    );
  const indexRoot = values.index ?? mkdtempSync(path.join(tmpdir(), 'contextkit-retrieval-'));
  const scored: Scored[] = [];
  const without = new Map<string, Scored[]>();
  const embeddings =
    values.model === undefined
      ? undefined
      : openEmbeddings({ directory: path.resolve(values.model), processes: Number(values.processes ?? 0) });
  for (const corpus of corpora) {
    const asked = await ask(corpus, { indexRoot, leaveOut: values.signals, embeddings });
    scored.push(...asked.scored);
    for (const [name, each] of asked.without) without.set(name, [...(without.get(name) ?? []), ...each]);
    console.error(`${corpus.name}: ${corpus.questions.length} questions`);
  }
  await embeddings?.close();
  const averages = macroAverages(scored);
  printAverages(averages);
  printBeside(averages, {
    [path.basename(values.previous, '.json')]: readAverages(values.previous),
    ...(JSON.parse(readFileSync(baselines, 'utf8')) as Record<string, Averages>),
  });
  if (values.signals) printSignals(averages, without);
  if (values.run !== undefined) writeRun(values.run, scored);
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify(averages, (_, value: unknown) => (typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value), 2)}\n`,
    );
}
