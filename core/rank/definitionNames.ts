import { identifierParts } from '../lexical/splitIdentifier.ts';
import { stem } from '../lexical/stem.ts';
import type { TermDictionary } from '../lexical/termDictionary.ts';
import { nameOfDefinitionTerm } from '../lexical/types.ts';
import { widened } from '../widened.ts';
import { roomFor } from './numberSet.ts';
import { rarity } from './rarity.ts';

const plain = /^[\w$]+$/;

/** `Server::listenOn` → server, listen, on. */
const partsOf = (name: string): string[] =>
  plain.test(name) ? identifierParts(name) : name.split(/[^\p{L}\p{N}_$]+/u).flatMap(identifierParts);

const none: readonly number[] = [];
/** No sum of rarities is less than nothing. */
const unknown = -1;

/**
 * The defined names of an index by the stems of their words. Follows the dictionary, which only grows: names that
 * nothing defines any more stay, and count for nothing. Names and stems have numbers: a large index has hundreds of
 * thousands of names.
 */
export class DefinitionNames {
  readonly #terms: TermDictionary;
  readonly #stems = new Map<string, number>();
  /** By stem, the names with a word of it. */
  readonly #names: number[][] = [];
  /** By name: its definition term, and where its stems begin in `#words`. */
  readonly #termIds: number[] = [];
  readonly #firstWord: number[] = [];
  readonly #words: number[] = [];
  /** By name, 1 for those that something defines; by stem, how many of those have a word of it; and how many there are. */
  #defined = new Uint8Array(0);
  readonly #definedWith: number[] = [];
  #definedNames = 0;
  #rarities = new Float64Array(0);
  /** Names came, or others are defined, since the rarities were worked out. */
  #isOutdated = true;
  /** By name, what its stems are worth together, where that was asked for. */
  #wholes = new Float64Array(0);
  /** Terms of the dictionary that were looked at. */
  #seen = 0;

  constructor(terms: TermDictionary) {
    this.#terms = terms;
  }

  /** Number of names. */
  get size(): number {
    return this.#termIds.length;
  }

  /** Takes up what the dictionary has got since the last time. */
  catchUp(): void {
    // Names are made of the same few thousand words over and over.
    const known = new Map<string, number>();
    for (; this.#seen < this.#terms.size; this.#seen++) {
      const name = nameOfDefinitionTerm(this.#terms.termOf(this.#seen));
      if (name !== undefined) this.#add(this.#seen, partsOf(name), known);
    }
  }

  /** @param known the stems of words that were met before */
  #add(termId: number, parts: readonly string[], known: Map<string, number>): void {
    const name = this.#termIds.push(termId) - 1;
    this.#isOutdated = true;
    const first = this.#words.length;
    this.#firstWord.push(first);
    for (const part of parts) {
      let id = known.get(part);
      if (id === undefined) known.set(part, (id = this.#numberOf(stem(part))));
      if (this.#words.includes(id, first)) continue;
      this.#names[id]!.push(name);
      this.#words.push(id);
    }
  }

  #numberOf(root: string): number {
    let id = this.#stems.get(root);
    if (id === undefined) {
      id = this.#names.push([]) - 1;
      this.#definedWith.push(0);
      this.#stems.set(root, id);
    }
    return id;
  }

  /** The number of a stem; undefined where no name has a word of it. */
  find(root: string): number | undefined {
    return this.#stems.get(root);
  }

  /** Names with a word of this stem. */
  withStem(id: number | undefined): readonly number[] {
    return id === undefined ? none : this.#names[id]!;
  }

  /** Says which names something defines; none before. */
  setDefined(isDefined: (name: number) => boolean): void {
    if (this.#defined.length < this.size) this.#defined = widened(this.#defined, roomFor(this.size));
    const defined = this.#defined;
    for (let name = 0; name < this.size; name++) {
      const now = isDefined(name) ? 1 : 0;
      const by = now - defined[name]!;
      if (by === 0) continue;
      defined[name] = now;
      this.#definedNames += by;
      for (let i = this.#firstWord[name]!; i < this.#endOf(name); i++) this.#definedWith[this.#words[i]!]! += by;
      this.#isOutdated = true;
    }
  }

  /** How rare a stem is among the names that are defined. */
  rarityOf(id: number | undefined): number {
    return rarity(this.#definedNames, id === undefined ? 0 : this.#definedWith[id]!);
  }

  /** Id of the definition term of a name. */
  termOf(name: number): number {
    return this.#termIds[name]!;
  }

  /** Adds up what each stem of a name is worth, in their order. */
  sumOver(name: number, worth: Float64Array): number {
    const end = this.#endOf(name);
    let sum = 0;
    for (let i = this.#firstWord[name]!; i < end; i++) sum += worth[this.#words[i]!]!;
    return sum;
  }

  /** Where its stems end in `#words`. */
  #endOf(name: number): number {
    return this.#firstWord[name + 1] ?? this.#words.length;
  }

  /** `rarityOf` each stem; worked out anew when that has changed. */
  rarities(): Float64Array {
    if (this.#isOutdated) {
      this.#rarities = Float64Array.from(this.#names, (_, id) => this.rarityOf(id));
      if (this.#wholes.length < this.size) this.#wholes = new Float64Array(roomFor(this.size));
      this.#wholes.fill(unknown);
      this.#isOutdated = false;
    }
    return this.#rarities;
  }

  /** What the stems of a name are worth together, by `rarities` as they came; remembered until they change. */
  wholeOf(name: number): number {
    const known = this.#wholes[name]!;
    if (known !== unknown) return known;
    return (this.#wholes[name] = this.sumOver(name, this.#rarities));
  }
}
