import type { FileUse } from '../graph/fileUses.ts';

/** One way in which files hang together, both ways, with the weights that `strengthen` needs. */
class Relation {
  readonly #weights = new Map<string, Map<string, number>>();
  readonly #sums = new Map<string, number>();

  /** Both files come nearer by `weight`. */
  add(a: string, b: string, weight: number): void {
    this.#addOneWay(a, b, weight);
    this.#addOneWay(b, a, weight);
  }

  #addOneWay(from: string, to: string, weight: number): void {
    let weights = this.#weights.get(from);
    if (weights === undefined) this.#weights.set(from, (weights = new Map<string, number>()));
    weights.set(to, (weights.get(to) ?? 0) + weight);
    this.#sums.set(from, (this.#sums.get(from) ?? 0) + weight);
  }

  /** Neighbours of a file, each with its share: the weight over the root of both files' sums. */
  forEachNeighbour(path: string, visit: (other: string, share: number) => void): void {
    const sum = this.#sums.get(path) ?? 0;
    for (const [other, weight] of this.#weights.get(path) ?? [])
      visit(other, weight / Math.sqrt(sum * this.#sums.get(other)!));
  }
}

export interface FileRelations {
  imports: Relation;
  calls: Relation;
  /** How many files import a file. */
  importers: ReadonlyMap<string, number>;
}

/** Which files use which. Relations are worked out when they are asked for after a change. */
export class FileLinks {
  readonly #uses = new Map<string, readonly FileUse[]>();
  #relations: FileRelations | undefined;

  put(path: string, uses: readonly FileUse[]): void {
    if (uses.length === 0 && !this.#uses.has(path)) return;
    if (uses.length === 0) this.#uses.delete(path);
    else this.#uses.set(path, uses);
    this.#relations = undefined;
  }

  remove(path: string): void {
    if (this.#uses.delete(path)) this.#relations = undefined;
  }

  get relations(): FileRelations {
    return (this.#relations ??= this.#relate());
  }

  #relate(): FileRelations {
    const imports = new Relation();
    const calls = new Relation();
    const importers = new Map<string, number>();
    for (const [path, uses] of this.#uses) {
      for (const { path: used, imported, calls: count } of uses) {
        if (imported) {
          imports.add(path, used, 1);
          importers.set(used, (importers.get(used) ?? 0) + 1);
        }
        // The tenth call says less than the first.
        if (count > 0) calls.add(path, used, Math.log2(1 + count));
      }
    }
    return { imports, calls, importers };
  }
}
