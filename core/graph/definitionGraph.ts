import type { CodeSymbol } from '../model.ts';
import { isSection, type Definition } from './symbolTable.ts';
import type { CallSite, GraphFile } from './types.ts';

/** What leads from one definition to another; an edge may have several. */
export const edgeKinds = {
  /** A call, a construction, an applied decorator or macro. */
  call: 1,
  /** A type in a signature, of a variable, of a field. */
  type: 2,
  /** A class extends or implements it. */
  base: 4,
  /** A file imports it by name, or a file as a whole. */
  import: 8,
} as const;

/**
 * All files and definitions as nodes, what they use as edges, in flat arrays: ready for PageRank and the like.
 *
 * Files are sorted by path. File `f` is node `firstNode[f]` and stands for what is at its top level; its `i`-th symbol
 * (in the order of the file's symbols) is node `firstNode[f] + 1 + i`. Headings are nodes without edges.
 * The edges of node `n` are `firstEdge[n]` up to `firstEdge[n + 1]`, sorted by target; none leads to its own node.
 */
export interface DefinitionGraph {
  readonly paths: readonly string[];
  /** One more than files: the last is the number of nodes. */
  readonly firstNode: Uint32Array;
  /** One more than nodes: the last is the number of edges. */
  readonly firstEdge: Uint32Array;
  readonly target: Uint32Array;
  /** How often it is used; a use that can mean several definitions counts in equal parts for each. */
  readonly weight: Float32Array;
  /** Bits of `edgeKinds`. */
  readonly kinds: Uint8Array;
}

/** What knows the files and finds out who is meant: the code graph. */
export interface DefinitionSource {
  files(): Iterable<GraphFile>;
  calleesOf(file: GraphFile, call: CallSite): readonly Definition[];
  callerAt(file: GraphFile, line: number): Definition | undefined;
  typesOf(file: GraphFile, written: string, line: number): readonly Definition[];
  typesOfSignature(file: GraphFile, symbol: CodeSymbol): { bases: readonly Definition[]; types: readonly Definition[] };
  importedBy(file: GraphFile): readonly Definition[];
  importsOf(path: string): readonly string[];
}

/** A file that another one uses, and how much. */
export interface NeighbourFile {
  path: string;
  /** Uses of its definitions, plus one for importing it. */
  weight: number;
}

/** Node of a file, or of its symbol at this index; -1 if there is no such file. */
export function nodeOf({ paths, firstNode }: DefinitionGraph, path: string, symbolIndex = -1): number {
  const file = indexOfPath(paths, path);
  return file < 0 ? -1 : firstNode[file]! + 1 + symbolIndex;
}

/** Index into `paths` of the file that a node belongs to. */
export function fileOfNode({ firstNode }: DefinitionGraph, node: number): number {
  let [low, high] = [0, firstNode.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (firstNode[middle]! <= node) low = middle;
    else high = middle;
  }
  return low;
}

/** The same graph with every edge turned round: who uses a node. */
export function reversed(graph: DefinitionGraph): DefinitionGraph {
  const { firstEdge, target, weight, kinds } = graph;
  const nodes = firstEdge.length - 1;
  const edges = new EdgeList();
  for (let node = 0; node < nodes; node++) {
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++)
      edges.add(target[edge]!, node, weight[edge]!, kinds[edge]!);
  }
  return { ...graph, ...edges.finish(nodes) };
}

/** Files by how much they use one another: `graph` says which each file uses, `reversed(graph)` by which it is used. */
export function neighbourFiles(graph: DefinitionGraph, path: string): NeighbourFile[] {
  const { paths, firstNode, firstEdge, target, weight } = graph;
  const file = indexOfPath(paths, path);
  if (file < 0) return [];
  const weights = new Map<number, number>();
  for (let edge = firstEdge[firstNode[file]!]!; edge < firstEdge[firstNode[file + 1]!]!; edge++) {
    const other = fileOfNode(graph, target[edge]!);
    if (other !== file) weights.set(other, (weights.get(other) ?? 0) + weight[edge]!);
  }
  return [...weights]
    .map(([other, sum]) => ({ path: paths[other]!, weight: sum }))
    .sort((a, b) => b.weight - a.weight || (a.path < b.path ? -1 : 1));
}

