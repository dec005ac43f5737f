import type { CodeSymbol, LineRange } from '../model.ts';
import { enclosing } from './contextLines.ts';
import type { PackFile, SignatureLine } from './types.ts';

/** A definition worth a line of its own: no local variable, no field. */
export const isSignificant = (symbol: CodeSymbol): boolean =>
  symbol.container.length === 0 || (symbol.kind !== 'variable' && symbol.kind !== 'property');

/** Longer signatures are cut in lists. */
const mostCharacters = 160;

export const cut = (text: string): string =>
  text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters - 1)}…`;

/** The definition that stands for a range: the first one worth it that begins there, else the one around it. */
export function standsFor(file: PackFile, range: LineRange): CodeSymbol | undefined {
  const inside = file.symbols.filter(({ line }) => line >= range.startLine && line <= range.endLine);
  return inside.find(isSignificant) ?? inside[0] ?? enclosing(file, range).at(-1);
}

/** A range as one line: the signature of what it defines; of a range that defines nothing, its first line with text. */
export function signatureLine(file: PackFile, range: LineRange): SignatureLine {
  const symbol = standsFor(file, range);
  if (symbol !== undefined) return { path: file.path, line: symbol.line, text: cut(symbol.signature) };
  for (let line = range.startLine; line <= range.endLine; line++) {
    const text = file.slice(line, line).trim();
    if (/[\p{L}\p{N}]/u.test(text)) return { path: file.path, line, text: cut(text.replace(/\s+/g, ' ')) };
  }
  return { path: file.path, line: range.startLine, text: '' };
}

/** The same with no more than the name. */
export function nameLine(file: PackFile, range: LineRange): SignatureLine {
  const symbol = standsFor(file, range);
  const text = symbol === undefined ? '' : [...symbol.container, symbol.name].join('.');
  return { path: file.path, line: symbol?.line ?? range.startLine, text: cut(text) };
}
