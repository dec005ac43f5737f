import type { ChangeSignals } from '../history/types.ts';
import { stem } from '../lexical/stem.ts';
import { bestOf } from './bestOf.ts';
import type { ChunkTable, IndexedFile } from './chunkTable.ts';
import type { FileScores } from './fileScores.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import type { RankingWeights } from './weights.ts';

/** Files whose partners are looked up: what is not among the best says little about others. */
const bestFiles = 5;

/**
 * Adds what past changes say of the files that were found: commits whose subject resembles the query, how lately a file
 * was changed, and what was changed together with the best files. Without a history, and with weights of 0, nothing is
 * looked up.
 */
export function addChangeEvidence(
  scores: FileScores,
  table: ChunkTable,
  query: AnalyzedQuery,
  { recency, coChange, pastChanges }: RankingWeights,
  open: (() => ChangeSignals | null) | undefined,
  priorOf: (place: number) => number,
): void {
  if (recency === 0 && coChange === 0 && pastChanges === 0) return;
  const signals = open?.() ?? null;
  if (signals === null) return;
  const add = (place: number, value: number): void => {
    scores.changes[place]! += value;
    scores.score[place]! += value;
  };
  if (pastChanges > 0) {
    const past = signals.resembling(new Map(query.terms.map(({ term, weight }) => [stem(term), weight])));
    for (const [path, value] of past) {
      const file = foundFile(scores, table, path);
      if (file !== undefined) add(file.place, pastChanges * value * priorOf(file.place));
    }
  }
  if (recency > 0)
    for (const place of scores.places)
      add(place, scores.score[place]! * recency * signals.recency(table.fileAt(place).path));
  if (coChange > 0)
    for (const [file, value] of partners(scores, table, signals))
      add(file.place, coChange * value * priorOf(file.place));
}

function foundFile({ found }: FileScores, { files }: ChunkTable, path: string): IndexedFile | undefined {
  const file = files.get(path);
  return file !== undefined && found.has(file.place) ? file : undefined;
}

/** What the best files give to the files that were changed together with them, before the weight. */
function partners(scores: FileScores, table: ChunkTable, signals: ChangeSignals): Map<IndexedFile, number> {
  const pathOf = (place: number): string => table.fileAt(place).path;
  const best = bestOf(
    scores.places,
    bestFiles,
    (place) => scores.score[place]!,
    (a, b) => (pathOf(a) < pathOf(b) ? -1 : 1),
  );
  const given = new Map<IndexedFile, number>();
  for (const place of best) {
    for (const [path, weight] of signals.coChanged(pathOf(place))) {
      const file = foundFile(scores, table, path);
      if (file !== undefined) given.set(file, Math.max(given.get(file) ?? 0, weight * scores.score[place]!));
    }
  }
  return given;
}
