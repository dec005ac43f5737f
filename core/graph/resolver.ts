import type { CodeSymbol } from '../model.ts';
import { FileScopes } from './fileScopes.ts';
import { fileRole } from '../roles/fileRole.ts';
import { familyOf, type ModulePaths } from './modulePaths.ts';
import { RecentFiles } from './recentFiles.ts';
import { isType, ownerOf, shortName, type Definition, type SymbolTable } from './symbolTable.ts';
import {
  basesOf,
  functionType,
  parameterType,
  plainType,
  receiverSteps,
  returnTypeOf,
  type ReceiverStep,
} from './typeText.ts';
import {
  baseName,
  calledField,
  callbackPlace,
  returnedName,
  typeParameter,
  type Binding,
  type CallbackPlace,
  type CallSite,
  type GraphFile,
  type ImportedName,
  type ImportLink,
  type Occurrence,
} from './types.ts';

/** What an expression stands for: types whose members it has, or modules whose names it gives. */
interface Meaning {
  types: Definition[];
  /** Paths of files. */
  modules: string[];
}

/** What a file that asks has been told. */
interface FileFindings {
  /** Files by the module's name. */
  files: Map<string, string[]>;
  /** What opening imports and the folder give a name. */
  seen: Map<string, Definition[]>;
  /** What a name of a module is, by module and name. */
  given: Map<string, Meaning>;
}

/** Findings about so many files are kept: those of all of a large index are a hundred megabytes. */
const mostRecent = 400;

const nothing: Meaning = { types: [], modules: [] };

/** Chains of re-exports, bases, and types of types end somewhere; cycles do not. */
const maxDepth = 8;

/** So many files are asked without asking first whether it is worth it. */
const fewFiles = 8;

const selfWords = new Set(['this', 'self', 'cls', 'Self', 'static', '__class__']);
const superWords = new Set(['super', 'parent', 'base']);

/** A bare name can mean a member of the enclosing type. */
const implicitSelf = new Set(['java', 'kotlin', 'scala', 'csharp', 'cpp', 'ruby', 'swift', 'dart', 'solidity']);
/** Everything at the top of the files of a folder sees everything else there. */
const folderScope = new Set(['go', 'java', 'kotlin', 'scala', 'csharp', 'swift', 'php', 'solidity']);
/** Imports say little about where a name comes from: a name that is defined once is meant. */
const looseNames = new Set([
  'c', 'cpp', 'objc', 'ruby', 'php', 'csharp', 'swift', 'elixir', 'lua', 'bash', 'dart', 'kotlin', 'scala', 'haskell',
  'ocaml', 'zig', 'solidity', 'powershell',
]); // prettier-ignore

/**
 * Member names that every library has: a call on a value of unknown type is not taken for the project's only member of
 * that name.
 */
const commonMembers = new Set(
  (
    'get set add has delete remove clear push pop shift map filter reduce forEach find some every includes indexOf join ' +
    'split slice splice concat sort reverse keys values entries then catch finally call apply bind toString valueOf ' +
    'replace match test exec trim append extend insert update items copy format encode decode read write close open ' +
    'start stop send next done emit on off once log error warn info debug len size length count index name type value ' +
    'String Error new from into clone unwrap expect iter collect as_ref to_string fmt eq hash init run execute create ' +
    'load save put parse stringify equals hashCode compareTo iterator first last isEmpty contains of build wait flush ' +
    'connect disconnect reset resolve reject abort body json text status url path dirname basename exit ' +
    // Strings, lists, maps, sets and files of the languages' own libraries.
    'setdefault fromkeys popitem discard union difference intersection issubset title lower upper strip lstrip rstrip ' +
    'startswith endswith partition rpartition splitlines casefold swapcase zfill isdigit isalpha isalnum isspace ljust ' +
    'rjust center translate getvalue readline readlines writelines tell seek truncate fileno isatty flush ' +
    'startsWith endsWith padStart padEnd toLowerCase toUpperCase charAt charCodeAt codePointAt substring substr ' +
    'localeCompare matchAll replaceAll trimStart trimEnd normalize lastIndexOf findIndex findLast flatMap reduceRight ' +
    'unshift fill toSorted toReversed hasOwnProperty allSettled race ' +
    'addEventListener removeEventListener dispatchEvent appendChild removeChild insertBefore setAttribute getAttribute ' +
    'removeAttribute querySelector querySelectorAll getElementById createElement cloneNode preventDefault ' +
    'stopPropagation getReader releaseLock enqueue destroy pipe pipeThrough pipeTo arrayBuffer formData blob ' +
    'removeListener removeAllListeners prependListener setEncoding resume pause unref setTimeout clearTimeout'
  ).split(' '),
);

const containsLine = ({ symbol }: Definition, line: number): boolean =>
  symbol.startLine <= line && line <= symbol.endLine;

/** Whether `inner` lies within `outer`, by the names around them. */
const isPrefix = (outer: readonly string[], inner: readonly string[]): boolean =>
  outer.length <= inner.length && outer.every((name, i) => name === inner[i]);

