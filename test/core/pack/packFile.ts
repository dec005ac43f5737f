import type { CodeSymbol, SymbolKind } from '../../../core/model.ts';
import type { ImportLink } from '../../../core/graph/types.ts';
import type { PackCandidate, PackFile } from '../../../core/pack/types.ts';

/** A file of these lines; definitions as `name kind first-last`, nested ones as `Outer.name`. */
export function packFile(
  path: string,
  text: string,
  { symbols = [], imports = [] }: { symbols?: string[]; imports?: ImportLink[] } = {},
): PackFile {
  const lines = text.split('\n');
  return {
    path,
    language: 'typescript',
    lineCount: lines.length,
    slice: (startLine, endLine) => lines.slice(startLine - 1, endLine).join('\n'),
    imports,
    symbols: symbols.map((each): CodeSymbol => {
      const [name, kind, range] = each.split(' ') as [string, SymbolKind, string];
      const [startLine, endLine] = range.split('-').map(Number) as [number, number];
      const parts = name.split('.');
      const signature = lines[startLine - 1]!.trim().replace(/\s*\{$/, '');
      return { name: parts.pop()!, kind, line: startLine, startLine, endLine, signature, container: parts };
    }),
  };
}

/** A ranked range; about one token for every four characters. */
export function candidateOf(file: PackFile, startLine: number, endLine: number, score: number): PackCandidate {
  const content = file.slice(startLine, endLine);
  return { file, startLine, endLine, score, content, tokens: Math.ceil(content.length / 4) };
}
