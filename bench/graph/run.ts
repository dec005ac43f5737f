/**
 * Call edges beside a language server: `npm run bench -- graph --typescript NAME=DIR --python NAME=DIR
 * --pyright FILE`, the first two as often as there are repositories.
 *
 * An edge leads from a call (file, line, name) to one definition in the project; overloads of a name in one scope are
 * one definition. Precision: of our edges, how many the server has as well. An edge where the server sees something
 * outside the project, a parameter, or nothing at all is wrong. Recall: of the calls that the server resolves to a
 * definition inside the project, for how many we have that edge.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { CodeGraph, Definition } from '../../core/graph/codeGraph.ts';
import { table } from '../statistics.ts';
import { pythonTruth } from './pythonTruth.ts';
import { graphOf } from './sources.ts';
import type { TrueCall } from './types.ts';
import { typescriptTruth } from './typescriptTruth.ts';

interface Comparison {
  /** Files in which calls were compared. */
  files: number;
  /** Calls in them. */
  calls: number;
  /** Of these, how many the server resolves to a definition inside the project. */
  inside: number;
  /** Our edges. */
  ours: number;
  right: number;
  /** Calls inside for which one of our edges is right. */
  found: number;
}

interface Details {
  wrong: string[];
  missed: string[];
}

const siteOf = (path: string, line: number, name: string): string => `${path}:${line} ${name}`;

/** Overloads are one definition: what has the same name in the same scope of the same file. */
const scopeOf = ({ file, symbol }: Definition): string => [file.path, ...symbol.container, symbol.name].join(' ');

/** Our edges by call: the places of each definition. */
function edgesBySite(graph: CodeGraph, paths: ReadonlySet<string>): Map<string, Map<string, Set<string>>> {
  const sites = new Map<string, Map<string, Set<string>>>();
  for (const { file, call, callee } of graph.all()) {
    if (!paths.has(file.path)) continue;
    const site = siteOf(file.path, call.line, call.name);
    const edges = sites.get(site) ?? new Map<string, Set<string>>();
    sites.set(site, edges);
    const places = edges.get(scopeOf(callee)) ?? new Set<string>();
    edges.set(scopeOf(callee), places.add(`${callee.file.path}:${callee.symbol.line}`));
  }
  return sites;
}

export function compare(graph: CodeGraph, truth: readonly TrueCall[]): Comparison & Details {
  const paths = new Set(truth.map(({ path }) => path));
  // Calls of one name on one line are one site: their targets together are what is expected.
  const expected = new Map<string, Set<string>>();
  for (const { path, line, name, targets } of truth) {
    const site = siteOf(path, line, name);
    const known = expected.get(site) ?? new Set<string>();
    for (const target of targets) known.add(target);
    expected.set(site, known);
  }
  const ours = edgesBySite(graph, paths);
  const result = { files: paths.size, calls: expected.size, inside: 0, ours: 0, right: 0, found: 0 };
  const details: Details = { wrong: [], missed: [] };
  for (const [site, targets] of expected) {
    const edges = [...(ours.get(site)?.values() ?? [])];
    const right = edges.filter((places) => [...places].some((place) => targets.has(place)));
    result.ours += edges.length;
    result.right += right.length;
    if (targets.size > 0) result.inside++;
    if (right.length > 0) result.found++;
    else if (targets.size > 0) details.missed.push(`${site} → ${[...targets].join(', ')}`);
    for (const places of edges) {
      if (!right.includes(places))
        details.wrong.push(`${site} → ${[...places].join(', ')} not ${[...targets].join(', ') || 'inside'}`);
    }
  }
  return { ...result, ...details };
}

export async function graph(argv: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true, default: [] as string[] } as const;
  const { values } = parseArgs({
    args: argv,
    options: { typescript: list, python: list, pyright: text, show: text, json: text },
  });
  const shown = Number(values.show ?? 0);
  const rows: GraphScore[] = [];
  const add = async (
    language: string,
    given: string,
    truthOf: (root: string) => Promise<TrueCall[]>,
  ): Promise<void> => {
    const { name, root } = namedRoot(given);
    const truth = await truthOf(root);
    const { wrong, missed, ...counts } = compare(await graphOf(root), truth);
    rows.push({
      language,
      repository: name,
      ...counts,
      precision: counts.right / counts.ours,
      recall: counts.found / counts.inside,
    });
    for (const each of sample(wrong, shown)) console.error(`wrong   ${each}`);
    for (const each of sample(missed, shown)) console.error(`missed  ${each}`);
  };
  for (const given of values.typescript)
    await add('typescript', given, (root) => Promise.resolve(typescriptTruth(root)));
  for (const given of values.python) {
    const { pyright } = values;
    if (pyright === undefined)
      throw new Error('--python needs --pyright, the langserver.index.js of the package pyright');
    await add('python', given, (root) => pythonTruth(root, pyright));
  }
  if (rows.length === 0) throw new Error('give --typescript NAME=DIR or --python NAME=DIR');
  console.log(
    table(
      ['', '', 'files', 'calls', 'inside', 'our edges', 'precision', 'recall'],
      rows.map((row) => [
        row.language,
        row.repository,
        ...[row.files, row.calls, row.inside, row.ours].map(String),
        row.precision.toFixed(3),
        row.recall.toFixed(3),
      ]),
    ),
  );
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

interface GraphScore extends Comparison {
  language: string;
  repository: string;
  precision: number;
  recall: number;
}

/** `NAME=DIR`, or a folder that is called after itself. */
function namedRoot(given: string): { name: string; root: string } {
  const at = given.indexOf('=');
  return at < 0 ? { name: path.basename(given), root: given } : { name: given.slice(0, at), root: given.slice(at + 1) };
}

/** Evenly spread over the list. */
function sample(list: readonly string[], count: number): string[] {
  if (count === 0) return [];
  const step = Math.max(1, Math.floor(list.length / count));
  return list.filter((_, i) => i % step === 0).slice(0, count);
}
