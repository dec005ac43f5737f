import type { CodeSymbol, LineRange } from '../model.ts';

/** Names defined within a range, in order, without repetition. */
export function namesWithin(symbols: readonly CodeSymbol[], range: LineRange): string[] {
  const inside = symbols.filter((symbol) => symbol.line >= range.startLine && symbol.line <= range.endLine);
  return [...new Set(inside.map((symbol) => symbol.name))];
}
