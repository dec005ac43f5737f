import { callTree, type CallEdge } from './callTree.ts';
import type { CodeGraph, Definition } from './codeGraph.ts';
import { familyOf } from './modulePaths.ts';
import { termsOfWord } from '../lexical/splitIdentifier.ts';
import type { FileRole } from '../model.ts';
import { pathFilter } from '../rank/pathFilter.ts';
import type {
  FoundNames,
  GraphAnswer,
  GraphEdge,
  GraphQuery,
  GraphSymbol,
  ReferencePlaces,
  ReferenceQuery,
  ReferenceRow,
} from './answerTypes.ts';

/** What the answers need to know besides the graph. */
export interface GraphParts {
  graph: CodeGraph;
  roleOf: (path: string) => FileRole | undefined;
  /** Files that hold a term of the search index. */
  filesWith: (term: string) => string[];
}

/** A name that is defined more often is answered for so many definitions only; `path` says which. */
const mostDefinitions = 20;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Definitions of a name, those of source files first. */
function definitionsOf({ graph, roleOf }: GraphParts, symbol: string, path: string | undefined): Definition[] {
  const isInside = path === undefined ? undefined : pathFilter([path]);
  const isSource = ({ file }: Definition): number => (roleOf(file.path) === 'source' ? 0 : 1);
  return graph
    .definitions(symbol)
    .filter(({ file }) => isInside?.(file.path) !== false)
    .sort((a, b) => isSource(a) - isSource(b) || compare(a.file.path, b.file.path) || a.symbol.line - b.symbol.line);
}

export function answerGraph(parts: GraphParts, { symbol, path, ...request }: GraphQuery): GraphAnswer {
  const all = definitionsOf(parts, symbol, path);
  const definitions = all.slice(0, mostDefinitions).map((definition) => {
    const { callers, callees, truncated } = callTree(parts.graph, definition, {
      ...request,
      isLess: (path) => parts.roleOf(path) !== 'source',
    });
    return {
      symbol: toGraphSymbol(definition),
      callers: callers.map(toGraphEdge),
      callees: callees.map(toGraphEdge),
      truncated,
    };
  });
  return { definitions, more: all.length - definitions.length };
}

/**
 * Where references can be: files of languages that know one another which hold the name, or one that an import gives
 * it. Source files first.
 */
export function referencePlaces(parts: GraphParts, { symbol, path }: ReferenceQuery): ReferencePlaces {
  const { graph, roleOf } = parts;
  const all = definitionsOf(parts, symbol, path);
  const definitions = all.slice(0, mostDefinitions);
  const names = [...new Set(definitions.flatMap((each) => graph.namesOf(each)))];
  const families = new Set(definitions.map(({ file }) => familyOf(file.language)));
  const paths = new Set([
    ...definitions.map(({ file }) => file.path),
    ...graph.callersByName(names),
    ...names.flatMap((name) => holding(parts, name)),
  ]);
  const files = [...graph.files()]
    .filter((file) => paths.has(file.path) && families.has(familyOf(file.language)))
    .map((file) => file.path);
  const isSource = (each: string): number => (roleOf(each) === 'source' ? 0 : 1);
  return {
    definitions: definitions.map(toGraphSymbol),
    names,
    paths: files.sort((a, b) => isSource(a) - isSource(b) || compare(a, b)),
    more: all.length - definitions.length,
  };
}

/** Files that hold a name, or at least its longest part; all of them for one that the search index knows nothing of. */
function holding({ graph, filesWith }: GraphParts, name: string): string[] {
  const terms = termsOfWord(name);
  const longest = [...terms].sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? [...graph.files()].map(({ path }) => path) : filesWith(longest);
}

/** Which of the places where the names stand mean each of the definitions, in the order of the files. */
export function referencesAmong(
  { graph }: GraphParts,
  definitions: readonly GraphSymbol[],
  found: readonly FoundNames[],
): ReferenceRow[][] {
  return definitions.map(({ name, path, line }) => {
    const definition = graph
      .definitions(name)
      .find(({ file, symbol }) => file.path === path && symbol.line === line && symbol.name === name);
    if (definition === undefined) return [];
    return found.flatMap((each) =>
      graph.usesOf(definition, each.path, each.occurrences).map(({ line: at, column, kind, text, inside }) => ({
        path: each.path,
        line: at,
        column,
        kind,
        text,
        inside: inside === undefined ? null : toGraphSymbol(inside),
      })),
    );
  });
}

/** A method that stands outside its type, as in Go, is shown as its member. */
function toGraphSymbol({ file, symbol, owner }: Definition): GraphSymbol {
  const { name, kind, line, signature, container } = symbol;
  const isQualified = /::|[.:]/.test(name);
  const outer = container.length === 0 && owner !== '' && !isQualified ? [owner] : container;
  return { name, kind, path: file.path, line, signature, container: outer };
}

function toGraphEdge({ caller, callee, path, lines, depth }: CallEdge): GraphEdge {
  return {
    caller: caller === undefined ? null : toGraphSymbol(caller),
    callee: toGraphSymbol(callee),
    path,
    lines,
    depth,
  };
}
