import { nameCount } from '../lexical/types.ts';
import type { DefinitionNames } from './definitionNames.ts';
import type { Postings } from './postings.ts';

/**
 * The chunks that define each name, side by side in the order of the names: a query has words of thousands of them, and
 * to look each up among all postings takes several times as long. Made anew when postings were folded; those that came
 * since are read from the postings, which have few of them.
 */
export class NamedChunks {
  readonly #names: DefinitionNames;
  readonly #postings: Postings;
  #folds = -1;
  #starts = new Uint32Array(1);
  #chunks = new Uint32Array(0);

  constructor(names: DefinitionNames, postings: Postings) {
    this.#names = names;
    this.#postings = postings;
  }

  /** Call it after the names have caught up, before what follows. */
  catchUp(): void {
    if (this.#folds === this.#postings.folds) return;
    this.#folds = this.#postings.folds;
    const names = this.#names;
    const starts = new Uint32Array(names.size + 1);
    const chunks: number[] = [];
    for (let name = 0; name < names.size; name++) {
      this.#postings.forEachFolded(names.termOf(name), (chunk, counts) => {
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
    if (!this.#postings.hasNew) return;
    this.#postings.forEachNew(this.#names.termOf(name), (chunk, counts) => {
      if (nameCount(counts) !== 0) visit(chunk);
    });
  }
}
