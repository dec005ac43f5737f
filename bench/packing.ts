/**
 * What a pack holds of what was asked for: `npm run bench -- packing --data DIR --snap DIR [--index DIR] [--limit N]
 * [--budgets 2000,4000,8000]`. Asks every question through `select`, reads the lines that the pack shows back from its
 * text, and compares with ranges in rank order at the same number of tokens of the same encoding, the last one cut.
 */
import { readFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { parsePack } from '../core/format/parsePack.ts';
import { openEngine, type Engine, type RankedRange } from '../server/engine/index.ts';
import { loadChangeCorpora, type Corpus } from './retrieval/dataset.ts';
import type { Gold } from './retrieval/score.ts';
import { table } from './statistics.ts';

interface Outcome {
  repository: string;
  variant: string;
  budget: number;
  /** Share of the wanted ranges that are shown, at least half of each. */
  pack: number;
  greedy: number;
  tokens: number;
}

const asText = { disallowedSpecial: new Set<string>() };
const tokensOf = (text: string): number => countTokens(text, asText);

/** Lines shown, by path. */
type Shown = Map<string, Set<number>>;

function show(shown: Shown, file: string, startLine: number, endLine: number): void {
  const lines = shown.get(file) ?? new Set<number>();
  for (let line = startLine; line <= endLine; line++) lines.add(line);
  shown.set(file, lines);
}

function linesOfPack(context: string): Shown {
  const shown: Shown = new Map();
  for (const { path: file, startLine, endLine, kind } of parsePack(context) ?? [])
    if (kind !== 'signature') show(shown, file, startLine, endLine);
  return shown;
}

class Sources {
  readonly #lines = new Map<string, string[]>();
  readonly #tokens = new Map<string, number>();

  constructor(readonly root: string) {}

  text(file: string, startLine: number, endLine: number): string {
    let lines = this.#lines.get(file);
    if (lines === undefined) {
      lines = readFileSync(path.join(this.root, file), 'utf8').split('\n');
      this.#lines.set(file, lines);
    }
    return lines.slice(startLine - 1, endLine).join('\n');
  }

  /** A range as a block of its own. */
  tokens(file: string, startLine: number, endLine: number): number {
    const key = `${file}:${startLine}-${endLine}`;
    let tokens = this.#tokens.get(key);
    if (tokens === undefined) {
      tokens = tokensOf(`### ${key}\n\`\`\`\n${this.text(file, startLine, endLine)}\n\`\`\`\n\n`);
      this.#tokens.set(key, tokens);
    }
    return tokens;
  }
}

/** Ranges in rank order, each as a block of its own, until the budget is spent; of the last one the lines that fit. */
function linesInRankOrder(ranked: readonly RankedRange[], sources: Sources, budget: number): Shown {
  const shown: Shown = new Map();
  let left = budget;
  for (const { path: file, startLine, endLine } of ranked) {
    const whole = sources.tokens(file, startLine, endLine);
    if (whole <= left) {
      show(shown, file, startLine, endLine);
      left -= whole;
      continue;
    }
    for (let end = endLine - 1; end >= startLine; end--) {
      if (sources.tokens(file, startLine, end) > left) continue;
      show(shown, file, startLine, end);
      break;
    }
    break;
  }
  return shown;
}

function share(gold: readonly Gold[], shown: Shown): number {
  let [all, hit] = [0, 0];
  for (const { path: file, ranges } of gold) {
    for (const [start, end] of ranges) {
      let inside = 0;
      for (let line = start; line <= end; line++) if (shown.get(file)?.has(line) === true) inside++;
      all++;
      if (inside * 2 >= end - start + 1) hit++;
    }
  }
  return hit / all;
}

function goldById(data: string): Map<string, Gold[]> {
  const rows = ['taskA.jsonl', 'taskB.jsonl'].flatMap((name) =>
    readFileSync(path.join(data, name), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as { id: string; gold: Gold[] }),
  );
  return new Map(rows.map(({ id, gold }) => [id, gold]));
}

async function ask(
  engine: Engine,
  corpus: Corpus,
  golds: ReadonlyMap<string, Gold[]>,
  budgets: readonly number[],
  limit: number,
): Promise<Outcome[]> {
  const sources = new Sources(corpus.root);
  const outcomes: Outcome[] = [];
  for (const question of corpus.questions.slice(0, limit)) {
    const gold = golds.get(question.id.replace(/:(?:full|nl)$/, ''))!;
    const ranked = await engine.rank(question.text, { limit: 200 });
    for (const budget of budgets) {
      const { context, metadata } = await engine.select({ query: question.text, budget });
      if (tokensOf(context) > budget) throw new Error(`${question.id}: more than ${budget} tokens`);
      if (tokensOf(context) !== metadata.tokensUsed) throw new Error(`${question.id}: counted wrong`);
      outcomes.push({
        repository: corpus.repository,
        variant: question.variant,
        budget,
        pack: share(gold, linesOfPack(context)),
        greedy: share(gold, linesInRankOrder(ranked, sources, metadata.tokensUsed)),
        tokens: metadata.tokensUsed,
      });
    }
  }
  return outcomes;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Mean over repositories of the mean over their questions. */
function macro(outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number {
  const repositories = [...new Set(outcomes.map(({ repository }) => repository))];
  return mean(repositories.map((name) => mean(outcomes.filter(({ repository }) => repository === name).map(of))));
}

const draws = 1_000;

/** 95 % interval of the macro average of the paired differences, by drawing questions within repositories. */
function interval(outcomes: readonly Outcome[]): [number, number] {
  const groups = new Map<string, number[]>();
  for (const { repository, pack, greedy } of outcomes)
    groups.set(repository, [...(groups.get(repository) ?? []), pack - greedy]);
  // A generator of its own: the same outcomes give the same interval.
  let state = 12_345;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const means = Array.from({ length: draws }, () =>
    mean([...groups.values()].map((all) => mean(all.map(() => all[Math.floor(random() * all.length)]!)))),
  ).sort((a, b) => a - b);
  return [means[Math.floor(draws * 0.025)]!, means[Math.floor(draws * 0.975)]!];
}

function print(outcomes: readonly Outcome[]): void {
  const rows: string[][] = [];
  for (const budget of new Set(outcomes.map((each) => each.budget))) {
    for (const variant of [...new Set(outcomes.map((each) => each.variant))].sort()) {
      const these = outcomes.filter((each) => each.budget === budget && each.variant === variant);
      const [low, high] = interval(these);
      const better = these.filter(({ pack, greedy }) => pack > greedy).length;
      const worse = these.filter(({ pack, greedy }) => pack < greedy).length;
      rows.push([
        String(budget),
        variant,
        macro(these, ({ greedy }) => greedy).toFixed(3),
        macro(these, ({ pack }) => pack).toFixed(3),
        `${macro(these, ({ pack, greedy }) => pack - greedy).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`,
        `${better}/${worse}`,
        `${(100 * mean(these.map(({ tokens }) => tokens / budget))).toFixed(1)} %`,
      ]);
    }
  }
  console.log(table(['budget', 'task', 'rank order', 'pack', 'difference', 'better/worse', 'filled'], rows));
}

export async function packing(argv: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: argv,
    options: { data: text, snap: text, index: text, limit: text, budgets: text },
  });
  if (values.data === undefined || values.snap === undefined)
    throw new Error('give --data and --snap, of materialised snapshots');
  const golds = goldById(values.data);
  const budgets = (values.budgets ?? '2000,4000,8000').split(',').map(Number);
  const indexRoot = values.index ?? mkdtempSync(path.join(tmpdir(), 'contextkit-packing-'));
  const outcomes: Outcome[] = [];
  for (const corpus of loadChangeCorpora(values.data, values.snap)) {
    const engine = await openEngine({ root: corpus.root, indexDir: path.join(indexRoot, corpus.name) });
    try {
      await engine.index();
      outcomes.push(...(await ask(engine, corpus, golds, budgets, Number(values.limit ?? Infinity))));
    } finally {
      await engine.close();
    }
    console.error(corpus.name);
  }
  print(outcomes);
}
