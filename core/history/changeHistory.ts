import { NumberSet } from '../rank/numberSet.ts';
import { rarity } from '../rank/rarity.ts';
import type { ChangeSignals, PastCommit } from './types.ts';

/** A change counts half when so many commits lie on top of it. Commits, not days: a project may rest, a clock may lie. */
const halfLifeCommits = 500;

/**
 * Commits of more files are reformatting, moves and the like and say nothing of a single file; the limit is that of
 * Zimmermann, Weissgerber, Diehl, Zeller, "Mining Version Histories to Guide Software Changes" (TSE 2005).
 */
export const mostFilesOfCommit = 30;

/** More commits than this are not looked at: those before it weigh next to nothing. */
export const mostCommits = 5_000;

/** So much changing alone is assumed of every file, so that one commit in common is not taken for a law. */
const assumedAlone = 1;

/** How many partners of a file are kept. */
const mostPartners = 20;

interface Change {
  /** 1 for the newest commit, halved every `halfLifeCommits`. */
  decay: number;
  /** Numbers of its files under the names that they have today. */
  files: number[];
  /** Numbers of its subject's stems. */
  stems: number[];
}

/** Newest first; commits of one second in the order of their ids, so that the order is the same however it was read. */
export function newestFirst<Commit extends Pick<PastCommit, 'id' | 'time'>>(commits: readonly Commit[]): Commit[] {
  return [...commits].sort((a, b) => b.time - a.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/**
 * What the commits of a repository say of its files. A file keeps its past when it is renamed.
 *
 * - recency(f) = s / (1 + s), s = sum of decay(c) over the commits c of f: files that were changed lately are changed
 *   next (the cache of Kim, Zimmermann, Whitehead, Zeller, "Predicting Faults from Cached History", ICSE 2007; as a
 *   decaying prior in Sisman, Kak, "Incorporating Version Histories in Information Retrieval Based Bug Localization",
 *   MSR 2012).
 * - coChanged(f, g) = sum of w(c) over the commits of both / (1 + the same over the commits of f): the confidence of the
 *   rule "who changes f changes g" (Zimmermann et al. 2005), with w(c) = decay(c) / log2(1 + files of c).
 * - resembling(q) = for a file the best commit's share of q, times how much of the commit's subject q covers, by the
 *   root of its number of files (after SimiScore of Zhou, Zhang, Lo, "Where Should the Bugs Be Fixed?", ICSE 2012).
 */
export class ChangeHistory implements ChangeSignals {
  readonly #paths: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #changes: Change[] = [];
  /** Of each file its changes, newest first. */
  readonly #changesOf: number[][] = [];
  readonly #stemIds = new Map<string, number>();
  /** Of each stem the changes whose subject has it. */
  readonly #subjects: number[][] = [];
  /** Of each change the rarity of its whole subject, worked out when it is first asked for. */
  readonly #wholes: number[] = [];
  /** Of each file, likewise. */
  readonly #recencies: number[] = [];
  /** Changes that share a stem with a query, and how much; files of those, and the best evidence for each. */
  readonly #sharing = new NumberSet();
  readonly #shared: Float64Array;
  readonly #supported = new NumberSet();
  readonly #evidence: Float64Array;

  constructor(commits: readonly PastCommit[]) {
    const alias = new Map<string, string>();
    newestFirst(commits).forEach((commit, position) => this.#add(commit, position, alias));
    this.#shared = new Float64Array(this.#changes.length);
    this.#sharing.fit(this.#changes.length);
    this.#evidence = new Float64Array(this.#paths.length);
    this.#supported.fit(this.#paths.length);
  }

  get size(): number {
    return this.#changes.length;
  }

  get paths(): readonly string[] {
    return this.#paths;
  }

  #idOf(path: string): number {
    let id = this.#ids.get(path);
    if (id === undefined) {
      id = this.#paths.push(path) - 1;
      this.#ids.set(path, id);
      this.#changesOf.push([]);
    }
    return id;
  }

  /** `alias` leads from the names of that time to those of today; commits come newest first. */
  #add({ files, stems }: PastCommit, position: number, alias: Map<string, string>): void {
    const today = files.map(({ path }) => alias.get(path) ?? path);
    files.forEach(({ from, path }, i) => {
      if (from === undefined) return;
      alias.set(from, today[i]!);
      // Before this commit the new name belonged to nobody, or to another file.
      if (alias.get(path) === today[i]) alias.delete(path);
    });
    if (files.length === 0 || files.length > mostFilesOfCommit) return;
    const change: Change = {
      decay: 2 ** (-position / halfLifeCommits),
      files: [...new Set(today.map((path) => this.#idOf(path)))],
      stems: stems.map((root) => this.#stemIdOf(root)),
    };
    const number = this.#changes.push(change) - 1;
    for (const id of change.files) this.#changesOf[id]!.push(number);
    for (const id of change.stems) this.#subjects[id]!.push(number);
  }

  #stemIdOf(root: string): number {
    let id = this.#stemIds.get(root);
    if (id === undefined) {
      id = this.#subjects.push([]) - 1;
      this.#stemIds.set(root, id);
    }
    return id;
  }

  recency(path: string): number {
    const id = this.#ids.get(path);
    if (id === undefined) return 0;
    let known = this.#recencies[id];
    if (known === undefined) {
      let sum = 0;
      for (const number of this.#changesOf[id]!) sum += this.#changes[number]!.decay;
      known = this.#recencies[id] = sum / (1 + sum);
    }
    return known;
  }

  coChanged(path: string, limit = mostPartners): [path: string, weight: number][] {
    const own = this.#ids.get(path);
    if (own === undefined) return [];
    const together = new Map<number, number>();
    let total = assumedAlone;
    for (const number of this.#changesOf[own]!) {
      const { decay, files } = this.#changes[number]!;
      const weight = decay / Math.log2(1 + files.length);
      total += weight;
      for (const file of files) if (file !== own) together.set(file, (together.get(file) ?? 0) + weight);
    }
    return [...together]
      .map(([file, weight]): [string, number] => [this.#paths[file]!, weight / total])
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, limit);
  }

  /** A common word stands in most subjects: what is gathered of them lies in arrays that are used again. */
  resembling(stems: ReadonlyMap<string, number>, give: (file: number, value: number) => void): void {
    for (const [root, weight] of stems) this.#share(root, weight);
    const sharing = this.#sharing;
    for (let i = 0; i < sharing.length; i++) this.#support(sharing.values[i]!);
    sharing.clear();
    const supported = this.#supported;
    for (let i = 0; i < supported.length; i++) {
      const file = supported.values[i]!;
      give(file, this.#evidence[file]!);
      this.#evidence[file] = 0;
    }
    supported.clear();
  }

  /** Notes the changes whose subject has a stem. */
  #share(root: string, weight: number): void {
    const id = this.#stemIds.get(root);
    if (id === undefined) return;
    const value = weight * this.#rarityOf(id);
    for (const number of this.#subjects[id]!) {
      this.#sharing.add(number);
      this.#shared[number]! += value;
    }
  }

  /** Hands what a change shares with the query to its files. */
  #support(number: number): void {
    const value = this.#shared[number]!;
    this.#shared[number] = 0;
    const { files } = this.#changes[number]!;
    const covered = Math.min(1, value / this.#wholeOf(number));
    const evidence = (value * covered) / Math.sqrt(files.length);
    for (const file of files) {
      if (evidence <= this.#evidence[file]!) continue;
      this.#supported.add(file);
      this.#evidence[file] = evidence;
    }
  }

  #rarityOf(stemId: number): number {
    return rarity(this.#changes.length, this.#subjects[stemId]!.length);
  }

  #wholeOf(number: number): number {
    let whole = this.#wholes[number];
    if (whole === undefined) {
      whole = 0;
      for (const id of this.#changes[number]!.stems) whole += this.#rarityOf(id);
      this.#wholes[number] = whole;
    }
    return whole;
  }
}
