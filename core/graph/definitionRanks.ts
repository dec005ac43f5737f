import type { CodeGraph } from './codeGraph.ts';
import { nodeOf, type DefinitionGraph } from './definitionGraph.ts';
import { pageRank } from './pageRank.ts';
import type { CodeSymbol, FileRole } from '../model.ts';
import { toMapFile, type MapFile } from '../pack/packMap.ts';
import { isSignificant } from '../pack/signatures.ts';
import { pathFilter } from '../rank/pathFilter.ts';
import { analyzeQuery } from '../rank/queryAnalysis.ts';
import type { RankedChunk } from '../rank/types.ts';
import type { RankingWeights } from '../rank/weights.ts';
import type { UsedSymbol } from './answerTypes.ts';

/** A range that answers the query begins walks in proportion to its score, relative to the best, to this power. */
const startSteepness = 4;
/** How much goes from a definition to those who use it, where there is a query. */
const backwardShare = 0.3;
/** What a walk from anywhere reaches as well says little about the query: ranks are divided by this power of that. */
const commonness = 0.3;
/** Names of values say less than functions and types. */
const valueShare = 0.4;
const valueKinds = new Set(['variable', 'constant', 'property']);
/** Of what no walk reaches. */
const leastRank = 1e-15;
/** What a line costs next to its signature, in characters. */
const lineCharacters = 14;
/** However little is asked for, so many definitions are given. */
const leastDefinitions = 250;

/** Not in a map unless they are asked for. */
const hiddenRoles: ReadonlySet<FileRole> = new Set(['test', 'generated', 'vendored', 'example', 'docs', 'config']);

export interface RankRequest {
  /** Ranges that answer the query; null for a map of the whole. */
  ranked: readonly RankedChunk[] | null;
  accept: ((path: string) => boolean) | undefined;
  /** Roles that the query asks for. */
  roles: ReadonlySet<FileRole>;
  /** Definitions are given until they make up so many. */
  characters: number;
}

export interface MapQuestion {
  /** Empty for a map of the whole. */
  query: string;
  /** Folders or globs; empty means everything. */
  sources: readonly string[];
  /** Definitions are given until they make up so many. */
  characters: number;
  weights: RankingWeights;
}

/** So many ranges say where a map begins. */
const mapDepth = 100;

/** @param search the best ranges for the query, at most so many */
export function toRankRequest(
  { query, sources, characters, weights }: MapQuestion,
  search: (limit: number) => readonly RankedChunk[],
): RankRequest {
  const isWhole = query.trim() === '';
  return {
    ranked: isWhole ? null : search(mapDepth),
    accept: sources.length > 0 ? pathFilter(sources) : undefined,
    roles: isWhole ? new Set() : analyzeQuery(query, weights).roles,
    characters,
  };
}

/** What is the same for every query, until the graph changes. */
interface GraphFacts {
  edges: DefinitionGraph;
  roles: readonly FileRole[];
  /** Per node: what its rank is multiplied with; 0 for what gets no line. */
  share: Float32Array;
  /** Per node: 1 for headings of documents. */
  isSection: Uint8Array;
  everywhere: Float64Array;
}

function factsOf(graph: CodeGraph, roleOf: (path: string) => FileRole): GraphFacts {
  const edges = graph.edges();
  const nodes = edges.firstEdge.length - 1;
  const roles = edges.paths.map(roleOf);
  const share = new Float32Array(nodes);
  const isSection = new Uint8Array(nodes);
  const start = new Float64Array(nodes);
  for (const [i, path] of edges.paths.entries()) {
    const [from, to] = [edges.firstNode[i]!, edges.firstNode[i + 1]!];
    if (!hiddenRoles.has(roles[i]!)) start.fill(1, from, to);
    for (const [j, symbol] of graph.file(path)!.symbols.entries()) {
      if (symbol.kind === 'section') isSection[from + 1 + j] = 1;
      if (isSignificant(symbol)) share[from + 1 + j] = valueKinds.has(symbol.kind) ? valueShare : 1;
    }
  }
  return { edges, roles, share, isSection, everywhere: pageRank(edges, graph.backEdges(), start) };
}

/** Where the walks of a query begin: at the definitions in the ranges that answer it, or around them. */
function startOf(graph: CodeGraph, ranked: readonly RankedChunk[]): Float64Array {
  const edges = graph.edges();
  const start = new Float64Array(edges.firstEdge.length - 1);
  const top = ranked[0]?.score ?? 1;
  for (const { path, startLine, endLine, score } of ranked) {
    const first = nodeOf(edges, path);
    const symbols = graph.file(path)?.symbols ?? [];
    if (first < 0) continue;
    const inside = symbols.flatMap(({ line }, i) => (line >= startLine && line <= endLine ? [first + 1 + i] : []));
    const nodes = inside.length > 0 ? inside : [first + 1 + innermost(symbols, startLine)];
    const mass = (score / top) ** startSteepness / nodes.length;
    for (const node of nodes) start[node]! += mass;
  }
  return start;
}

