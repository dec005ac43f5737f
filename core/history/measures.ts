/** A range as a ranking gives it. */
export interface RankedRange {
  path: string;
  startLine: number;
  endLine: number;
}

export interface Gold {
  path: string;
  /** Changed lines, 1-based and inclusive; not empty. */
  ranges: [start: number, end: number][];
}

/** Tokens of each line of a file (characters / 4, line break included); undefined if there is no such file. */
export type LineCosts = (path: string) => readonly number[] | undefined;

export const measureNames = ['recall@10', 'MRR', 'range'] as const;
export type MeasureName = (typeof measureNames)[number];
export type Measures = Record<MeasureName, number>;

const charactersPerToken = 4;
/** Each range pays for its path and so many tokens. */
const headingTokens = 4;

export const costsOfText = (text: string): number[] => {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.length + 1) / charactersPerToken);
};

/** Lines that fit into the budget in rank order: lines that are in are free, the last range is cut where it ends. */
function packedLines(ranked: readonly RankedRange[], costs: LineCosts, budget: number): Map<string, Set<number>> {
  const packed = new Map<string, Set<number>>();
  let left = budget;
  for (const { path, startLine, endLine } of ranked) {
    const cost = costs(path);
    if (cost === undefined) continue;
    const lines = packed.get(path) ?? new Set<number>();
    const fresh: number[] = [];
    for (let line = Math.max(1, startLine); line <= Math.min(endLine, cost.length); line++)
      if (!lines.has(line)) fresh.push(line);
    if (fresh.length === 0) continue;
    left -= (path.length + 1) / charactersPerToken + headingTokens;
    if (left < 0) break;
    packed.set(path, lines);
    for (const line of fresh) {
      left -= cost[line - 1]!;
      if (left < 0) return packed;
      lines.add(line);
    }
  }
  return packed;
}

/**
 * recall@10: share of the gold files among the first 10 files. MRR: 1 / the place of the first gold file. range: share
 * of the gold ranges of which at least half the lines are among those that the budget holds.
 */
export function measure(
  ranked: readonly RankedRange[],
  gold: readonly Gold[],
  costs: LineCosts,
  budget: number,
): Measures {
  const wanted = new Set(gold.map(({ path }) => path));
  const files = [...new Set(ranked.map(({ path }) => path))];
  const first = files.findIndex((path) => wanted.has(path));
  const packed = packedLines(ranked, costs, budget);
  let [ranges, held] = [0, 0];
  for (const { path, ranges: changed } of gold) {
    const lines = packed.get(path);
    for (const [start, end] of changed) {
      ranges++;
      let inside = 0;
      for (let line = start; line <= end; line++) if (lines?.has(line) === true) inside++;
      if (inside * 2 >= end - start + 1) held++;
    }
  }
  return {
    'recall@10': files.slice(0, 10).filter((path) => wanted.has(path)).length / wanted.size,
    MRR: first < 0 ? 0 : 1 / (first + 1),
    range: ranges === 0 ? 0 : held / ranges,
  };
}
