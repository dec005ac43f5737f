import type { CodeGraph, Definition, ResolvedCall } from './codeGraph.ts';

export type GraphDirection = 'callers' | 'callees' | 'both';

export interface CallTreeRequest {
  /** Hops, at least 1. */
  depth: number;
  direction: GraphDirection;
  /** At most so many edges in each direction. */
  limit: number;
  /** Calls in files that matter less, such as tests, come after the others. */
  isLess?: (path: string) => boolean;
}

/** One definition calls another, at one or several lines of the caller's file. */
export interface CallEdge {
  /** Undefined for calls at the top of a file. */
  caller: Definition | undefined;
  callee: Definition;
  /** File of the calls. */
  path: string;
  /** Ascending. */
  lines: number[];
  /** Hops from the definition that was asked for, from 1. */
  depth: number;
}

export interface CallTree {
  callers: CallEdge[];
  callees: CallEdge[];
  /** True when the limit cut edges off. */
  truncated: boolean;
}

const keyOf = (definition: Definition | undefined, path: string): string =>
  definition === undefined ? path : `${definition.file.path}:${definition.symbol.line}:${definition.symbol.name}`;

/** Calls of one pair of definitions become one edge. */
function edgesOf(calls: readonly ResolvedCall[], depth: number): CallEdge[] {
  const edges = new Map<string, CallEdge>();
  for (const { file, call, caller, callee } of calls) {
    const key = `${keyOf(caller, file.path)} ${keyOf(callee, '')}`;
    const edge = edges.get(key);
    if (edge === undefined) edges.set(key, { caller, callee, path: file.path, lines: [call.line], depth });
    else if (!edge.lines.includes(call.line)) edge.lines.push(call.line);
  }
  for (const edge of edges.values()) edge.lines.sort((a, b) => a - b);
  return [...edges.values()];
}

/** Breadth first, each definition once: cycles end by themselves. */
function walk(
  start: Definition,
  { depth, limit, isLess = () => false }: CallTreeRequest,
  next: (definition: Definition) => ResolvedCall[],
  other: (edge: CallEdge) => Definition | undefined,
): { edges: CallEdge[]; truncated: boolean } {
  const edges: CallEdge[] = [];
  const seen = new Set([keyOf(start, '')]);
  let level = [start];
  for (let hop = 1; hop <= depth && level.length > 0; hop++) {
    const following: Definition[] = [];
    for (const definition of level) {
      const found = edgesOf(next(definition), hop);
      const ordered = [...found.filter(({ path }) => !isLess(path)), ...found.filter(({ path }) => isLess(path))];
      for (const edge of ordered) {
        if (edges.length === limit) return { edges, truncated: true };
        edges.push(edge);
        const reached = other(edge);
        if (reached === undefined || seen.has(keyOf(reached, ''))) continue;
        seen.add(keyOf(reached, ''));
        following.push(reached);
      }
    }
    level = following;
  }
  return { edges, truncated: false };
}

/** Who calls a definition and what it calls, over several hops. */
export function callTree(graph: CodeGraph, start: Definition, request: CallTreeRequest): CallTree {
  const none = { edges: [], truncated: false };
  const callers =
    request.direction === 'callees'
      ? none
      : walk(
          start,
          request,
          (definition) => graph.callers(definition),
          ({ caller }) => caller,
        );
  const callees =
    request.direction === 'callers'
      ? none
      : walk(
          start,
          request,
          // Calls in functions inside it are its own: nobody else can make them.
          (definition) => graph.callees(definition).map((call) => ({ ...call, caller: definition })),
          ({ callee }) => callee,
        );
  return { callers: callers.edges, callees: callees.edges, truncated: callers.truncated || callees.truncated };
}
