import { bestOf } from './bestOf.ts';
import type { Folder, IndexedFile } from './chunkTable.ts';
import type { FileRelations } from './fileLinks.ts';
import type { RankingWeights } from './weights.ts';

/** A file as far as its neighbours matter. */
export interface Candidate {
  file: IndexedFile;
  score: number;
  /** Before the prior of its role. */
  raw: number;
}

export interface NeighbourShare {
  /** What all neighbours add, before the prior of the file's role. */
  value: number;
  /** The one that adds most. */
  strongest: string;
  most: number;
}

/**
 * Files that the best candidates import or call, or that import or call them, gain a share of their score: one step of
 * spreading over the graph with weights normalised at both ends, so that hubs neither give nor get too much
 * (D^-1/2 W D^-1/2 as in Zhou et al. 2004, "Learning with local and global consistency"). The candidates of a folder
 * strengthen each other by the mean of the others. `ownerOf` finds a candidate by its path.
 *
 * A test speaks for the files that it uses with a share of its raw score: its prior keeps it itself out of the answer,
 * not what it knows.
 */
export function neighbourEvidence<T extends Candidate>(
  candidates: readonly T[],
  ownerOf: (path: string) => T | undefined,
  { imports, calls }: FileRelations,
  weights: RankingWeights,
): Map<T, NeighbourShare> {
  const { seeds, testVoice } = weights;
  const voiceOf = ({ file, score, raw }: T): number =>
    file.role === 'test' ? Math.max(score, testVoice * raw) : score;
  const best = bestOf(candidates, seeds, voiceOf, (a, b) => (a.file.path < b.file.path ? -1 : 1));
  const shares = new Map<T, NeighbourShare>();
  const give = (to: T | undefined, from: string, value: number): void => {
    if (to === undefined || value === 0) return;
    let share = shares.get(to);
    if (share === undefined) shares.set(to, (share = { value: 0, strongest: '', most: 0 }));
    share.value += value;
    if (value <= share.most) return;
    share.strongest = from;
    share.most = value;
  };
  for (const seed of best) {
    const { path } = seed.file;
    const voice = voiceOf(seed);
    for (const [relation, weight] of [
      [imports, weights.importNear],
      [calls, weights.callNear],
    ] as const)
      relation.forEachNeighbour(path, (other, share) => give(ownerOf(other), path, weight * voice * share));
  }
  giveToSiblings(candidates, best, voiceOf, (to, from, value) => give(to, from, weights.folderNear * value));
  return shares;
}

function giveToSiblings<T extends Candidate>(
  candidates: readonly T[],
  best: readonly T[],
  voiceOf: (candidate: T) => number,
  give: (to: T, from: string, value: number) => void,
): void {
  const seedsOf = new Map<Folder, T[]>();
  for (const seed of best) {
    const seeds = seedsOf.get(seed.file.folder);
    if (seeds === undefined) seedsOf.set(seed.file.folder, [seed]);
    else seeds.push(seed);
  }
  for (const candidate of candidates) {
    const { folder } = candidate.file;
    for (const seed of seedsOf.get(folder) ?? [])
      if (seed !== candidate) give(candidate, seed.file.path, voiceOf(seed) / (folder.files - 1));
  }
}
