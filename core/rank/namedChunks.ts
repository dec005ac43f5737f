import { nameCount } from '../lexical/types.ts';
import type { ChunkTable } from './chunkTable.ts';
import type { DefinitionNames } from './definitionNames.ts';

/**
 * The chunks that define each name, side by side in the order of the names: a query has words of thousands of them, and
 * to look each up among all postings takes several times as long. Made anew when postings were folded; those that came
 * since are read from the postings, which have few of them.
 */
export class NamedChunks {
  readonly #names: DefinitionNames;
  readonly #table: ChunkTable;
  #folds = -1;
  /** The state of the table for which the names know whether they are defined. */
  #version = -1;
  #starts = new Uint32Array(1);
  #chunks = new Uint32Array(0);

  constructor(names: DefinitionNames, table: ChunkTable) {
    this.#names = names;
    this.#table = table;
  }

  /** Call it after the names have caught up, before what follows. Then the names know which of them are defined. */
  catchUp(): void {
    this.#gather();
    if (this.#version === this.#table.version) return;
    this.#version = this.#table.version;
    const { placeOf, postings } = this.#table;
    let isDefinedAnew = false;
    const look = (chunk: number, counts: number): void => {
      if (placeOf[chunk]! >= 0 && nameCount(counts) !== 0) isDefinedAnew = true;
    };
    this.#names.setDefined((name) => {
      if (this.#isGathered(name, placeOf)) return true;
      isDefinedAnew = false;
      if (postings.hasNew) postings.forEachNew(this.#names.termOf(name), look);
      return isDefinedAnew;
    });
  }

  /** Whether a chunk of a file that is there is among those that were gathered for a name. */
  #isGathered(name: number, placeOf: Int32Array): boolean {
    const chunks = this.#chunks;
    const end = this.#starts[name + 1] ?? 0;
    for (let i = this.#starts[name] ?? 0; i < end; i++) if (placeOf[chunks[i]!]! >= 0) return true;
    return false;
  }

  #gather(): void {
    const { postings } = this.#table;
    if (this.#folds === postings.folds) return;
    this.#folds = postings.folds;
    const names = this.#names;
    const starts = new Uint32Array(names.size + 1);
    const chunks: number[] = [];
    for (let name = 0; name < names.size; name++) {
      postings.forEachFolded(names.termOf(name), (chunk, counts) => {
        if (nameCount(counts) !== 0) chunks.push(chunk);
      });
      starts[name + 1] = chunks.length;
    }
    this.#starts = starts;
    this.#chunks = Uint32Array.from(chunks);
  }

  /** Chunks that define a name; some may be of removed files. */
  forEach(name: number, visit: (chunk: number) => void): void {
    const starts = this.#starts;
    if (name < starts.length - 1) {
      const chunks = this.#chunks;
      const end = starts[name + 1]!;
      for (let i = starts[name]!; i < end; i++) visit(chunks[i]!);
    }
    const { postings } = this.#table;
    if (!postings.hasNew) return;
    postings.forEachNew(this.#names.termOf(name), (chunk, counts) => {
      if (nameCount(counts) !== 0) visit(chunk);
    });
  }
}
