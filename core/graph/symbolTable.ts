import type { CodeSymbol, SymbolKind } from '../model.ts';
import { familyOf } from './modulePaths.ts';
import { receiverTypeOf } from './typeText.ts';
import type { GraphFile } from './types.ts';

/** A definition in its file. */
export interface Definition {
  file: GraphFile;
  symbol: CodeSymbol;
  /** The plain name: `listen` of `Server::listen`. */
  name: string;
  /** The type it is a member of, by nesting, by a qualified name or by its receiver; '' for none. */
  owner: string;
}

const typeKinds: ReadonlySet<SymbolKind> = new Set(['class', 'interface', 'struct', 'enum', 'trait', 'type', 'module']);

export const isType = ({ symbol }: Definition): boolean => typeKinds.has(symbol.kind);

/** Headings of documents are symbols, but nothing refers to them by name. */
export const isSection = ({ kind }: CodeSymbol): boolean => kind === 'section';

/** The plain name: `listen` of `Server::listen`; hyphens belong to it (`Get-Item`). */
export const shortName = (name: string): string => /[\w$#?!]+(?:-\w+)*$/.exec(name)?.[0] ?? name;

export const ownerOf = ({ owner }: Definition): string => owner;

function readOwner(symbol: CodeSymbol, language: string): string {
  const qualified = /^(.*?)(?:::|\.|:)[^:.]+$/.exec(symbol.name)?.[1];
  if (qualified !== undefined) return shortName(qualified);
  const outer = symbol.container.at(-1);
  return outer === undefined ? receiverTypeOf(symbol.signature, language) : shortName(outer.replace(/<.*$/, ''));
}

/** Definitions by name, for one index. */
export class SymbolTable {
  readonly #byName = new Map<string, Definition[]>();
  /** Types only: most names are none. */
  readonly #types = new Map<string, Definition[]>();
  /** By owner and name. */
  readonly #members = new Map<string, Definition[]>();
  readonly #byFile = new Map<string, Map<string, Definition[]>>();

  put(file: GraphFile): void {
    const names = new Map<string, Definition[]>();
    for (const symbol of file.symbols) {
      if (isSection(symbol)) continue;
      const name = shortName(symbol.name);
      const definition = { file, symbol, name, owner: readOwner(symbol, file.language) };
      push(names, name, definition);
      push(this.#byName, name, definition);
      if (isType(definition)) push(this.#types, name, definition);
      if (definition.owner !== '') push(this.#members, memberKey(definition.owner, name), definition);
    }
    this.#byFile.set(file.path, names);
  }

  remove(path: string): void {
    for (const [name, definitions] of this.#byFile.get(path) ?? []) {
      const owners = new Set(definitions.map(({ owner }) => owner));
      drop(this.#byName, name, path);
      drop(this.#types, name, path);
      for (const owner of owners) if (owner !== '') drop(this.#members, memberKey(owner, name), path);
    }
    this.#byFile.delete(path);
  }

  named(name: string): readonly Definition[] {
    return this.#byName.get(name) ?? [];
  }

  typesNamed(name: string): readonly Definition[] {
    return this.#types.get(name) ?? [];
  }

  inFile(path: string, name: string): readonly Definition[] {
    return this.#byFile.get(path)?.get(name) ?? [];
  }

  /** All of a file, headings left out. */
  ofFile(path: string): Definition[] {
    return [...(this.#byFile.get(path)?.values() ?? [])].flat();
  }

  /** Members of types of this name, in languages that call one another. */
  members(owner: string, name: string, language: string): readonly Definition[] {
    const family = familyOf(language);
    return (this.#members.get(memberKey(owner, name)) ?? []).filter(({ file }) => familyOf(file.language) === family);
  }

  /** Definitions of this name in languages that call one another. */
  inFamily(name: string, language: string): readonly Definition[] {
    const family = familyOf(language);
    return this.named(name).filter(({ file }) => familyOf(file.language) === family);
  }
}

const memberKey = (owner: string, name: string): string => `${owner}\u0000${name}`;

function push(map: Map<string, Definition[]>, key: string, value: Definition): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function drop(map: Map<string, Definition[]>, key: string, path: string): void {
  const rest = map.get(key)?.filter(({ file }) => file.path !== path);
  if (rest === undefined) return;
  if (rest.length === 0) map.delete(key);
  else map.set(key, rest);
}
