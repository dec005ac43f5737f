import type { CodeSymbol } from '../model.ts';
import {
  buildDefinitionGraph,
  definitionGraphSteps,
  fileOfNode,
  neighbourFiles,
  reversed,
  type DefinitionGraph,
  type NeighbourFile,
} from './definitionGraph.ts';
import { ModulePaths } from './modulePaths.ts';
import { Resolver } from './resolver.ts';
import { ownerOf, shortName, SymbolTable, type Definition } from './symbolTable.ts';
import type { CallSite, GraphFile, Occurrence, OccurrenceKind } from './types.ts';

export type { Definition };

/** A call and what it means. */
export interface ResolvedCall {
  file: GraphFile;
  call: CallSite;
  /** The innermost definition around it; undefined at the top of a file. */
  caller: Definition | undefined;
  callee: Definition;
}

/** An occurrence that means a definition. */
export interface Use extends Omit<Occurrence, 'kind'> {
  kind: OccurrenceKind | 'call';
  /** The innermost definition around it; undefined at the top of a file. */
  inside: Definition | undefined;
}

const placeOf = ({ file, symbol }: Definition): string => `${file.path}:${symbol.line}:${symbol.name}`;

/**
 * Who calls whom, and which file uses which. Nothing is resolved before it is asked for: the callers of a name are
 * found among the calls of that name, the callees of a definition among the calls in its lines.
 */
export class CodeGraph {
  readonly #files = new Map<string, GraphFile>();
  readonly #symbols = new SymbolTable();
  readonly #modules = new ModulePaths();
  readonly #resolver = new Resolver(this.#symbols, this.#modules, (path) => this.#files.get(path));
  /** Files by the names that they call; made when it is first asked for, since linking needs none of it. */
  #calling: Map<string, Set<string>> | undefined;
  /** Other names that imports give to a name. */
  readonly #aliases = new Map<string, Set<string>>();
  /** Resolved imports by file; forgotten with every change. */
  readonly #imports = new Map<string, readonly string[]>();
  /** Counts the changes. */
  #version = 0;
  #edges: DefinitionGraph | undefined;
  #backEdges: DefinitionGraph | undefined;

  get size(): number {
    return this.#files.size;
  }

