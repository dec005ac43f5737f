import type { ImportLink } from '../graph/types.ts';
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

/** Words that can be names; most code has no letters beyond ASCII, and is read twice as fast for it. */
const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(text.match(isAscii.test(text) ? /[A-Za-z_$][\w$]*/g : /[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []);

const isAscii = /^[\x00-\x7f]*$/;

/** Asked for again with every question that shows the file. */
const knownNames = new WeakMap<ImportLink, readonly string[]>();

/** The names that an import gives, of each its last word: `b` of `a.b`. */
function namesGiven(link: ImportLink): readonly string[] {
  let names = knownNames.get(link);
  if (names === undefined) {
    names = link.names.map(({ alias }) => /[\p{L}\p{N}_$]+$/u.exec(alias)?.[0] ?? '');
    knownNames.set(link, names);
  }
  return names;
}

/** Statements outside a range that import a name which stands in its text, by line. */
export function importsUsed(file: PackFile, range: LineRange, content: string): LineRange[] {
  const outside = file.imports.filter(({ line }) => line < range.startLine || line > range.endLine);
  if (outside.length === 0) return [];
  const words = wordsOf(content);
  const lines = new Set<number>();
  for (const link of outside) if (namesGiven(link).some((name) => words.has(name))) lines.add(link.line);
  return [...lines].sort((a, b) => a - b).map((line) => statementOf(file, line));
}
