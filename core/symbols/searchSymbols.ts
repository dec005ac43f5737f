import type { FoundSymbolRow, SymbolQuery } from '../graph/answerTypes.ts';
import type { CodeSymbol, FileRole, SymbolKind } from '../model.ts';
import { matchName, rankOfMatch, type NameMatch } from './matchName.ts';

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What belongs to something else, wherever it is written: a method of Go stands outside of its type. */
const memberKinds: ReadonlySet<SymbolKind> = new Set<SymbolKind>(['method', 'constructor', 'property']);

/**
 * Best match first, short names before long ones, source files before others, and what stands for itself before members
 * of something else: of `Engine` the type comes before methods that give one.
 */
export function searchSymbols(
  definitions: ReadonlyMap<string, readonly CodeSymbol[]>,
  roleOf: (path: string) => FileRole | undefined,
  { name, match, limit }: SymbolQuery,
): FoundSymbolRow[] {
  const matches = new Map<string, NameMatch | null>();
  const matchOf = (each: string): NameMatch | null => {
    let found = matches.get(each);
    if (found === undefined) {
      found = matchName(name, each);
      const fits =
        match === 'any' || found === 'exact' || found === 'case' || (match === 'prefix' && found === 'prefix');
      if (!fits) found = null;
      matches.set(each, found);
    }
    return found;
  };
  const found: FoundSymbolRow[] = [];
  for (const [path, symbols] of definitions) {
    for (const symbol of symbols) {
      const how = matchOf(symbol.name);
      if (how !== null) found.push({ ...symbol, path, match: how });
    }
  }
  // Who finds the name itself did not mistype it.
  const best = found.reduce((least, { match: how }) => Math.min(least, rankOfMatch(how)), Infinity);
  const worst = best <= rankOfMatch('prefix') ? rankOfMatch('part') : Infinity;
  const isSource = ({ path }: FoundSymbolRow): number => (roleOf(path) === 'source' ? 0 : 1);
  const isMember = ({ kind }: FoundSymbolRow): number => (memberKinds.has(kind) ? 1 : 0);
  return found
    .filter((each) => rankOfMatch(each.match) <= worst)
    .sort(
      (a, b) =>
        rankOfMatch(a.match) - rankOfMatch(b.match) ||
        a.name.length - b.name.length ||
        compare(a.name, b.name) ||
        isSource(a) - isSource(b) ||
        isMember(a) - isMember(b) ||
        a.container.length - b.container.length ||
        compare(a.path, b.path) ||
        a.line - b.line,
    )
    .slice(0, limit);
}