/** Index of the innermost definition around a line; -1 for none, which makes the node the file's. */
function innermost(symbols: readonly CodeSymbol[], line: number): number {
  let best = -1;
  for (const [i, symbol] of symbols.entries()) {
    if (symbol.startLine > line || symbol.endLine < line) continue;
    if (best < 0 || symbol.startLine >= symbols[best]!.startLine) best = i;
  }
  return best;
}

function queryRanks(graph: CodeGraph, ranked: readonly RankedChunk[], everywhere: Float64Array): Float64Array {
  const near = pageRank(graph.edges(), graph.backEdges(), startOf(graph, ranked), { backward: backwardShare });
  const average = 1 / Math.max(1, near.length);
  return near.map((rank, node) => (rank === 0 ? 0 : rank / Math.max(average, everywhere[node]!) ** commonness));
}

/** Ranks definitions for maps. What does not depend on the query is kept until the graph changes. */
export class DefinitionRanks {
  #facts: GraphFacts | undefined;

  constructor(readonly roleOf: (path: string) => FileRole) {}

  /** The best definitions with their files, in the order of those, and how many there are in all. */
  rank(graph: CodeGraph, request: RankRequest): { files: MapFile[]; total: number } {
    if (this.#facts?.edges !== graph.edges()) this.#facts = factsOf(graph, this.roleOf);
    const facts = this.#facts;
    const { edges, everywhere } = facts;
    const ranks = request.ranked === null ? everywhere : queryRanks(graph, request.ranked, everywhere);
    const { nodes, total } = this.#candidates(facts, ranks, request);
    const chosen = new Map<number, Set<number>>();
    let characters = 0;
    for (const [i, { node, file }] of nodes.entries()) {
      if (i >= leastDefinitions && characters > request.characters) break;
      const symbols = graph.file(edges.paths[file]!)!.symbols;
      characters += symbols[node - edges.firstNode[file]! - 1]!.signature.length + lineCharacters;
      const inFile = chosen.get(file);
      if (inFile === undefined) chosen.set(file, new Set([node]));
      else inFile.add(node);
    }
    const files = [...chosen].map(([file, inFile]) => {
      const first = edges.firstNode[file]! + 1;
      return toMapFile(graph.file(edges.paths[file]!)!, (_, i) =>
        inFile.has(first + i) ? Math.max(ranks[first + i]!, leastRank) * facts.share[first + i]! : 0,
      );
    });
    return { files, total };
  }

  /** Nodes that may be shown, best first. */
  #candidates(
    { edges, roles, share, isSection }: GraphFacts,
    ranks: Float64Array,
    { accept, roles: asked }: RankRequest,
  ): { nodes: { node: number; file: number; rank: number }[]; total: number } {
    const inside = edges.paths.flatMap((path, file) => (accept?.(path) === false ? [] : [file]));
    const plain = inside.filter((file) => !hiddenRoles.has(roles[file]!) || asked.has(roles[file]!));
    const nodes: { node: number; file: number; rank: number }[] = [];
    const unreached: typeof nodes = [];
    let total = 0;
    // Where the asked folders hold nothing but tests and the like, those are what is asked for.
    for (const file of plain.length > 0 ? plain : inside) {
      for (let node = edges.firstNode[file]! + 1; node < edges.firstNode[file + 1]!; node++) {
        if (share[node] === 0 || (isSection[node] === 1 && !asked.has('docs'))) continue;
        total++;
        const rank = Math.max(ranks[node]!, leastRank) * share[node]!;
        (ranks[node]! > 0 ? nodes : unreached).push({ node, file, rank });
      }
    }
    nodes.sort((a, b) => b.rank - a.rank || a.node - b.node);
    // Where no walk leads, there is no order but that of the files; it fills what is left.
    return { nodes: [...nodes, ...unreached], total };
  }
}

/** What the definitions in some lines of a file, and the file itself by its imports, use; most used first. */
export function usedSymbols(
  graph: CodeGraph,
  { path, startLine, endLine }: { path: string; startLine: number; endLine: number },
): UsedSymbol[] {
  const edges = graph.edges();
  const first = nodeOf(edges, path);
  if (first < 0) return [];
  const file = graph.file(path)!;
  const nodes = [first];
  for (const [i, symbol] of file.symbols.entries())
    if (symbol.startLine <= endLine && symbol.endLine >= startLine) nodes.push(first + 1 + i);
  const weights = new Map<number, number>();
  for (const node of nodes) {
    for (let edge = edges.firstEdge[node]!; edge < edges.firstEdge[node + 1]!; edge++) {
      const target = edges.target[edge]!;
      weights.set(target, (weights.get(target) ?? 0) + edges.weight[edge]!);
    }
  }
  return [...weights]
    .sort(([a, x], [b, y]) => y - x || a - b)
    .flatMap(([node]) => {
      const found = graph.definitionAt(node);
      if (found === undefined) return [];
      const { name, kind, line, startLine: from, endLine: to, signature, container } = found.symbol;
      const isInside = found.file.path === path && line >= startLine && line <= endLine;
      return isInside
        ? []
        : [{ path: found.file.path, name, kind, line, startLine: from, endLine: to, signature, container }];
    });
}
