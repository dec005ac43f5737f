import type { ChangeSignals } from '../history/types.ts';
import { stem } from '../lexical/stem.ts';
import { bestOf } from './bestOf.ts';
import type { ChunkTable } from './chunkTable.ts';
import type { FileScores } from './fileScores.ts';
import type { AnalyzedQuery } from './queryAnalysis.ts';
import type { RankingWeights } from './weights.ts';

/** Files whose partners are looked up: what is not among the best says little about others. */
const bestFiles = 5;

/**
 * What past changes say of the files that were found: commits whose subject resembles the query, how lately a file was
 * changed, and what was changed together with the best files.
 */
export class ChangeEvidence {
  readonly #table: ChunkTable;
  /** What the columns below are of. */
  #signals: ChangeSignals | undefined;
  #version = -1;
  /** By number of a changed file its place, -1 where it is not in the index. */
  #places = new Int32Array(0);
  /** By place. */
  #recencies = new Float64Array(0);

  constructor(table: ChunkTable) {
    this.#table = table;
  }

  /** Adds it and says whether there is a history. Without one, and with weights of 0, nothing is looked up. */
  add(
    scores: FileScores,
    query: AnalyzedQuery,
    { recency, coChange, pastChanges }: RankingWeights,
    open: (() => ChangeSignals | null) | undefined,
    priorOf: (place: number) => number,
  ): boolean {
    if (recency === 0 && coChange === 0 && pastChanges === 0) return false;
    const signals = open?.() ?? null;
    if (signals === null) return false;
    this.#placeFiles(signals);
    const add = (place: number, value: number): void => {
      scores.changes[place]! += value;
      scores.score[place]! += value;
    };
    if (pastChanges > 0) {
      const stems = new Map(query.terms.map(({ term, weight }) => [stem(term), weight]));
      signals.resembling(stems, (file, value) => {
        const place = this.#places[file]!;
        if (place >= 0 && scores.found.has(place)) add(place, pastChanges * value * priorOf(place));
      });
    }
    if (recency > 0)
      for (const place of scores.places) add(place, scores.score[place]! * recency * this.#recencies[place]!);
    if (coChange > 0)
      for (const [place, value] of this.#partners(scores, signals)) add(place, coChange * value * priorOf(place));
    return true;
  }

  /** To look up thousands of files by their paths takes longer than all the rest: it is done once for a state of both. */
  #placeFiles(signals: ChangeSignals): void {
    if (signals === this.#signals && this.#version === this.#table.version) return;
    this.#signals = signals;
    this.#version = this.#table.version;
    const { files, places } = this.#table;
    this.#places = Int32Array.from(signals.paths, (path) => files.get(path)?.place ?? -1);
    this.#recencies = new Float64Array(places);
    for (const [file, place] of this.#places.entries())
      if (place >= 0) this.#recencies[place] = signals.recency(signals.paths[file]!);
  }

  /** What the best files give to the places that were changed together with them, before the weight. */
  #partners(scores: FileScores, signals: ChangeSignals): Map<number, number> {
    const pathOf = (place: number): string => this.#table.fileAt(place).path;
    const best = bestOf(
      scores.places,
      bestFiles,
      (place) => scores.score[place]!,
      (a, b) => (pathOf(a) < pathOf(b) ? -1 : 1),
    );
    const given = new Map<number, number>();
    for (const from of best) {
      for (const [path, weight] of signals.coChanged(pathOf(from))) {
        const place = this.#table.files.get(path)?.place;
        if (place === undefined || !scores.found.has(place)) continue;
        given.set(place, Math.max(given.get(place) ?? 0, weight * scores.score[from]!));
      }
    }
    return given;
  }
}