/** Resolves every call, type and import of the files: a matter of a second for 100,000 calls. */
export function buildDefinitionGraph(source: DefinitionSource): DefinitionGraph {
  const steps = definitionGraphSteps(source);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same, a file a step: the files must not change meanwhile. */
export function* definitionGraphSteps(source: DefinitionSource): Generator<void, DefinitionGraph> {
  const files = [...source.files()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const firstNode = new Uint32Array(files.length + 1);
  for (const [i, file] of files.entries()) firstNode[i + 1] = firstNode[i]! + 1 + file.symbols.length;
  const nodes = new Map<unknown, number>();
  for (const [i, file] of files.entries()) {
    nodes.set(file.path, firstNode[i]!);
    for (const [j, symbol] of file.symbols.entries()) nodes.set(symbol, firstNode[i]! + 1 + j);
  }
  const edges = new EdgeList();
  for (const [i, file] of files.entries()) {
    addEdges(source, file, firstNode[i]!, nodes, edges);
    yield;
  }
  return { paths: files.map(({ path }) => path), firstNode, ...edges.finish(firstNode[files.length]!) };
}

function addEdges(
  source: DefinitionSource,
  file: GraphFile,
  fileNode: number,
  nodes: ReadonlyMap<unknown, number>,
  edges: EdgeList,
): void {
  const addAll = (from: number, to: readonly { symbol: unknown }[], kind: number): void => {
    for (const { symbol } of to) edges.add(from, nodes.get(symbol)!, 1 / to.length, kind);
  };
  for (const call of file.links.calls) {
    const callees = source.calleesOf(file, call);
    if (callees.length === 0) continue;
    const caller = source.callerAt(file, call.line);
    addAll(caller === undefined ? fileNode : nodes.get(caller.symbol)!, callees, edgeKinds.call);
  }
  for (const symbol of file.symbols) {
    if (isSection(symbol)) continue;
    const node = nodes.get(symbol)!;
    const { bases, types } = source.typesOfSignature(file, symbol);
    addAll(node, bases, edgeKinds.base);
    for (const type of types) addAll(node, [type], edgeKinds.type);
  }
  for (const { type, line } of file.links.bindings) {
    const types = source.typesOf(file, type, line);
    if (types.length === 0) continue;
    const around = source.callerAt(file, line);
    addAll(around === undefined ? fileNode : nodes.get(around.symbol)!, types, edgeKinds.type);
  }
  for (const definition of source.importedBy(file)) addAll(fileNode, [definition], edgeKinds.import);
  const imported = source.importsOf(file.path);
  for (const path of imported) edges.add(fileNode, nodes.get(path)!, 1 / imported.length, edgeKinds.import);
}

/** Collects edges in any order; those of one pair of nodes become one. */
class EdgeList {
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #weight: number[] = [];
  readonly #kind: number[] = [];

  add(from: number, to: number, weight: number, kind: number): void {
    if (from === to) return;
    this.#from.push(from);
    this.#to.push(to);
    this.#weight.push(weight);
    this.#kind.push(kind);
  }

  finish(nodes: number): Pick<DefinitionGraph, 'firstEdge' | 'target' | 'weight' | 'kinds'> {
    const count = this.#from.length;
    // One sortable number each, below 2^53: 2^26 nodes would still fit.
    const keys = Float64Array.from({ length: count }, (_, i) => this.#from[i]! * nodes + this.#to[i]!);
    const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
    const firstEdge = new Uint32Array(nodes + 1);
    const target = new Uint32Array(count);
    const weight = new Float32Array(count);
    const kinds = new Uint8Array(count);
    let last = -1;
    let before = -1;
    for (const i of order) {
      if (keys[i] !== before) {
        last++;
        target[last] = this.#to[i]!;
        firstEdge[this.#from[i]! + 1]!++;
        before = keys[i]!;
      }
      weight[last]! += this.#weight[i]!;
      kinds[last]! |= this.#kind[i]!;
    }
    for (let node = 0; node < nodes; node++) firstEdge[node + 1]! += firstEdge[node]!;
    return {
      firstEdge,
      target: target.slice(0, last + 1),
      weight: weight.slice(0, last + 1),
      kinds: kinds.slice(0, last + 1),
    };
  }
}

function indexOfPath(paths: readonly string[], path: string): number {
  let [low, high] = [0, paths.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (paths[middle]! < path) low = middle + 1;
    else high = middle;
  }
  return paths[low] === path ? low : -1;
}
