import type { FileUse } from '../graph/fileUses.ts';

const byPath = (a: FileUse, b: FileUse): number => (a.path < b.path ? -1 : 1);

/** Which files use which, both ways. */
class UseTable {
  /** Of each file, sorted by path. */
  readonly #uses = new Map<string, readonly FileUse[]>();
  readonly #users = new Map<string, Set<string>>();

  usesOf(path: string): readonly FileUse[] {
    return this.#uses.get(path) ?? [];
  }

  usersOf(path: string): ReadonlySet<string> {
    return this.#users.get(path) ?? new Set();
  }

  use(path: string, used: string): FileUse | undefined {
    const uses = this.usesOf(path);
    let [low, high] = [0, uses.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (uses[middle]!.path < used) low = middle + 1;
      else high = middle;
    }
    return uses[low]?.path === used ? uses[low] : undefined;
  }

  /** Returns what was there before. */
  put(path: string, uses: readonly FileUse[]): readonly FileUse[] {
    const before = this.usesOf(path);
    for (const { path: used } of before) {
      const users = this.#users.get(used)!;
      users.delete(path);
      if (users.size === 0) this.#users.delete(used);
    }
    if (uses.length === 0) this.#uses.delete(path);
    else this.#uses.set(path, [...uses].sort(byPath));
    for (const { path: used } of uses) {
      const users = this.#users.get(used);
      if (users === undefined) this.#users.set(used, new Set([path]));
      else users.add(path);
    }
    return before;
  }
}

/** The neighbours of a file; another object after every change of them. */
export interface Neighbours {
  paths: string[];
  /** One each. */
  shares: number[];
}

/** The neighbours of so many files are remembered. */
const mostKnown = 5_000;

/** One way in which files hang together, both ways: two files are as near as their uses of one another weigh. */
class Relation {
  readonly #table: UseTable;
  readonly #weightOf: (use: FileUse) => number;
  /** Of a file's weights; found when it is first asked for after a change. */
  readonly #sums = new Map<string, number>();
  /** Of the files that were asked for since the last change: questions about one thing ask for the same again. */
  readonly #known = new Map<string, Neighbours>();

  constructor(table: UseTable, weightOf: (use: FileUse) => number) {
    this.#table = table;
    this.#weightOf = weightOf;
  }

  /** The uses of this file, or of it by others, are others than before. */
  forget(path: string): void {
    this.#sums.delete(path);
    this.#known.clear();
  }

  #weight(path: string, used: string): number {
    const use = this.#table.use(path, used);
    return use === undefined ? 0 : this.#weightOf(use);
  }

  #sumOf(path: string): number {
    let sum = this.#sums.get(path);
    if (sum === undefined) {
      sum = 0;
      for (const use of this.#table.usesOf(path)) sum += this.#weightOf(use);
      // In order of path: sums of the same numbers in another order differ in their last digit.
      for (const user of [...this.#table.usersOf(path)].sort()) sum += this.#weight(user, path);
      this.#sums.set(path, sum);
    }
    return sum;
  }

  /** Neighbours of a file, each with its share: the weight over the root of both files' sums. */
  neighboursOf(path: string): Neighbours {
    let known = this.#known.get(path);
    if (known === undefined) {
      known = this.#findNeighbours(path);
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(path, known);
    }
    return known;
  }

  #findNeighbours(path: string): Neighbours {
    const found: Neighbours = { paths: [], shares: [] };
    const sum = this.#sumOf(path);
    const give = (other: string, weight: number): void => {
      if (weight <= 0) return;
      found.paths.push(other);
      found.shares.push(weight / Math.sqrt(sum * this.#sumOf(other)));
    };
    for (const use of this.#table.usesOf(path)) give(use.path, this.#weightOf(use) + this.#weight(use.path, path));
    for (const user of this.#table.usersOf(path))
      if (this.#table.use(path, user) === undefined) give(user, this.#weight(user, path));
    return found;
  }
}

export interface FileRelations {
  imports: Relation;
  calls: Relation;
  /** How many files import a file. */
  importers: ReadonlyMap<string, number>;
}

/** Which files use which. Follows every change at the cost of that file's uses alone: saves come between questions. */
export class FileLinks {
  readonly #table = new UseTable();
  readonly #importers = new Map<string, number>();
  #version = 0;
  readonly relations: FileRelations = {
    imports: new Relation(this.#table, ({ imported }) => (imported ? 1 : 0)),
    // The tenth call says less than the first.
    calls: new Relation(this.#table, ({ calls }) => Math.log2(1 + calls)),
    importers: this.#importers,
  };

  /** Another one after every change. */
  get version(): number {
    return this.#version;
  }

  put(path: string, uses: readonly FileUse[]): void {
    this.#version++;
    const before = this.#table.put(path, uses);
    this.#count(before, -1);
    this.#count(uses, 1);
    this.#forget(path);
    for (const { path: used } of before) this.#forget(used);
    for (const { path: used } of uses) this.#forget(used);
  }

  remove(path: string): void {
    this.put(path, []);
  }

  #count(uses: readonly FileUse[], by: number): void {
    for (const { path, imported } of uses) {
      if (!imported) continue;
      const count = (this.#importers.get(path) ?? 0) + by;
      if (count === 0) this.#importers.delete(path);
      else this.#importers.set(path, count);
    }
  }

  #forget(path: string): void {
    this.relations.imports.forget(path);
    this.relations.calls.forget(path);
  }
}