/** Finds out which definition a call means, from what the texts say: scopes, imports, written types, signatures. */
export class Resolver {
  readonly #symbols: SymbolTable;
  readonly #modules: ModulePaths;
  readonly #fileAt: (path: string) => GraphFile | undefined;
  readonly #bases = new Map<CodeSymbol, Definition[]>();
  /** Per file as it is now: one that changes comes as another object. */
  readonly #scopes = new RecentFiles(
    mostRecent,
    (file: GraphFile) => new FileScopes(file, this.#symbols.ofFile(file.path)),
  );
  /** What has been found out, by the file that asks. */
  readonly #known = new RecentFiles(mostRecent, (_path: string): FileFindings => ({
    files: new Map(),
    seen: new Map(),
    given: new Map(),
  }));
  /** Whether a file exports what it imports. */
  readonly #passing = new WeakMap<GraphFile, boolean>();

  constructor(symbols: SymbolTable, modules: ModulePaths, fileAt: (path: string) => GraphFile | undefined) {
    this.#symbols = symbols;
    this.#modules = modules;
    this.#fileAt = fileAt;
  }

  /** Call it when a file has come, gone or changed. */
  forget(): void {
    this.#bases.clear();
    this.#known.clear();
  }

  #scopesOf(file: GraphFile): FileScopes {
    return this.#scopes.of(file);
  }

  /** Files that a module name can mean in a file. */
  #filesNamed(file: GraphFile, module: string): string[] {
    return known(this.#known.of(file.path).files, module, () =>
      this.#modules.resolve(file.path, file.language, module),
    );
  }

  /** Definitions that a call means: none if it cannot be said, several where a name is defined several times. */
  resolveCall(file: GraphFile, call: CallSite): Definition[] {
    const found = call.receiver === '' ? this.#bareName(file, call.name, call.line) : this.#member(file, call);
    return withoutImplBlocks(distinct(found));
  }

  /** Definitions that a name means where it stands: as a call does, and types where a type stands. */
  resolveUse(file: GraphFile, { name, receiver, line, kind }: Occurrence): Definition[] {
    if (kind === 'import') {
      const named = file.links.imports.flatMap((link) => {
        const names = link.names.filter((each) => each.name === name || each.alias === name);
        return names.length === 0 ? [] : this.definitionsOf(file, { ...link, names });
      });
      if (named.length > 0) return withoutImplBlocks(distinct(named));
    }
    if (receiver !== '') return withoutImplBlocks(distinct(this.#member(file, { name, receiver, line })));
    if (this.#isShadowed(file, name, line)) return [];
    const found = this.#bareName(file, name, line);
    const types = kind === 'type' ? found.filter(isType) : [];
    return withoutImplBlocks(distinct(types.length > 0 ? types : found));
  }

  /** Whether a parameter or a variable of a function around the line has this name. */
  #isShadowed(file: GraphFile, name: string, line: number): boolean {
    if (this.#localOf(file, name, line) !== undefined) return true;
    const around = this.enclosing(file, line).filter(isCode);
    const defined = new Set(this.#symbols.inFile(file.path, name).map(({ symbol }) => symbol.line));
    return this.#scopesOf(file)
      .bindings(name)
      .some(
        (each) =>
          each.until === undefined && !defined.has(each.line) && around.some((scope) => containsLine(scope, each.line)),
      );
  }

  /**
   * The parameter or variable of a function or block around the line that has this name, the innermost; undefined also
   * where a definition of that name lies further in.
   */
  #localOf(file: GraphFile, name: string, line: number): Binding | undefined {
    const bindings = this.#scopesOf(file).bindings(name);
    let at = beginningUpTo(bindings, line) - 1;
    while (at >= 0 && !(line <= (bindings[at]!.until ?? 0))) at--;
    const local = bindings[at];
    if (local === undefined) return undefined;
    const isFurtherIn = this.#inScope(file, name, line).some(({ symbol }) => symbol.line >= local.line);
    return isFurtherIn ? undefined : local;
  }

  /** Files of the workspace that an import brings in. */
  filesOf(file: GraphFile, { module, names }: ImportLink): string[] {
    if (module === '') return [];
    const own = this.#filesNamed(file, module);
    // A package of many files: only those that define what is named.
    const named = names.filter(({ name }) => name !== '*');
    const below = named.flatMap(({ name }) => this.#below(file, module, name));
    if (named.length === 0 || own.length <= 1) return [...own, ...below];
    const defining = named.flatMap(({ name }) => this.#givenBy(file, module, name).types.map((each) => each.file.path));
    return [...defining, ...below];
  }

  /** Definitions that an import names. */
  definitionsOf(file: GraphFile, { module, names }: ImportLink): Definition[] {
    if (module === '') return [];
    return names.flatMap(({ name }) => (name === '*' ? [] : this.#givenBy(file, module, name).types));
  }

  /** Types of the workspace that a written type, or what a value is made by, stands for. */
  writtenTypes(file: GraphFile, written: string, line: number): Definition[] {
    if (!isWritten(written)) return [];
    return this.#typesIn(file, written, line);
  }

  /** Types that a signature names: those it extends or implements, and all others. */
  signatureTypes(file: GraphFile, symbol: CodeSymbol): { bases: Definition[]; types: Definition[] } {
    const definition = this.#symbols.inFile(file.path, shortName(symbol.name)).find((each) => each.symbol === symbol);
    if (definition === undefined) return { bases: [], types: [] };
    const bases = isType(definition) ? this.#basesOf(definition) : [];
    const types = this.#typesIn(file, symbol.signature, symbol.line).filter(
      (each) => each.symbol !== symbol && !bases.includes(each),
    );
    return { bases, types };
  }

  /** Every name in a text that is a type of the workspace, seen from a line; each once. */
  #typesIn(file: GraphFile, text: string, line: number): Definition[] {
    const found: Definition[] = [];
    const seen = new Set<string>();
    for (const [name] of text.matchAll(/[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*/g)) {
      if (seen.has(name)) continue;
      seen.add(name);
      if (this.#symbols.typesNamed(shortName(name)).length === 0) continue;
      const meaning = this.#typeMeaning(file, name, line, 0);
      if (meaning !== null) found.push(...meaning.types);
    }
    return withoutImplBlocks(distinct(found));
  }

  /** Definitions around a line, innermost first. */
  enclosing(file: GraphFile, line: number): readonly Definition[] {
    return this.#scopesOf(file).enclosing(line);
  }

  #bareName(file: GraphFile, name: string, line: number): Definition[] {
    return this.#localOf(file, name, line) === undefined ? this.#knownByName(file, name, line) : [];
  }

  /** What is defined, imported or visible under a name; a parameter of the name is mostly something of the same kind. */
  #knownByName(file: GraphFile, name: string, line: number): Definition[] {
    const local = this.#inScope(file, name, line);
    if (local.length > 0) return local;
    const imported = this.#imported(file, name);
    if (imported !== null) return imported.types;
    const visible = this.#visible(file, name);
    if (visible.length > 0) return visible;
    if (implicitSelf.has(file.language)) {
      const own = this.#membersOf(this.#enclosingTypes(file, line), name);
      if (own.length > 0) return own;
    }
    if (!looseNames.has(file.language)) return [];
    const anywhere = this.#symbols.inFamily(name, file.language);
    return isOnePlace(anywhere) ? [...anywhere] : [];
  }

  /** Definitions in the same file that the line sees: nested ones of the functions around it, and the top ones. */
  #inScope(file: GraphFile, name: string, line: number): Definition[] {
    const own = this.#symbols.inFile(file.path, name);
    if (own.length === 0) return [];
    const around = this.enclosing(file, line)[0]?.symbol;
    const scope = around === undefined ? [] : [...around.container, around.name];
    const seen = own.filter((definition) => {
      const { symbol } = definition;
      if (isMember(definition) && !implicitSelf.has(file.language)) return false;
      return isPrefix(symbol.container, scope) || isType(definition);
    });
    const deepest = Math.max(0, ...seen.map(({ symbol }) => symbol.container.length));
    const nearest = seen.filter(({ symbol }) => symbol.container.length === deepest);
    return familyOf(file.language) === 'script' ? this.#closestBefore(file, nearest, line) : nearest;
  }

  /**
   * Callbacks have no names: what is defined in two of them looks like one scope. The definition that comes last before
   * the line is meant, together with its overloads, which follow one another directly.
   */
  #closestBefore(file: GraphFile, definitions: Definition[], line: number): Definition[] {
    if (definitions.length < 2) return definitions;
    const position = (each: Definition): number => file.symbols.indexOf(each.symbol);
    const sorted = [...definitions].sort((a, b) => position(a) - position(b));
    const groups: Definition[][] = [];
    for (const each of sorted) {
      const last = groups.at(-1);
      if (last !== undefined && position(each) === position(last.at(-1)!) + 1) last.push(each);
      else groups.push([each]);
    }
    return groups.findLast(([first]) => first!.symbol.startLine <= line) ?? groups[0]!;
  }

  /** What an import gives this name; null if none does. An import from outside the workspace gives nothing. */
  #imported(file: GraphFile, alias: string): Meaning | null {
    for (const { link, name } of this.#scopesOf(file).imports(alias)) {
      const meaning = this.#givenBy(file, link.module, name.name);
      if (meaning.types.length > 0 || meaning.modules.length > 0 || !looseNames.has(file.language)) return meaning;
    }
    return null;
  }

  #givenBy(file: GraphFile, module: string, name: string): Meaning {
    return known(this.#known.of(file.path).given, `${module}\u0000${name}`, () =>
      this.#fromModule(file, module, name, 0),
    );
  }

  #fromModule(file: GraphFile, module: string, name: string, depth: number): Meaning {
    const paths = this.#filesNamed(file, module);
    if (name === '*') {
      if (paths.length > 0) return { types: [], modules: paths };
      return { types: this.#typesNamed(file, module), modules: [] };
    }
    const types = this.#exportsOf(paths, name, depth + 1);
    if (types.length > 0) return { types, modules: [] };
    if (familyOf(file.language) === 'script') {
      const modules = paths.flatMap((path) => this.#namespacesOf(path, name, depth + 1));
      if (modules.length > 0) return { types: [], modules };
    }
    // `import static a.b.Type.member`
    const owner = shortName(module);
    const members = paths.flatMap((path) => this.#symbols.inFile(path, name).filter((each) => ownerOf(each) === owner));
    if (members.length > 0) return { types: members, modules: [] };
    if (file.language === 'rust') {
      const modules = this.#rustModule(file, module);
      const inner = modules.flatMap((path) => this.#importedModules(path, name));
      if (inner.length > 0) return { types: [], modules: inner };
      const passed = modules.flatMap((path) => this.#exportOf(path, name, depth + 1));
      if (passed.length > 0) return { types: passed, modules: [] };
    }
    // `from package import module`, `use a::module`, `import a.b.Class`: the name is a file itself.
    const below = this.#below(file, module, name);
    if (below.length === 0) return nothing;
    const inside = below.flatMap((path) => this.#symbols.inFile(path, name).filter(isTop));
    return inside.length > 0 && file.language !== 'python'
      ? { types: inside, modules: [] }
      : { types: [], modules: below };
  }

  /** Files whose exports a file passes on under one name: `export * as name from`, `import * as name` and `export { name }`. */
  #namespacesOf(path: string, name: string, depth: number): string[] {
    const file = this.#fileAt(path);
    if (file === undefined || depth > maxDepth) return [];
    for (const { module, names, exported } of file.links.imports) {
      for (const each of exported ? names : []) {
        if (each.alias !== name && each.alias !== '') continue;
        const found = this.#namespacesBehind(file, module, each, name, depth);
        if (found.length > 0) return found;
      }
    }
    return [];
  }

  /** The same for one name of an exporting import that may be the one that is asked for. */
  #namespacesBehind(
    file: GraphFile,
    module: string,
    { name, alias }: ImportedName,
    asked: string,
    depth: number,
  ): string[] {
    if (module === '') return this.#importedModules(file.path, name);
    const files = this.#filesNamed(file, module);
    if (name === '*' && alias !== '') return files;
    return files.flatMap((path) => this.#namespacesOf(path, name === '*' ? asked : name, depth + 1));
  }

  /** A module by what its crate passes on: `grep::searcher` is what the crate `grep` names `searcher`. */
  #rustModule(file: GraphFile, module: string): string[] {
    const [first, ...rest] = module.split('::');
    if (first === undefined || rest.length === 0) return [];
    let meaning: Meaning | null = { types: [], modules: this.#filesNamed(file, first) };
    for (const name of rest) meaning = meaning === null ? null : this.#nextStep(meaning, { name, called: false }, 0);
    return meaning?.modules ?? [];
  }

  /** Files of the module `module.name`. */
  #below(file: GraphFile, module: string, name: string): string[] {
    const separators: Record<string, string> = { rust: '::', php: '\\' };
    const separator = separators[file.language] ?? '.';
    if (!['python', 'rust', 'php', 'java', 'kotlin', 'scala'].includes(file.language)) return [];
    const joined = module === '' || module.endsWith('.') ? module + name : `${module}${separator}${name}`;
    const paths = this.#filesNamed(file, joined);
    // Rust falls back to the longest known part: that is not below.
    return file.language === 'rust'
      ? paths.filter((path) => new RegExp(`(?:^|/)${name}(?:\\.rs|/mod\\.rs|/lib\\.rs)$`).test(path))
      : paths;
  }

  /**
   * What files define or pass on under a name. A package may have hundreds: only those that define the name are asked,
   * and those that pass others on.
   */
  #exportsOf(paths: readonly string[], name: string, depth: number): Definition[] {
    const defined = this.#symbols.named(name);
    if (paths.length <= defined.length + fewFiles) return paths.flatMap((path) => this.#exportOf(path, name, depth));
    const defining = new Set(defined.map(({ file }) => file.path));
    return paths.flatMap((path) =>
      defining.has(path) || this.#passesOn(path) ? this.#exportOf(path, name, depth) : [],
    );
  }

  #passesOn(path: string): boolean {
    const file = this.#fileAt(path);
    if (file === undefined) return false;
    let passes = this.#passing.get(file);
    if (passes === undefined) this.#passing.set(file, (passes = file.links.imports.some(({ exported }) => exported)));
    return passes;
  }

  /** What a file defines or passes on under a name. */
  #exportOf(path: string, name: string, depth: number): Definition[] {
    const file = this.#fileAt(path);
    if (file === undefined || depth > maxDepth) return [];
    const own = this.#symbols.inFile(path, name).filter(isTop);
    if (own.length > 0) return [...own];
    for (const link of file.links.imports) {
      if (!link.exported) continue;
      for (const each of link.names) {
        const found = this.#passedOn(file, link, each, name, depth);
        if (found.length > 0) return found;
      }
    }
    // `import { a } from …; export { a }`: what is exported under its own name was imported.
    const passedOn = file.links.imports.some(
      ({ module, exported, names }) => exported && module === '' && names.some((each) => each.alias === name),
    );
    return passedOn ? (this.#imported(file, name)?.types ?? []) : [];
  }

  /** What one name of an exporting import stands for, if it is the one that is asked for. */
  #passedOn(
    file: GraphFile,
    link: ImportLink,
    { name, alias }: ImportedName,
    asked: string,
    depth: number,
  ): Definition[] {
    if (alias !== asked && !(alias === '' && name === '*')) return [];
    const wanted = alias === '' ? asked : name;
    if (link.module !== '') return this.#fromModule(file, link.module, wanted, depth + 1).types;
    if (wanted === asked && alias === asked) return [];
    const renamed = this.#exportOf(file.path, wanted, depth + 1);
    if (renamed.length > 0) return renamed;
    return depth < maxDepth ? (this.#imported(file, wanted)?.types ?? []) : [];
  }

  /** Names that imports or the folder make visible without naming them. */
  #visible(file: GraphFile, name: string): Definition[] {
    return known(this.#known.of(file.path).seen, name, () => this.#findVisible(file, name));
  }

  #findVisible(file: GraphFile, name: string): Definition[] {
    for (const { module } of this.#scopesOf(file).opening) {
      const others = this.#filesNamed(file, module).filter((path) => path !== file.path);
      const found = this.#exportsOf(others, name, 1);
      if (found.length > 0) return found;
    }
    if (!folderScope.has(file.language)) return [];
    const folder = folderOf(file.path);
    return this.#symbols
      .inFamily(name, file.language)
      .filter((each) => folderOf(each.file.path) === folder && isTop(each));
  }

  #member(file: GraphFile, call: CallSite, depth = 0): Definition[] {
    const steps = receiverSteps(call.receiver);
    if (steps !== null) {
      const meaning = this.#meaningOf(file, steps, call.line, depth);
      if (meaning !== null) {
        if (meaning.types.length > 0) return this.#membersOf(meaning.types, call.name);
        const exported = meaning.modules.flatMap((path) => this.#exportOf(path, call.name, 0));
        return exported;
      }
    }
    // A type or module of another name than those of the workspace is a global one: `Promise.race`.
    const isGlobal = steps?.length === 1 && /^[A-Z]/.test(steps[0]!.name) && !looseNames.has(file.language);
    return isGlobal ? [] : this.#onlyMember(file, call.name);
  }

  /**
   * A member on a value of unknown type: the only one of that name, if the name is no common one. What only tests
   * define is not called by what they test.
   */
  #onlyMember(file: GraphFile, name: string): Definition[] {
    if (name.length < 4 || commonMembers.has(name)) return [];
    const all = this.#symbols.inFamily(name, file.language).filter((each) => isMember(each));
    if (!isOnePlace(all)) return [];
    return isTest(all[0]!.file) && !isTest(file) ? [] : all;
  }

  /** Null if nothing is known; `nothing` if it is known to lie outside the workspace. */
  #meaningOf(file: GraphFile, steps: readonly ReceiverStep[], line: number, depth: number): Meaning | null {
    if (depth > maxDepth) return null;
    const [first, ...rest] = steps;
    if (first === undefined) return null;
    let meaning = this.#firstStep(file, first, line, depth);
    let known = first.name;
    for (const [i, step] of rest.entries()) {
      if (meaning === null) {
        // `import a.b` makes `a.b` a name of its own.
        known = `${known}.${step.name}`;
        if (i < 4) meaning = this.#imported(file, known);
        continue;
      }
      meaning = this.#nextStep(meaning, step, depth);
    }
    return meaning;
  }

  #firstStep(file: GraphFile, { name, called }: ReceiverStep, line: number, depth: number): Meaning | null {
    if (name.startsWith('new ')) return this.#typeMeaning(file, name.slice(4), line, depth + 1);
    if (selfWords.has(name) || (name === 'type' && called)) {
      const types = this.#enclosingTypes(file, line);
      return types.length > 0 ? { types, modules: [] } : null;
    }
    if (superWords.has(name)) {
      const types = this.#enclosingTypes(file, line).flatMap((type) => this.#basesOf(type));
      return { types, modules: [] };
    }
    if (called) {
      const local = this.#localOf(file, name, line);
      if (local !== undefined && !isUnsaid(local.type))
        return this.#calledMeaning(this.#typeMeaning(file, local.type, local.line, depth + 1), depth);
      const callees = this.#knownByName(file, name, line);
      return callees.length > 0 ? this.#resultOf(callees, depth) : this.#imported(file, name);
    }
    const binding = this.#bindingOf(file, name, line);
    if (binding !== undefined) {
      const meaning = this.#typeMeaning(file, binding.type, binding.line, depth + 1);
      if (!isUnsaid(binding.type)) return meaning;
      if (meaning !== null && meaning.types.length > 0) return meaning;
      const namesake = this.#namesake(file, name, line);
      if (namesake !== undefined) return this.#typeMeaning(file, namesake.type, namesake.line, depth + 1);
    }
    if (file.language === 'go') {
      const receiver = this.#goReceiver(file, name, line);
      if (receiver.length > 0) return { types: receiver, modules: [] };
    }
    return this.#nameMeaning(file, name, line, depth);
  }

  /** A bare name that is no variable: something imported or local, a type, a module, a field of the type around it. */
  #nameMeaning(file: GraphFile, name: string, line: number, depth: number): Meaning | null {
    const imported = this.#imported(file, name);
    const local = this.#inScope(file, name, line).filter(isType);
    // Rust's `mod a;` is a definition and an import.
    if (local.length > 0 && (imported === null || imported.modules.length === 0)) return { types: local, modules: [] };
    if (imported !== null) return this.#valueMeaning(imported, depth);
    const visible = this.#visible(file, name).filter(isType);
    if (visible.length > 0) return { types: visible, modules: [] };
    if (implicitSelf.has(file.language)) {
      const field = this.#fieldMeaning(this.#enclosingTypes(file, line), name, depth);
      if (field !== null) return field;
    }
    // The names of crates are known everywhere.
    if (file.language === 'rust') {
      const modules = this.#filesNamed(file, name);
      if (modules.length > 0) return { types: [], modules };
    }
    if (file.language === 'ocaml' && /^[A-Z]/.test(name)) {
      const modules = this.#filesNamed(file, name[0]!.toLowerCase() + name.slice(1));
      if (modules.length > 0) return { types: [], modules };
    }
    const types = /^[A-Z]/.test(name) ? this.#typesNamed(file, name) : [];
    return types.length > 0 ? { types, modules: [] } : null;
  }

  /** An imported constant stands for the type of its value. */
  #valueMeaning(meaning: Meaning, depth: number): Meaning | null {
    if (meaning.modules.length > 0 || meaning.types.length === 0) return meaning;
    if (meaning.types.some(isType)) return { types: meaning.types.filter(isType), modules: [] };
    const [constant] = meaning.types;
    const { file, symbol } = constant!;
    const binding = this.#bindingOf(file, symbol.name, symbol.line);
    return binding === undefined ? null : this.#typeMeaning(file, binding.type, symbol.line, depth + 1);
  }

  /** Modules that a file imports under a name. */
  #importedModules(path: string, name: string): string[] {
    const file = this.#fileAt(path);
    return file === undefined ? [] : (this.#imported(file, name)?.modules ?? []);
  }

  #nextStep(meaning: Meaning, { name, called }: ReceiverStep, depth: number): Meaning | null {
    if (meaning.modules.length > 0) {
      const found = meaning.modules.flatMap((path) => this.#exportOf(path, name, 0));
      if (found.length > 0)
        return called ? this.#resultOf(found, depth) : this.#valueMeaning({ types: found, modules: [] }, depth);
      return { types: [], modules: meaning.modules.flatMap((path) => this.#importedModules(path, name)) };
    }
    if (meaning.types.length === 0) return meaning;
    if (called) {
      const members = this.#membersOf(meaning.types, name);
      return members.length > 0 ? this.#resultOf(members, depth, meaning.types) : null;
    }
    return this.#fieldMeaning(meaning.types, name, depth);
  }

  /** What a field of a type holds, or the type nested in it. */
  #fieldMeaning(types: readonly Definition[], name: string, depth: number): Meaning | null {
    for (const type of this.#withBases(types)) {
      const { file, symbol } = type;
      const inside = (line: number): boolean => this.#spans(type).some((span) => containsLine(span, line));
      const fields = this.#scopesOf(file)
        .bindings(`this.${name}`)
        .filter((each) => inside(each.line));
      for (const field of fields) {
        const meaning = this.#typeMeaning(file, field.type, field.line, depth + 1);
        if (meaning !== null && meaning.types.length > 0) return meaning;
      }
      if (fields.length > 0) return null;
      const nested = this.#symbols.inFile(file.path, name).filter((each) => ownerOf(each) === shortName(symbol.name));
      if (nested.some(isType)) return { types: nested.filter(isType), modules: [] };
      // A property with a getter.
      if (nested.length > 0) return this.#resultOf(nested, depth);
    }
    return null;
  }

  /**
   * What a call of these gives: an instance of the class, or what the signature says. `callers` are the types whose
   * members are called: what returns itself returns one of those, though a base defines it.
   */
  #resultOf(callees: readonly Definition[], depth: number, callers: readonly Definition[] = []): Meaning | null {
    const types: Definition[] = [];
    for (const callee of callees) {
      if (isType(callee)) types.push(callee);
      else if (callee.symbol.kind === 'constructor') types.push(...this.#typesNamed(callee.file, ownerOf(callee)));
      else {
        const given = isValue(callee) ? this.#calledValue(callee, depth) : null;
        if (given !== null) {
          types.push(...given.types);
          continue;
        }
        const type = this.#returnType(callee);
        if (type === '') continue;
        if (selfWords.has(type)) {
          types.push(...(callers.length > 0 ? callers : this.#ownerTypes(callee)));
          continue;
        }
        const meaning = this.#typeMeaning(callee.file, type, callee.symbol.line, depth + 1);
        if (meaning !== null) types.push(...meaning.types);
      }
    }
    return types.length > 0 ? { types: distinct(types), modules: [] } : null;
  }

  /** What a call of a constant, a variable or a property gives. */
  #calledValue(callee: Definition, depth: number): Meaning | null {
    if (depth > maxDepth) return null;
    if (callee.symbol.kind === 'property') return this.#calledProperty(callee, depth);
    const { file, symbol } = callee;
    const binding = this.#bindingOf(file, symbol.name, symbol.line);
    // `const create = Schema.create`
    return binding?.type.startsWith('=') === true
      ? this.#typeMeaning(file, `${binding.type.slice(1)}()`, symbol.line, depth + 1)
      : this.#calledMeaning(this.#valueMeaning({ types: [callee], modules: [] }, depth + 1), depth);
  }

  /** As its function type says, or the call signature of the type that it names. */
  #calledProperty({ file, symbol }: Definition, depth: number): Meaning | null {
    const field = `this.${symbol.name}`;
    const meaningOf = (name: string): Meaning | null => {
      const binding = this.#scopesOf(file)
        .bindings(name)
        .find((each) => each.line === symbol.line);
      return binding === undefined ? null : this.#typeMeaning(file, binding.type, binding.line, depth + 1);
    };
    return meaningOf(calledField(field)) ?? this.#calledMeaning(meaningOf(field), depth);
  }

  /** What a call of a value of these types gives: as their call signatures say. */
  #calledMeaning(meaning: Meaning | null, depth: number): Meaning | null {
    if (meaning === null || depth > maxDepth) return null;
    for (const type of this.#withBases(meaning.types)) {
      const { file, symbol } = type;
      const types = this.#scopesOf(file)
        .bindings(returnedName)
        .filter(({ line }) => this.enclosing(file, line)[0]?.symbol === symbol)
        .flatMap((given) => this.#typeMeaning(file, given.type, given.line, depth + 1)?.types ?? []);
      if (types.length > 0) return { types: distinct(types), modules: [] };
    }
    return null;
  }

  /** As the signature says, or where that is silent or cut short, as the text below it does. */
  #returnType(callee: Definition): string {
    const { file, symbol } = callee;
    const written = symbol.signature.endsWith('…') ? '' : returnTypeOf(symbol.signature, file.language);
    if (written !== '') return written;
    const returned = this.#scopesOf(file)
      .bindings(returnedName)
      .filter(({ line }) => this.enclosing(file, line).find(isCode)?.symbol === symbol);
    return returned.at(0)?.type ?? '';
  }

  /** What a written type, or the `callee()` of a binding, means in a file. */
  #typeMeaning(file: GraphFile, written: string, line: number, depth: number): Meaning | null {
    if (depth > maxDepth || written === '') return null;
    if (written.startsWith('=')) {
      // Assigned from a parameter, another variable or a member: its type, if that was written.
      const steps = receiverSteps(written.slice(1));
      return steps === null ? null : this.#meaningOf(file, steps, line, depth + 1);
    }
    const callback = callbackPlace(written);
    if (callback !== null) return this.#callbackMeaning(file, callback, line, depth + 1);
    if (written.endsWith('()')) {
      const steps = receiverSteps(written);
      return steps === null ? null : this.#meaningOf(file, steps, line, depth + 1);
    }
    const types: Definition[] = [];
    for (const part of written.split(/\s*[|&]\s*/)) {
      const names = part
        .trim()
        .replace(/^["']|["']$/g, '')
        .split(/::|\.|\\/);
      if (names.length > 1) {
        const steps = names.map((name) => ({ name, called: false }));
        const meaning = this.#meaningOf(file, steps, line, depth + 1);
        if (meaning !== null) types.push(...meaning.types);
        continue;
      }
      if (selfWords.has(part)) types.push(...this.#enclosingTypes(file, line));
      else types.push(...this.#namedType(file, part, line, depth));
    }
    return { types: distinct(types), modules: [] };
  }

  /** What a callback is given by what is called with it: as that writes the type of its own parameter. */
  #callbackMeaning(file: GraphFile, place: CallbackPlace, line: number, depth: number): Meaning | null {
    if (depth > maxDepth) return null;
    const dot = place.callee.lastIndexOf('.');
    const [receiver, name] = [place.callee.slice(0, Math.max(0, dot)), place.callee.slice(dot + 1)];
    const callees =
      receiver === '' ? this.#bareName(file, name, line) : this.#member(file, { name, receiver, line }, depth);
    for (const callee of callees) {
      const written = parameterType(callee.symbol.signature, place.argument);
      const meaning = this.#givenToCallback(callee, written, place.parameter, depth);
      if (meaning !== null && meaning.types.length > 0) return meaning;
    }
    return null;
  }

  /** A parameter of a function type that is written at a definition, there or as the name of a type. */
  #givenToCallback(at: Definition, written: string, parameter: number, depth: number): Meaning | null {
    const type = functionType(written);
    if (type !== '')
      return this.#typeMeaning(at.file, plainType(parameterType(type, parameter)), at.symbol.line, depth + 1);
    for (const alias of this.#typeMeaning(at.file, plainType(written), at.symbol.line, depth + 1)?.types ?? []) {
      const aliased = functionType(/=\s*([^]*)$/.exec(alias.symbol.signature)?.[1] ?? '');
      if (alias.symbol.kind !== 'type' || aliased === '') continue;
      return this.#typeMeaning(alias.file, plainType(parameterType(aliased, parameter)), alias.symbol.line, depth + 1);
    }
    return null;
  }

  #namedType(file: GraphFile, name: string, line: number, depth: number): Definition[] {
    const local = this.#inScope(file, name, line).filter(isType);
    const found =
      local.length > 0 ? local : (this.#imported(file, name)?.types ?? this.#visible(file, name)).filter(isType);
    const types = found.length > 0 ? found : looseNames.has(file.language) ? this.#typesNamed(file, name) : [];
    if (types.length === 0) return this.#constraintOf(file, name, line, depth);
    return types.flatMap((type) => this.#unaliased(type, depth));
  }

  /** What a name is known to be that stands for types: `T extends Foo`. */
  #constraintOf(file: GraphFile, name: string, line: number, depth: number): Definition[] {
    const constraint = this.#bindingOf(file, typeParameter(name), line);
    return constraint === undefined
      ? []
      : (this.#typeMeaning(file, constraint.type, constraint.line, depth + 1)?.types ?? []);
  }

  /** `type A = B`: what B is, if that can be said. */
  #unaliased(type: Definition, depth: number): Definition[] {
    if (type.symbol.kind !== 'type') return [type];
    const aliased = /=\s*([\w$.]+)\s*(?:<[^]*)?;?$/.exec(type.symbol.signature)?.[1];
    if (aliased === undefined || aliased === type.symbol.name) return [type];
    const meaning = this.#typeMeaning(type.file, aliased, type.symbol.line, depth + 1);
    return meaning !== null && meaning.types.length > 0 ? meaning.types : [type];
  }

  #typesNamed(file: GraphFile, name: string): Definition[] {
    const all = this.#symbols
      .typesNamed(shortName(name))
      .filter(
        (each) =>
          familyOf(each.file.language) === familyOf(file.language) &&
          (!name.includes('.') || each.symbol.name === name || shortName(name) === each.symbol.name),
      );
    return isOnePlace(all) ? all : [];
  }

  /** The last binding of a name before a line, in the innermost scope that has one. */
  #bindingOf(file: GraphFile, name: string, line: number): Binding | undefined {
    const local = this.#localOf(file, name, line);
    if (local !== undefined) return local;
    const candidates = this.#scopesOf(file)
      .bindings(name)
      .filter(({ until }) => until === undefined);
    if (candidates.length === 0) return undefined;
    const around = [...this.enclosing(file, line).filter((each) => !isType(each))];
    for (const scope of around) {
      const inside = candidates.filter((each) => containsLine(scope, each.line));
      if (inside.length > 0) return lastBefore(inside, line);
    }
    const outside = candidates.filter(
      (each) => !this.enclosing(file, each.line).some((scope) => isCode(scope) && each.line !== scope.symbol.line),
    );
    return outside.length > 0 ? lastBefore(outside, line) : undefined;
  }

  /** Parameters of one name in one file are mostly of one type, which is written at some of them only. */
  #namesake(file: GraphFile, name: string, line: number): Binding | undefined {
    const typed = this.#scopesOf(file)
      .bindings(name)
      .filter(({ type, until }) => until !== undefined && isWritten(type));
    return typed.length > 0 ? lastBefore(typed, line) : undefined;
  }

  #goReceiver(file: GraphFile, name: string, line: number): Definition[] {
    const method = this.enclosing(file, line).at(-1);
    if (method === undefined) return [];
    const receiver = /^func\s*\(\s*(\w+)\s+\*?\s*(\w+)/.exec(method.symbol.signature);
    if (receiver?.[1] !== name) return [];
    return this.#namedType(file, receiver[2]!, line, 0);
  }

  #enclosingTypes(file: GraphFile, line: number): Definition[] {
    const around = this.enclosing(file, line);
    const type = around.find(isType);
    if (type !== undefined) return this.#spans(type);
    return around.flatMap((each) => this.#ownerTypes(each));
  }

  #ownerTypes(definition: Definition): Definition[] {
    const owner = ownerOf(definition);
    if (owner === '') return [];
    const near = this.#symbols.inFile(definition.file.path, owner).filter(isType);
    return near.length > 0 ? near : this.#namedType(definition.file, owner, definition.symbol.line, 0);
  }

  /** All places in its file that define a type: Rust's `impl` blocks, C#'s and Ruby's reopened classes. */
  #spans(type: Definition): Definition[] {
    const same = this.#symbols.inFile(type.file.path, shortName(type.symbol.name)).filter(isType);
    return same.length > 0 ? [...same] : [type];
  }

  /** Bases as the signature names them. While they are being found a type has none: classes may refer to each other. */
  #basesOf(type: Definition): Definition[] {
    const known = this.#bases.get(type.symbol);
    if (known !== undefined) return known;
    this.#bases.set(type.symbol, []);
    const mixed = this.#scopesOf(type.file)
      .bindings(baseName)
      .filter(({ line }) => this.enclosing(type.file, line).find(isType)?.symbol === type.symbol);
    const written = [...basesOf(type.symbol.signature, type.file.language), ...mixed.map((each) => each.type)];
    const bases = written.flatMap((base) => {
      const meaning = this.#typeMeaning(type.file, base, type.symbol.line, 0);
      return (meaning?.types ?? []).filter((each) => each.symbol !== type.symbol);
    });
    this.#bases.set(type.symbol, bases);
    return bases;
  }

  /** The types themselves, then their bases, nearest first, each once. */
  #withBases(types: readonly Definition[]): Definition[] {
    const found: Definition[] = [];
    const seen = new Set<unknown>();
    let level = types.flatMap((type) => this.#spans(type));
    for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
      const fresh = distinct(level).filter(({ symbol }) => !seen.has(symbol));
      for (const each of fresh) seen.add(each.symbol);
      found.push(...fresh);
      level = fresh.flatMap((type) => this.#basesOf(type));
    }
    return found;
  }

  #membersOf(types: readonly Definition[], name: string): Definition[] {
    for (const type of this.#withBases(types)) {
      const owner = shortName(type.symbol.name).replace(/<.*$/, '');
      const own = this.#symbols.members(owner, name, type.file.language);
      const near = own.filter(({ file }) => file.path === type.file.path);
      if (near.length > 0) return near;
      const beside = own.filter(({ file }) => folderOf(file.path) === folderOf(type.file.path));
      if (
        beside.length > 0 &&
        ['go', 'rust', 'cpp', 'c', 'csharp', 'objc', 'swift', 'ruby'].includes(type.file.language)
      )
        return beside;
    }
    return [];
  }
}

