import type { CodeSymbol, LineRange } from '../model.ts';
import type { PackFile } from './types.ts';

/** A signature that runs over more lines than this is cut: the rest says little. */
const mostHeaderLines = 6;
/** An import statement that does not end within so many lines is taken as its first one. */
const mostImportLines = 40;

const folded = (text: string): string => text.replace(/\s+/g, '');

/** Lines of a definition from its name to where its signature ends. */
export function headerOf(file: PackFile, symbol: CodeSymbol): LineRange {
  const wanted = folded(symbol.signature).length;
  let seen = 0;
  let end = symbol.line;
  for (let line = symbol.line; line <= Math.min(symbol.endLine, symbol.line + mostHeaderLines - 1); line++) {
    seen += folded(file.slice(line, line)).length;
    end = line;
    if (seen >= wanted) break;
  }
  return { startLine: symbol.line, endLine: end };
}

/** Definitions that a range lies within, outermost first; those that begin in it are not around it. */
export function enclosing(file: PackFile, range: LineRange): CodeSymbol[] {
  return file.symbols
    .filter((symbol) => symbol.line < range.startLine && symbol.endLine >= range.startLine)
    .sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}

/** From the line of an import to where its brackets close. */
function statementOf(file: PackFile, line: number): LineRange {
  let depth = 0;
  for (let at = line; at <= Math.min(file.lineCount, line + mostImportLines); at++) {
    const text = file.slice(at, at);
    for (const character of text) {
      if ('({['.includes(character)) depth++;
      else if (')}]'.includes(character)) depth--;
    }
    if (depth <= 0 && !/[\\,]\s*$/.test(text)) return { startLine: line, endLine: at };
  }
  return { startLine: line, endLine: line };
}

/** Statements outside a range that import a name which stands in its text, by line. */
export function importsUsed(file: PackFile, range: LineRange, content: string): LineRange[] {
  const words = new Set(content.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []);
  const lines = new Set<number>();
  for (const { names, line } of file.imports) {
    if (line >= range.startLine && line <= range.endLine) continue;
    const isUsed = names.some(({ alias }) => alias !== '' && words.has(/[\p{L}\p{N}_$]+$/u.exec(alias)?.[0] ?? ''));
    if (isUsed) lines.add(line);
  }
  return [...lines].sort((a, b) => a - b).map((line) => statementOf(file, line));
}