  put(file: GraphFile): void {
    this.remove(file.path);
    this.#files.set(file.path, file);
    this.#symbols.put(file);
    this.#modules.put(file.path, file.links.roots);
    if (this.#calling !== undefined) addCalling(this.#calling, file);
    for (const { name, alias } of file.links.imports.flatMap(({ names }) => names)) {
      if (alias === '' || alias === name || name === '*') continue;
      const known = this.#aliases.get(name);
      if (known === undefined) this.#aliases.set(name, new Set([alias]));
      else known.add(alias);
    }
    this.#forget();
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#symbols.remove(path);
    this.#modules.remove(path);
    if (this.#calling !== undefined) for (const { name } of file.links.calls) this.#calling.get(name)?.delete(path);
    this.#forget();
  }

  #forget(): void {
    this.#version++;
    this.#imports.clear();
    this.#resolver.forget();
    this.#edges = undefined;
    this.#backEdges = undefined;
  }

  /** Definitions of a name, `Type.member` included. */
  definitions(name: string): Definition[] {
    const parts = name.split(/::|\.|#|›/).map((part) => part.trim());
    const last = parts.at(-1)!;
    const all = this.#symbols.named(last);
    if (parts.length === 1) return [...all];
    const owners = parts.slice(0, -1);
    return all.filter((definition) => {
      const outer = definition.symbol.container.map(shortName);
      const names = outer.length > 0 ? outer : [ownerOf(definition)];
      return owners.every((owner, i) => names[names.length - owners.length + i] === owner);
    });
  }

  /** Files of the workspace that a file imports. */
  importsOf(path: string): readonly string[] {
    const known = this.#imports.get(path);
    if (known !== undefined) return known;
    const file = this.#files.get(path);
    const found = new Set<string>();
    for (const link of file?.links.imports ?? []) {
      for (const each of this.#resolver.filesOf(file!, link)) if (each !== path) found.add(each);
    }
    const imports = [...found];
    this.#imports.set(path, imports);
    return imports;
  }

  /** Calls within the lines of a definition, each with what it means; calls of what is not known are left out. */
  callees({ file, symbol }: Definition): ResolvedCall[] {
    return file.links.calls
      .filter(({ line }) => symbol.startLine <= line && line <= symbol.endLine)
      .flatMap((call) => this.#resolve(file, call));
  }

  /** Every call that means this definition. */
  callers(definition: Definition): ResolvedCall[] {
    const wanted = placeOf(definition);
    return this.#calledAs(definition)
      .flatMap((name) => this.#filesCalling(name).map((file) => ({ name, file })))
      .flatMap(({ name, file }) =>
        file.links.calls
          .filter((call) => call.name === name)
          .flatMap((call) => this.#resolve(file, call).filter(({ callee }) => placeOf(callee) === wanted)),
      )
      .sort((a, b) => (a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : a.call.line - b.call.line));
  }

  /** Every call of every file; for measuring. */
  *all(): Generator<ResolvedCall> {
    for (const file of this.#files.values()) for (const call of file.links.calls) yield* this.#resolve(file, call);
  }

  /** The file of each definition that a call in this file means, once a call. */
  *filesCalledFrom(path: string): Generator<string> {
    const file = this.#files.get(path);
    for (const call of file?.links.calls ?? [])
      for (const callee of this.#resolver.resolveCall(file!, call)) yield callee.file.path;
  }

  /** Names under which a definition is used: its own, and those that imports give it. */
  namesOf(definition: Definition): string[] {
    const { symbol, name } = definition;
    const names = new Set([name]);
    for (const file of this.#files.values()) {
      for (const link of file.links.imports) {
        const renamed = link.names.filter(
          (each) => (each.name === name || each.name === 'default') && !['', '*', 'default', name].includes(each.alias),
        );
        for (const { name: from, alias } of renamed) {
          const found = this.#resolver.definitionsOf(file, { ...link, names: [{ name: from, alias }] });
          if (found.some((each) => each.symbol === symbol)) names.add(alias);
        }
      }
    }
    return [...names];
  }

  /** Those of the occurrences in a file that mean this definition; where it is defined is no use of it. */
  usesOf(definition: Definition, path: string, occurrences: readonly Occurrence[]): Use[] {
    const file = this.#files.get(path);
    if (file === undefined) return [];
    const calls = new Set(file.links.calls.map(({ name, line }) => `${line} ${name}`));
    const defined = new Set(file.symbols.map(({ name, line }) => `${line} ${shortName(name)}`));
    return occurrences
      .filter(
        (each) =>
          !defined.has(`${each.line} ${each.name}`) &&
          this.#resolver.resolveUse(file, each).some(({ symbol }) => symbol === definition.symbol),
      )
      .map((each) => ({
        ...each,
        kind: each.kind !== 'import' && calls.has(`${each.line} ${each.name}`) ? 'call' : each.kind,
        inside: this.callerAt(file, each.line),
      }));
  }

  /** Files that call something by one of these names. */
  callersByName(names: readonly string[]): string[] {
    return names.flatMap((name) => this.#filesCalling(name).map(({ path }) => path));
  }

  /** Files that call something by this name, in the order in which they came. */
  #filesCalling(name: string): GraphFile[] {
    if (this.#calling === undefined) {
      this.#calling = new Map();
      for (const file of this.#files.values()) addCalling(this.#calling, file);
    }
    return [...(this.#calling.get(name) ?? [])].map((path) => this.#files.get(path)!);
  }

  /** Everything that uses everything, in flat arrays. Computed once and kept until a file changes. */
  edges(): DefinitionGraph {
    return (this.#edges ??= buildDefinitionGraph(this));
  }

  /** Computes them a file a step. When a file changes meanwhile it is given up: `edges()` then computes them at once. */
  *edgeSteps(): Generator<void, void> {
    if (this.#edges !== undefined) return;
    const version = this.#version;
    const steps = definitionGraphSteps(this);
    for (;;) {
      const { done, value } = steps.next();
      if (this.#version !== version) return;
      if (done === true) return void (this.#edges = value);
      yield;
    }
  }

  /** The same edges by what they lead to. */
  backEdges(): DefinitionGraph {
    return (this.#backEdges ??= reversed(this.edges()));
  }

  /** Files that a file uses, and those that use it, the closest first. */
  neighbours(path: string): { uses: NeighbourFile[]; usedBy: NeighbourFile[] } {
    return { uses: neighbourFiles(this.edges(), path), usedBy: neighbourFiles(this.backEdges(), path) };
  }

  file(path: string): GraphFile | undefined {
    return this.#files.get(path);
  }

  /** The definition at a node of `edges()`; undefined for a file. */
  definitionAt(node: number): { file: GraphFile; symbol: CodeSymbol } | undefined {
    const graph = this.edges();
    const at = fileOfNode(graph, node);
    const file = this.#files.get(graph.paths[at]!);
    const symbol = file?.symbols[node - graph.firstNode[at]! - 1];
    return file === undefined || symbol === undefined ? undefined : { file, symbol };
  }

  files(): Iterable<GraphFile> {
    return this.#files.values();
  }

  calleesOf(file: GraphFile, call: CallSite): readonly Definition[] {
    return this.#resolver.resolveCall(file, call);
  }

  /** Types of the workspace that a written type names. */
  typesOf(file: GraphFile, written: string, line: number): readonly Definition[] {
    return this.#resolver.writtenTypes(file, written, line);
  }

  /** Types of the workspace in a definition's signature; the bases of a type by themselves. */
  typesOfSignature(
    file: GraphFile,
    symbol: CodeSymbol,
  ): { bases: readonly Definition[]; types: readonly Definition[] } {
    return this.#resolver.signatureTypes(file, symbol);
  }

  /** Definitions that a file imports by name. */
  importedBy(file: GraphFile): readonly Definition[] {
    return file.links.imports.flatMap((link) => this.#resolver.definitionsOf(file, link));
  }

  #resolve(file: GraphFile, call: CallSite): ResolvedCall[] {
    const callees = this.#resolver.resolveCall(file, call);
    if (callees.length === 0) return [];
    const caller = this.callerAt(file, call.line);
    return callees.map((callee) => ({ file, call, caller, callee }));
  }

  /** A field that holds a function is the function; one that only calls something is part of its class. */
  callerAt(file: GraphFile, line: number): Definition | undefined {
    const around = this.#resolver.enclosing(file, line);
    return around.find(({ symbol }) => symbol.kind !== 'variable' && symbol.kind !== 'constant') ?? around[0];
  }

  /** Names under which a definition is called. */
  #calledAs({ symbol }: { symbol: CodeSymbol }): string[] {
    const name = shortName(symbol.name);
    const names = new Set([name, ...(this.#aliases.get(name) ?? []), ...(this.#aliases.get('default') ?? [])]);
    const owner = symbol.container.at(-1);
    if (owner !== undefined && (symbol.kind === 'constructor' || ['constructor', '__init__'].includes(name)))
      names.add(owner);
    return [...names];
  }
}

function addCalling(calling: Map<string, Set<string>>, { path, links }: GraphFile): void {
  for (const { name } of links.calls) {
    const paths = calling.get(name);
    if (paths === undefined) calling.set(name, new Set([path]));
    else paths.add(path);
  }
}