/** The value under a key, made when it is first asked for. */
function known<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const isTest = ({ path }: GraphFile): boolean => fileRole(path, '') === 'test';

/** Something that can be called only if what it holds can be. */
const isValue = ({ symbol }: Definition): boolean => ['constant', 'variable', 'property'].includes(symbol.kind);

/** Functions and methods: their bindings are their own. */
const isCode = ({ symbol }: Definition): boolean => ['function', 'method', 'constructor'].includes(symbol.kind);

/** Can be imported: not a member, not inside a function. */
const isTop = (definition: Definition): boolean => {
  const { symbol, file } = definition;
  if (file.language === 'go') return ownerOf(definition) === '';
  return symbol.container.length === 0 || isModuleMember(definition);
};

const isModuleMember = ({ symbol, file }: Definition): boolean =>
  file.symbols.some(
    (outer) => outer.kind === 'module' && symbol.container.length === 1 && outer.name === symbol.container[0],
  );

const memberKinds = new Set(['method', 'property', 'constructor']);
const isMember = (definition: Definition): boolean =>
  memberKinds.has(definition.symbol.kind) || (definition.file.language !== 'go' ? false : ownerOf(definition) !== '');

/** One definition, or several of one name and owner in one file: overloads, or a declaration beside its body. */
function isOnePlace(definitions: readonly Definition[]): boolean {
  if (definitions.length === 0) return false;
  const [first] = definitions;
  return definitions.every((each) => each.file === first!.file && ownerOf(each) === ownerOf(first!));
}

/** Nothing is written at the name itself. */
const isUnsaid = (type: string): boolean => type === '' || callbackPlace(type) !== null;

/** A type that stands there, not the value that would say it. */
const isWritten = (type: string): boolean => !isUnsaid(type) && !type.startsWith('=') && !type.endsWith('()');

/** How many bindings stand at or before a line; they come in the order of their lines where they have an end. */
function beginningUpTo(bindings: readonly Binding[], line: number): number {
  let [low, high] = [0, bindings.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bindings[middle]!.line <= line) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lastBefore(bindings: readonly Binding[], line: number): Binding {
  const before = bindings.filter((each) => each.line <= line);
  return before.at(-1) ?? bindings[0]!;
}

/** Rust's `impl Foo` stands beside `struct Foo`: the type is what is meant. */
function withoutImplBlocks(definitions: Definition[]): Definition[] {
  const types = definitions.filter(({ symbol, file }) => file.language !== 'rust' || symbol.kind !== 'class');
  return types.length > 0 ? types : definitions;
}

function distinct(definitions: readonly Definition[]): Definition[] {
  const seen = new Set<unknown>();
  return definitions.filter(({ symbol }) => {
    if (seen.has(symbol)) return false;
    seen.add(symbol);
    return true;
  });
}
