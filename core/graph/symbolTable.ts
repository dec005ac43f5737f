import type { CodeSymbol, SymbolKind } from '../model.ts';
import { familyOf } from './modulePaths.ts';
import { receiverTypeOf } from './typeText.ts';
import type { GraphFile } from './types.ts';

/** A definition in its file. */
export interface Definition {
  file: GraphFile;
  symbol: CodeSymbol;
}

const typeKinds: ReadonlySet<SymbolKind> = new Set(['class', 'interface', 'struct', 'enum', 'trait', 'type', 'module']);

export const isType = ({ symbol }: Definition): boolean => typeKinds.has(symbol.kind);

/** The plain name: `listen` of `Server::listen`. */
export const shortName = (name: string): string => /[\w$#?!]+$/.exec(name)?.[0] ?? name;

/** The type that a definition is a member of, by nesting, by a qualified name or by its receiver; '' for none. */
export function ownerOf({ symbol, file }: Definition): string {
  const qualified = /^(.*?)(?:::|\.|:)[^:.]+$/.exec(symbol.name)?.[1];
  if (qualified !== undefined) return shortName(qualified);
  const outer = symbol.container.at(-1);
  return outer === undefined ? receiverTypeOf(symbol.signature, file.language) : shortName(outer.replace(/<.*$/, ''));
}

/** Definitions by name, for one index. */
export class SymbolTable {
  readonly #byName = new Map<string, Definition[]>();
  readonly #byFile = new Map<string, Map<string, Definition[]>>();

  put(file: GraphFile): void {
    const names = new Map<string, Definition[]>();
    for (const symbol of file.symbols) {
      if (symbol.kind === 'section') continue;
      const definition = { file, symbol };
      const name = shortName(symbol.name);
      push(names, name, definition);
      push(this.#byName, name, definition);
    }
    this.#byFile.set(file.path, names);
  }

  remove(path: string): void {
    for (const name of this.#byFile.get(path)?.keys() ?? []) {
      const rest = this.#byName.get(name)!.filter(({ file }) => file.path !== path);
      if (rest.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, rest);
    }
    this.#byFile.delete(path);
  }

  named(name: string): readonly Definition[] {
    return this.#byName.get(name) ?? [];
  }

  inFile(path: string, name: string): readonly Definition[] {
    return this.#byFile.get(path)?.get(name) ?? [];
  }

  /** Definitions of this name in languages that call one another. */
  inFamily(name: string, language: string): readonly Definition[] {
    const family = familyOf(language);
    return this.named(name).filter(({ file }) => familyOf(file.language) === family);
  }
}

function push(map: Map<string, Definition[]>, key: string, value: Definition): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
