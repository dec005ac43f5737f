import { stem } from './stem.ts';

/**
 * Numbers for terms, dense from 0 in order of first use, and the groups of terms that share a stem.
 * Terms are never removed: ids are written into the index on disk.
 */
export class TermDictionary {
  readonly #ids = new Map<string, number>();
  readonly #terms: string[] = [];
  readonly #groups = new Map<string, number[]>();

  get size(): number {
    return this.#terms.length;
  }

  /** The id of a term, a new one if it is not known yet. */
  idOf(term: string): number {
    const known = this.#ids.get(term);
    if (known !== undefined) return known;
    const id = this.#terms.length;
    this.#ids.set(term, id);
    this.#terms.push(term);
    const root = stem(term);
    const group = this.#groups.get(root);
    if (group === undefined) this.#groups.set(root, [id]);
    else group.push(id);
    return id;
  }

  find(term: string): number | undefined {
    return this.#ids.get(term);
  }

  termOf(id: number): string {
    const term = this.#terms[id];
    if (term === undefined) throw new RangeError(`no term has the id ${id}`);
    return term;
  }

  /** Ids of all terms with the given stem. */
  withStem(root: string): readonly number[] {
    return this.#groups.get(root) ?? [];
  }

  /** The terms from an id on, for writing what is new. */
  since(firstId: number): string[] {
    return this.#terms.slice(firstId);
  }
}
