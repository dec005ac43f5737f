/**
 * Call edges beside a language server: `npm run bench -- graph --typescript DIR --python DIR --pyright FILE`.
 * Each call is one edge. Precision: of the calls that we resolve inside the project, how many the server resolves to
 * the same definition. Recall: of the calls that the server resolves inside the project, how many we do.
 */
import { parseArgs } from 'node:util';
import { table } from '../statistics.ts';
import { pythonTruth } from './pythonTruth.ts';
import { graphOf } from './sources.ts';
import type { TrueCall } from './types.ts';
import { typescriptTruth } from './typescriptTruth.ts';

interface Comparison {
  calls: number;
  inside: number;
  ours: number;
  agreed: number;
  wrong: string[];
  missed: string[];
}

const siteOf = (path: string, line: number, name: string): string => `${path}:${line} ${name}`;

async function compare(root: string, truth: readonly TrueCall[]): Promise<Comparison> {
  const expected = new Map<string, TrueCall[]>();
  for (const call of truth) {
    const site = siteOf(call.path, call.line, call.name);
    expected.set(site, [...(expected.get(site) ?? []), call]);
  }
  const paths = new Set(truth.map(({ path }) => path));
  const graph = await graphOf(root);
  const ours = new Map<string, Set<string>>();
  for (const { file, call, callee } of graph.all()) {
    if (!paths.has(file.path)) continue;
    const site = siteOf(file.path, call.line, call.name);
    ours.set(site, (ours.get(site) ?? new Set<string>()).add(`${callee.file.path}:${callee.symbol.line}`));
  }
  const result: Comparison = { calls: truth.length, inside: 0, ours: 0, agreed: 0, wrong: [], missed: [] };
  for (const [site, calls] of expected) {
    const targets = new Set(calls.flatMap((call) => call.targets));
    const found = ours.get(site);
    const agrees = found !== undefined && [...found].some((each) => targets.has(each));
    if (targets.size > 0) result.inside++;
    if (found !== undefined) result.ours++;
    if (agrees) result.agreed++;
    else if (found !== undefined)
      result.wrong.push(`${site} → ${[...found].join(', ')} not ${[...targets].join(', ') || 'inside'}`);
    if (!agrees && targets.size > 0) result.missed.push(`${site} → ${[...targets].join(', ')}`);
  }
  return result;
}

export async function graph(argv: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: argv,
    options: { typescript: text, python: text, pyright: text, show: text },
  });
  const rows: string[][] = [];
  const add = async (name: string, root: string, truth: TrueCall[]): Promise<void> => {
    const { calls, inside, ours, agreed, wrong, missed } = await compare(root, truth);
    rows.push([
      name,
      String(calls),
      String(inside),
      String(ours),
      (agreed / ours).toFixed(3),
      (agreed / inside).toFixed(3),
    ]);
    const shown = Number(values.show ?? 0);
    for (const each of sample(wrong, shown)) console.error(`wrong   ${each}`);
    for (const each of sample(missed, shown)) console.error(`missed  ${each}`);
  };
  if (values.typescript !== undefined) await add('typescript', values.typescript, typescriptTruth(values.typescript));
  if (values.python !== undefined) {
    if (values.pyright === undefined)
      throw new Error('--python needs --pyright, the langserver.index.js of the package pyright');
    await add('python', values.python, await pythonTruth(values.python, values.pyright));
  }
  if (rows.length === 0) throw new Error('give --typescript DIR or --python DIR');
  console.log(table(['', 'calls', 'inside', 'ours', 'precision', 'recall'], rows));
}

/** Evenly spread over the list. */
function sample(list: readonly string[], count: number): string[] {
  if (count === 0) return [];
  const step = Math.max(1, Math.floor(list.length / count));
  return list.filter((_, i) => i % step === 0).slice(0, count);
}
