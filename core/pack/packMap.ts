import type { CodeSymbol } from '../model.ts';
import type { MapEntry, MappedFile } from './types.ts';

export interface MapCandidate {
  path: string;
  language: string;
  symbols: readonly CodeSymbol[];
  /** Lines of the file's ranges that answer the query, best first; symbols there come before others. */
  wanted: readonly { startLine: number; endLine: number }[];
}

const isSignificant = (symbol: CodeSymbol): boolean =>
  symbol.container.length === 0 || (symbol.kind !== 'variable' && symbol.kind !== 'property');

function isWanted({ wanted }: MapCandidate, symbol: CodeSymbol): boolean {
  return wanted.some((range) => symbol.line >= range.startLine && symbol.line <= range.endLine);
}

function entryOf(symbol: CodeSymbol): MapEntry {
  return { line: symbol.line, depth: symbol.container.length, signature: symbol.signature };
}

/** The definitions of a file worth a line of the map, in file order: wanted ones, and the types around them. */
function entriesOf(file: MapCandidate, all: boolean): MapEntry[] {
  const significant = file.symbols.filter(isSignificant);
  const kept = all ? significant : significant.filter((symbol) => isWanted(file, symbol) || holdsWanted(file, symbol));
  return kept.sort((a, b) => a.line - b.line).map(entryOf);
}

function holdsWanted(file: MapCandidate, outer: CodeSymbol): boolean {
  return file.wanted.some((range) => outer.startLine <= range.startLine && outer.endLine >= range.endLine);
}

/** Rough cost of an entry before the exact count: code runs at about 3.5 characters a token. */
const entryCost = (entry: MapEntry): number => Math.ceil((entry.signature.length + 2 * entry.depth) / 3.5) + 4;

/**
 * Files in rank order, first with the definitions the query asks for, then, as long as the budget lasts, with all of
 * theirs. Entries that no longer fit are left out, whole files from the end first.
 */
export function mapFiles(
  candidates: readonly MapCandidate[],
  budget: number,
): { files: MappedFile[]; leftOut: number } {
  const files = new Map<string, MappedFile>();
  let left = budget;
  let leftOut = 0;
  for (const all of [false, true]) {
    for (const candidate of candidates) {
      const before = files.get(candidate.path);
      const known = new Set(before?.entries.map((entry) => `${entry.line}:${entry.signature}`));
      const heading = before === undefined ? Math.ceil(candidate.path.length / 3) + 8 : 0;
      const added: MapEntry[] = [];
      for (const entry of entriesOf(candidate, all)) {
        if (known.has(`${entry.line}:${entry.signature}`)) continue;
        const cost = entryCost(entry) + (added.length === 0 ? heading : 0);
        if (cost > left) {
          leftOut++;
          continue;
        }
        left -= cost;
        added.push(entry);
      }
      if (added.length === 0) continue;
      const entries = [...(before?.entries ?? []), ...added].sort((a, b) => a.line - b.line);
      files.set(candidate.path, { path: candidate.path, language: candidate.language, entries });
    }
  }
  return { files: [...files.values()], leftOut };
}
