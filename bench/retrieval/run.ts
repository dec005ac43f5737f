/**
 * Ranking quality: `npm run bench -- retrieval --data DIR --snap DIR [--questions DIR --questions-snap DIR]
 * [--index DIR] [--run DIR] [--json FILE] [--worst N]`. Indexes each snapshot once (kept in --index), asks every question
 * in-process, prints the macro averages, and with --run writes the runs in the harness's format for its paired `compare`.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openEngine } from '../../server/engine/index.ts';
import { table } from '../statistics.ts';
import { loadChangeCorpora, loadQuestionCorpora, type Corpus } from './dataset.ts';
import { macroAverages, type Scored } from './averages.ts';

async function ask(corpus: Corpus, indexRoot: string): Promise<Scored[]> {
  const engine = await openEngine({ root: corpus.root, indexDir: path.join(indexRoot, corpus.name) });
  try {
    await engine.index();
    const scored: Scored[] = [];
    for (const question of corpus.questions) {
      const ranked = await engine.rank(question.text, { limit: 200 });
      const results = ranked.map((range) => ({
        path: range.path,
        start_line: range.startLine,
        end_line: range.endLine,
      }));
      scored.push({ corpus, question, results, measures: question.score(results) });
    }
    return scored;
  } finally {
    await engine.close();
  }
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
    options: { data: text, snap: text, questions: text, 'questions-snap': text, index: text, run: text, json: text },
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
  for (const corpus of corpora) {
    scored.push(...(await ask(corpus, indexRoot)));
    console.error(`${corpus.name}: ${corpus.questions.length} questions`);
  }
  const averages = macroAverages(scored);
  printAverages(averages);
  if (values.run !== undefined) writeRun(values.run, scored);
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify(averages, (_, value: unknown) => (typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value), 2)}\n`,
    );
}
