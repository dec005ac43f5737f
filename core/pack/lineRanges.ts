import type { LineRange } from '../model.ts';

/** Ranges by line, overlapping and touching ones as one. */
export function union(ranges: readonly LineRange[]): LineRange[] {
  const result: LineRange[] = [];
  for (const { startLine, endLine } of [...ranges].sort((a, b) => a.startLine - b.startLine)) {
    const last = result.at(-1);
    if (last === undefined || startLine > last.endLine + 1) result.push({ startLine, endLine });
    else last.endLine = Math.max(last.endLine, endLine);
  }
  return result;
}

/** What of a range none of the others holds. */
export function without(range: LineRange, others: readonly LineRange[]): LineRange[] {
  return withoutUnited(range, union(others));
}

/** The same where the others are a `union` already. */
export function withoutUnited(range: LineRange, united: readonly LineRange[]): LineRange[] {
  const left: LineRange[] = [];
  let from = range.startLine;
  for (const { startLine, endLine } of united) {
    if (endLine < from || startLine > range.endLine) continue;
    if (startLine > from) left.push({ startLine: from, endLine: startLine - 1 });
    from = endLine + 1;
  }
  if (from <= range.endLine) left.push({ startLine: from, endLine: range.endLine });
  return left;
}

export const holdsLine = (ranges: readonly LineRange[], line: number): boolean =>
  ranges.some(({ startLine, endLine }) => startLine <= line && line <= endLine);

export const linesIn = ({ startLine, endLine }: LineRange): number => endLine - startLine + 1;
