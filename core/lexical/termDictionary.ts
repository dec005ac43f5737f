import { stem } from './stem.ts';

/** How many letters two related stems share at least, and by how many one may be longer. */
const nearShared = 4;
const nearLonger = 4;
const mostRemembered = 4_096;

/**
 * Numbers for terms, dense from 0 in order of first use, and the groups of terms that share a stem.
 * Terms are never removed: ids are written into the index on disk.
 */
export class TermDictionary {
  readonly #ids = new Map<string, number>();
  readonly #terms: string[] = [];
  readonly #groups = new Map<string, number[]>();
  /** Stems of letters by their first ones; made when it is first asked for. */
  #byPrefix: Map<string, string[]> | undefined;
  /** Related stems of those that were asked for, until there are new ones. */
  readonly #near = new Map<string, readonly string[]>();

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
    if (group === undefined) {
      this.#groups.set(root, [id]);
      this.#near.clear();
      if (this.#byPrefix !== undefined) addByPrefix(this.#byPrefix, root);
    } else group.push(id);
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

  /**
   * Stems that continue this one or that it continues, by a few letters: `auth` and `authent`, `param` and `paramet`.
   * They stand for the abbreviations and derived words that a light stemmer keeps apart.
   */
  nearStems(root: string): readonly string[] {
    if (root.length < nearShared) return [];
    let near = this.#near.get(root);
    if (near === undefined) {
      near = this.#alike(root).filter((other) => other !== root && areNear(root, other));
      if (this.#near.size === mostRemembered) this.#near.clear();
      this.#near.set(root, near);
    }
    return near;
  }

  /** Stems with the same first letters. */
  #alike(root: string): readonly string[] {
    if (this.#byPrefix === undefined) {
      this.#byPrefix = new Map();
      for (const each of this.#groups.keys()) addByPrefix(this.#byPrefix, each);
    }
    return this.#byPrefix.get(root.slice(0, nearShared)) ?? [];
  }

  /** The terms from an id on, for writing what is new. */
  since(firstId: number): string[] {
    return this.#terms.slice(firstId);
  }
}

/** Whether one stem continues the other by a few letters. */
export function areNear(a: string, b: string): boolean {
  return (
    Math.min(a.length, b.length) >= nearShared &&
    Math.abs(a.length - b.length) <= nearLonger &&
    (a.startsWith(b) || b.startsWith(a))
  );
}

function addByPrefix(index: Map<string, string[]>, root: string): void {
  if (root.length < nearShared || /[^a-z]/.test(root)) return;
  const prefix = root.slice(0, nearShared);
  const others = index.get(prefix);
  if (others === undefined) index.set(prefix, [root]);
  else others.push(root);
}
