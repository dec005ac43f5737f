import { identifierParts } from '../lexical/splitIdentifier.ts';
import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { nameOfDefinitionTerm } from '../lexical/types.ts';

/** A name that something is defined under. */
export interface DefinedName {
  /** Id of its definition term. */
  termId: number;
  /** Distinct stems of its words. */
  stems: readonly string[];
}

/** `Server::listenOn` → server, listen, on. */
const stemsOf = (name: string): string[] => [
  ...new Set(
    name
      .split(/[^\p{L}\p{N}_$]+/u)
      .flatMap(identifierParts)
      .map(stem),
  ),
];

/** The defined names of an index by the stems of their words. Follows the dictionary, which only grows. */
export class DefinitionNames {
  readonly #terms: TermDictionary;
  readonly #byStem = new Map<string, DefinedName[]>();
  /** Terms of the dictionary that were looked at. */
  #seen = 0;
  #size = 0;

  constructor(terms: TermDictionary) {
    this.#terms = terms;
  }

  /** Number of names. */
  get size(): number {
    this.#catchUp();
    return this.#size;
  }

  /** Names with a word of this stem. */
  withStem(root: string): readonly DefinedName[] {
    this.#catchUp();
    return this.#byStem.get(root) ?? [];
  }

  #catchUp(): void {
    for (; this.#seen < this.#terms.size; this.#seen++) {
      const name = nameOfDefinitionTerm(this.#terms.termOf(this.#seen));
      if (name !== undefined) this.#add({ termId: this.#seen, stems: stemsOf(name) });
    }
  }

  #add(name: DefinedName): void {
    this.#size++;
    for (const root of name.stems) {
      const names = this.#byStem.get(root);
      if (names === undefined) this.#byStem.set(root, [name]);
      else names.push(name);
    }
  }
}
