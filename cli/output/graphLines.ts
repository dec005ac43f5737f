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

/** Edges of the second hop follow the edge that leads to them. */
function nested(
  edges: readonly GraphEdge[],
  near: (edge: GraphEdge) => GraphSymbol | null,
  far: (edge: GraphEdge) => GraphSymbol | null,
  start: GraphSymbol,
): GraphEdge[] {
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
      for (const edge of nested(
        callers,
        ({ callee }) => callee,
        ({ caller }) => caller,
        symbol,
      ))
        lines.push(edgeLine(edge, edge.caller, style));
    }
    if (direction !== 'callers') {
      lines.push(callees.length === 0 ? '  no known calls' : `  calls (${callees.length}):`);
      for (const edge of nested(
        callees,
        ({ caller }) => caller,
        ({ callee }) => callee,
        symbol,
      ))
        lines.push(edgeLine(edge, edge.callee, style));
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
