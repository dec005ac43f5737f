import { bestOf } from './bestOf.ts';
import { roleNumbers, type ChunkTable } from './chunkTable.ts';
import type { FileRelations, Neighbours } from './fileLinks.ts';
import type { FileScores } from './fileScores.ts';
import type { RankingWeights } from './weights.ts';

/**
 * Files that the best candidates import or call, or that import or call them, gain a share of their score: one step of
 * spreading over the graph with weights normalised at both ends, so that hubs neither give nor get too much
 * (D^-1/2 W D^-1/2 as in Zhou et al. 2004, "Learning with local and global consistency"). The candidates of a folder
 * strengthen each other by the mean of the others.
 *
 * A test speaks for the files that it uses with a share of its raw score: its prior keeps it itself out of the answer,
 * not what it knows.
 */
export class NeighbourEvidence {
  readonly #table: ChunkTable;
  readonly #relations: FileRelations;
  /** Of lists of neighbours, the places of those that are in the index, -1 for others; for one state of the index. */
  #places = new WeakMap<Neighbours, Int32Array>();
  #version = -1;

  constructor(table: ChunkTable, relations: FileRelations) {
    this.#table = table;
    this.#relations = relations;
  }

  /** Fills `near`, before the prior of each file's role, and `nearest`. */
  weigh(scores: FileScores, weights: RankingWeights): void {
    if (this.#version !== this.#table.version) this.#places = new WeakMap();
    this.#version = this.#table.version;
    const voiceOf = this.#voices(scores, weights);
    const table = this.#table;
    const seeds = bestOf(scores.places, weights.seeds, voiceOf, (a, b) =>
      table.fileAt(a).path < table.fileAt(b).path ? -1 : 1,
    );
    for (const seed of seeds) {
      const voice = voiceOf(seed);
      this.#giveAlong('imports', seed, weights.importNear * voice, scores);
      this.#giveAlong('calls', seed, weights.callNear * voice, scores);
    }
    this.#giveToSiblings(seeds, voiceOf, weights.folderNear, scores);
  }

  /** What each file has to say to its neighbours. */
  #voices({ score, raw }: FileScores, { testVoice }: RankingWeights): (place: number) => number {
    const { roleAt } = this.#table;
    return (place) =>
      roleAt[place] === roleNumbers.test ? Math.max(score[place]!, testVoice * raw[place]!) : score[place]!;
  }

  #giveAlong(relation: 'imports' | 'calls', seed: number, value: number, scores: FileScores): void {
    const neighbours = this.#relations[relation].neighboursOf(this.#table.fileAt(seed).path);
    const places = this.#placesOf(neighbours);
    const { shares } = neighbours;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (place >= 0 && scores.found.has(place)) give(scores, place, seed, value * shares[i]!);
    }
  }

  #placesOf(neighbours: Neighbours): Int32Array {
    let places = this.#places.get(neighbours);
    if (places === undefined) {
      places = Int32Array.from(neighbours.paths, (path) => this.#table.files.get(path)?.place ?? -1);
      this.#places.set(neighbours, places);
    }
    return places;
  }

  #giveToSiblings(
    seeds: readonly number[],
    voiceOf: (place: number) => number,
    weight: number,
    scores: FileScores,
  ): void {
    const seedsOf = new Array<number[] | undefined>(this.#table.folders).fill(undefined);
    for (const seed of seeds) (seedsOf[this.#table.fileAt(seed).folder.number] ??= []).push(seed);
    const { folderAt } = this.#table;
    for (const place of scores.places) {
      const near = seedsOf[folderAt[place]!];
      if (near === undefined) continue;
      const { files } = this.#table.fileAt(place).folder;
      for (const seed of near) if (seed !== place) give(scores, place, seed, weight * (voiceOf(seed) / (files - 1)));
    }
  }
}

function give({ near, nearMost, nearest }: FileScores, to: number, from: number, value: number): void {
  if (value === 0) return;
  near[to]! += value;
  if (value <= nearMost[to]!) return;
  nearMost[to] = value;
  nearest[to] = from;
}
