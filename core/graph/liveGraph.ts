import { CodeGraph } from './codeGraph.ts';
import type { CodeSymbol } from '../model.ts';
import { decodeSymbols, openLinks } from '../records/fileRecords.ts';

/** What the graph is made of, as it is stored. */
export interface GraphRow {
  language: string;
  symbols: Uint8Array;
  links: Uint8Array;
}

/**
 * The code graph of an index while and after it is read from the tables: file by file, so that other work comes in
 * between. From its beginning on it follows every change.
 */
export class LiveGraph {
  readonly graph = new CodeGraph();
  readonly symbols = new Map<string, readonly CodeSymbol[]>();
  readonly #rowOf: (path: string) => GraphRow | undefined;
  readonly #paths: readonly string[];
  #next = 0;

  constructor(paths: Iterable<string>, rowOf: (path: string) => GraphRow | undefined) {
    // Always in the same order: where a name is defined twice, the order decides which comes first.
    this.#paths = [...paths].sort();
    this.#rowOf = rowOf;
  }

  get isLoaded(): boolean {
    return this.#next >= this.#paths.length;
  }

  /** Reads what is not read yet, a file a step. Several may read at once: each goes on where the others are. */
  *load(): Generator<void, void> {
    while (!this.isLoaded) {
      const path = this.#paths[this.#next++]!;
      const row = this.#rowOf(path);
      if (row !== undefined) this.put(path, row);
      yield;
    }
  }

  put(path: string, { language, symbols, links }: GraphRow): void {
    const decoded = decodeSymbols(symbols);
    this.symbols.set(path, decoded);
    this.graph.put({ path, language, symbols: decoded, links: openLinks(links) });
  }

  remove(path: string): void {
    this.symbols.delete(path);
    this.graph.remove(path);
  }
}
