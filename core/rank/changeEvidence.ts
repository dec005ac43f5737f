import type { ChangeSignals } from '../history/types.ts';
import { stem } from '../lexical/stem.ts';
import { bestOf } from './bestOf.ts';
import type { IndexedFile } from './chunkTable.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import type { RankingWeights } from './weights.ts';

interface ChangedFile {
  file: IndexedFile;
  score: number;
  changes: number;
}

/** Files whose partners are looked up: what is not among the best says little about others. */
const bestFiles = 5;

/**
 * Adds what past changes say of the candidates of a query: commits whose subject resembles it, how lately a file was
 * changed, and what was changed together with the best files. Without a history, and with weights of 0, nothing is
 * looked up.
 */
export function addChangeEvidence<T extends ChangedFile>(
  scored: readonly T[],
  /** Finds one of them by its path. */
  ownerOf: (path: string) => T | undefined,
  query: AnalyzedQuery,
  { recency, coChange, pastChanges }: RankingWeights,
  open: (() => ChangeSignals | null) | undefined,
  priorOf: (file: IndexedFile) => number,
): void {
  if (recency === 0 && coChange === 0 && pastChanges === 0) return;
  const signals = open?.() ?? null;
  if (signals === null) return;
  const add = (owner: ChangedFile, value: number): void => {
    owner.changes += value;
    owner.score += value;
  };
  if (pastChanges > 0) {
    const past = signals.resembling(new Map(query.terms.map(({ term, weight }) => [stem(term), weight])));
    for (const [path, value] of past) {
      const owner = ownerOf(path);
      if (owner !== undefined) add(owner, pastChanges * value * priorOf(owner.file));
    }
  }
  if (recency > 0) for (const owner of scored) add(owner, owner.score * recency * signals.recency(owner.file.path));
  if (coChange > 0)
    for (const [owner, value] of partners(scored, ownerOf, signals)) add(owner, coChange * value * priorOf(owner.file));
}

/** What the best files give to the files that were changed together with them, before the weight. */
function partners<T extends ChangedFile>(
  scored: readonly T[],
  ownerOf: (path: string) => T | undefined,
  signals: ChangeSignals,
): Map<T, number> {
  const best = bestOf(
    scored,
    bestFiles,
    ({ score }) => score,
    (a, b) => (a.file.path < b.file.path ? -1 : 1),
  );
  const given = new Map<T, number>();
  for (const { file, score } of best) {
    for (const [path, weight] of signals.coChanged(file.path)) {
      const owner = ownerOf(path);
      if (owner !== undefined) given.set(owner, Math.max(given.get(owner) ?? 0, weight * score));
    }
  }
  return given;
}
