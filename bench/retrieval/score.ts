import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A result as an adapter prints it; without lines the whole file is meant. */
export interface Result {
  path: string;
  start_line?: number;
  end_line?: number;
}

export interface Gold {
  path: string;
  ranges: [start: number, end: number][];
}

/** Cost of each line of a file in tokens of four characters; undefined if there is no such file. */
export type LineCosts = (path: string) => readonly number[] | undefined;

export function lineCosts(root: string): LineCosts {
  const known = new Map<string, readonly number[] | undefined>();
  return (file) => {
    if (!known.has(file)) known.set(file, readCosts(path.join(root, file)));
    return known.get(file);
  };
}

function readCosts(file: string): readonly number[] | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.map((line) => (line.length + 1) / 4);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Greedy packing in rank order: lines already in are free, each snippet pays for its path and four tokens, the last is cut. */
export function fill(results: readonly Result[], costs: LineCosts, budget: number): Map<string, Set<number>> {
  const shown = new Map<string, Set<number>>();
  let left = budget;
  for (const result of results) {
    const cost = costs(result.path);
    if (cost === undefined) continue;
    const have = shown.get(result.path) ?? new Set<number>();
    const fresh: number[] = [];
    const last = Math.min(cost.length, result.end_line ?? cost.length);
    for (let line = Math.max(1, result.start_line ?? 1); line <= last; line++) if (!have.has(line)) fresh.push(line);
    if (fresh.length === 0) continue;
    const head = (result.path.length + 1) / 4 + 4;
    if (head > left) break;
    left -= head;
    shown.set(result.path, have);
    for (const line of fresh) {
      if (cost[line - 1]! > left) return shown;
      left -= cost[line - 1]!;
      have.add(line);
    }
  }
  return shown;
}

const distinctPaths = (results: readonly Result[]): string[] => [...new Set(results.map((result) => result.path))];

/** Measures of the change and description tasks. */
export function scoreRanges(
  results: readonly Result[],
  gold: readonly Gold[],
  costs: LineCosts,
): Record<string, number> {
  const wanted = new Set(gold.map((each) => each.path));
  const ranked = distinctPaths(results);
  const first = ranked.findIndex((each) => wanted.has(each));
  const recall = (k: number): number => ranked.slice(0, k).filter((each) => wanted.has(each)).length / wanted.size;
  const shown = fill(results, costs, 4000);
  const ranges = gold.flatMap((each) => each.ranges.map(([start, end]) => ({ path: each.path, start, end })));
  const hit = ranges.filter(({ path: file, start, end }) => {
    let inside = 0;
    for (let line = start; line <= end; line++) if (shown.get(file)?.has(line) === true) inside++;
    return inside * 2 >= end - start + 1;
  });
  return {
    'R@1': recall(1),
    'R@5': recall(5),
    'R@10': recall(10),
    MRR: first < 0 ? 0 : 1 / (first + 1),
    'range@4k': hit.length / ranges.length,
  };
}

const samePath = (a: string, b: string): boolean => a === b || a.endsWith(`/${b}`) || b.endsWith(`/${a}`);

/** Measures of the questions benchmark, by file: NDCG@10f, R@10f, MRR and file@4k as its harness defines them. */
export function scoreFiles(
  results: readonly Result[],
  targets: readonly string[],
  costs: LineCosts,
): Record<string, number> {
  const top = distinctPaths(results).slice(0, 10);
  const ranks = targets.map((target) => top.findIndex((each) => samePath(each, target)) + 1);
  const found = [...new Set(ranks.filter((rank) => rank > 0))];
  const gain = (at: number): number => 1 / Math.log2(at + 1);
  const ideal = targets.slice(0, 10).reduce((sum, _, i) => sum + gain(i + 1), 0);
  const shown = [...fill(results, costs, 4000)];
  const packed = targets.filter((target) =>
    shown.some(
      ([file, lines]) =>
        lines.size > 0 && lines.size >= Math.min(5, costs(file)?.length ?? 0) && samePath(file, target),
    ),
  );
  return {
    'NDCG@10f': found.reduce((sum, rank) => sum + gain(rank), 0) / ideal,
    'R@10f': ranks.filter((rank) => rank > 0).length / targets.length,
    MRR: found.length > 0 ? 1 / Math.min(...found) : 0,
    'file@4k': packed.length / targets.length,
  };
}
