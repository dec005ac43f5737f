import type { Definition } from './symbolTable.ts';
import type { Binding, GraphFile, ImportedName, ImportLink } from './types.ts';

/** A name that an import brings in, with the import. */
export interface ImportedAs {
  link: ImportLink;
  name: ImportedName;
}

/** What one file says, by line and by name: made when it is first asked for, since most files are never asked. */
export class FileScopes {
  readonly #file: GraphFile;
  /** Sorted by their first line. */
  readonly #definitions: readonly Definition[];
  readonly #around = new Map<number, readonly Definition[]>();
  #bindings: Map<string, Binding[]> | undefined;
  #imports: Map<string, ImportedAs[]> | undefined;
  #opening: readonly ImportLink[] | undefined;

  constructor(file: GraphFile, definitions: readonly Definition[]) {
    this.#file = file;
    this.#definitions = [...definitions].sort((a, b) => a.symbol.startLine - b.symbol.startLine);
  }

  /** Definitions around a line, innermost first. */
  enclosing(line: number): readonly Definition[] {
    let around = this.#around.get(line);
    if (around === undefined) {
      around = this.#definitions
        .slice(0, this.#beginningUpTo(line))
        .filter(({ symbol }) => line <= symbol.endLine)
        .sort((a, b) => b.symbol.startLine - a.symbol.startLine || a.symbol.endLine - b.symbol.endLine);
      this.#around.set(line, around);
    }
    return around;
  }

  /** How many definitions begin at or before a line. */
  #beginningUpTo(line: number): number {
    let [low, high] = [0, this.#definitions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#definitions[middle]!.symbol.startLine <= line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  bindings(name: string): readonly Binding[] {
    this.#bindings ??= grouped(this.#file.links.bindings, (each) => each.name);
    return this.#bindings.get(name) ?? [];
  }

  /** Imports that give this name; what a file merely exports under it is none. */
  imports(alias: string): readonly ImportedAs[] {
    if (this.#imports === undefined) {
      const all = this.#file.links.imports
        .filter(({ module, exported }) => module !== '' || !exported)
        .flatMap((link) => link.names.map((name) => ({ link, name })));
      this.#imports = grouped(all, ({ name }) => name.alias);
    }
    return this.#imports.get(alias) ?? [];
  }

  /** Imports that make visible all that is in a module. */
  get opening(): readonly ImportLink[] {
    this.#opening ??= this.#file.links.imports.filter(({ names }) =>
      names.some(({ name, alias }) => name === '*' && alias === ''),
    );
    return this.#opening;
  }
}

function grouped<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}
