import type { GraphAnswer, GraphDirection, GraphEdge, GraphSymbol } from '../../server/engine/index.ts';
import { headLines, nameOf, type Wording } from './referenceLines.ts';
import { counted, printable, type Style } from './terminal.ts';

const shownLines = 4;

function calledAt(lines: readonly number[]): string {
  const shown = lines.slice(0, shownLines).join(', ');
  return lines.length > shownLines ? `${shown} and ${lines.length - shownLines} more` : shown;
}

function edgeLine(edge: GraphEdge, end: GraphSymbol | null, style: Style): string {
  const indent = '  '.repeat(edge.depth);
  const name = end === null ? style.dim('(top of the file)') : style.bold(printable(nameOf(end)));
  const place = end === null ? edge.path : `${end.path}:${end.line}`;
  const at = style.dim(
    `called at ${edge.path === place.split(':')[0] ? 'line ' : `${printable(edge.path)}:`}${calledAt(edge.lines)}`,
  );
  return `${indent}  ${name}  ${printable(place)}  ${at}`;
}

/** One end of a call; null for the top of a file. */
type End = (edge: GraphEdge) => GraphSymbol | null;
const callerOf: End = ({ caller }) => caller;
const calleeOf: End = ({ callee }) => callee;

/** Edges of the second hop follow the edge that leads to them. */
function nested(edges: readonly GraphEdge[], near: End, far: End, start: GraphSymbol): GraphEdge[] {
  const keyOf = (symbol: GraphSymbol | null): string => (symbol === null ? '' : `${symbol.path}:${symbol.line}`);
  const byNear = new Map<string, GraphEdge[]>();
  for (const edge of edges) {
    const key = `${edge.depth} ${keyOf(near(edge))}`;
    byNear.set(key, [...(byNear.get(key) ?? []), edge]);
  }
  const ordered: GraphEdge[] = [];
  const visit = (from: string, depth: number): void => {
    for (const edge of byNear.get(`${depth} ${from}`) ?? []) {
      ordered.push(edge);
      if (far(edge) !== null) visit(keyOf(far(edge)), depth + 1);
    }
    byNear.delete(`${depth} ${from}`);
  };
  visit(keyOf(start), 1);
  return ordered;
}

/** Calls that lead away from a definition, each with what is at its far end. */
const callLines = (edges: readonly GraphEdge[], near: End, far: End, start: GraphSymbol, style: Style): string[] =>
  nested(edges, near, far, start).map((edge) => edgeLine(edge, far(edge), style));

/** Callers and callees of each definition, as far as they were asked for. */
export function graphLines(
  { definitions, more }: GraphAnswer,
  direction: GraphDirection,
  wording: Wording,
  style: Style,
): string[] {
  const lines: string[] = [];
  for (const { symbol, callers, callees, truncated } of definitions) {
    lines.push(...headLines(symbol, style));
    if (direction !== 'callees') {
      lines.push(callers.length === 0 ? '  no known callers' : `  called by (${callers.length}):`);
      lines.push(...callLines(callers, calleeOf, callerOf, symbol, style));
    }
    if (direction !== 'callers') {
      lines.push(callees.length === 0 ? '  no known calls' : `  calls (${callees.length}):`);
      lines.push(...callLines(callees, callerOf, calleeOf, symbol, style));
    }
    if (truncated) lines.push(`  … and more: ${wording.limit} shows them`);
    lines.push('');
  }
  if (more > 0)
    lines.push(
      `… and ${counted(more, 'definition')} more of this name: ${wording.inside} or Type.member says which.`,
      '',
    );
  return lines;
}
