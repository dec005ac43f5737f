import { stem } from '../lexical/stem.ts';
import type { ChunkTable, IndexedFile, PathStem } from './chunkTable.ts';
import type { AnalyzedQuery, QueryPlace } from './queryAnalysis.ts';
import { rarity } from './rarity.ts';
import { areNear } from '../lexical/termDictionary.ts';
import type { RankingWeights } from './weights.ts';

/** More than the words of a query ever add up to in practice: a path that is asked for by name comes first. */
const mentionedPath = 10;
/** The place after so many others counts half. */
const placesToHalf = 10;

/** A stem of paths that matches a stem of the query. */
interface Match {
  asked: string;
  /** 1 for the same stem, less for one that continues it or that it continues. */
  share: number;
  /** The rarity of the query's stem in paths, times its weight and the share. */
  value: number;
}

/**
 * What the words of a path say about the query: the rarity of those that match, how much of the file's own name
 * matches, and how much of the whole query that name covers. Files without any match are left out.
 */
export function scorePaths(
  query: AnalyzedQuery,
  { files, pathStems }: Pick<ChunkTable, 'files' | 'pathStems'>,
  weights: RankingWeights,
): Map<IndexedFile, number> {
  const stems = new Map(query.terms.map(({ term, weight }) => [stem(term), weight]));
  const values = new Map(
    [...stems].map(([root, weight]) => [root, weight * rarity(files.size, pathStems.get(root)?.files.size ?? 0)]),
  );
  const total = [...values.values()].reduce((sum, value) => sum + value, 0);
  const askedBy = nearestStem(stems.keys());
  const matching = new Map<PathStem, Match>();
  const matched = new Set<IndexedFile>(query.places.length > 0 ? files.values() : []);
  for (const pathStem of pathStems.values()) {
    const asked = askedBy(pathStem.root);
    if (asked === undefined) continue;
    const share = pathStem.root === asked ? 1 : weights.pathNear;
    matching.set(pathStem, { asked, share, value: share * values.get(asked)! });
    for (const file of pathStem.files) matched.add(file);
  }

  const scores = new Map<IndexedFile, number>();
  for (const file of matched) {
    let words = 0;
    let named = 0;
    let inName = 0;
    for (const pathStem of file.pathStems) {
      const match = matching.get(pathStem);
      if (match === undefined) continue;
      const { asked, share, value } = match;
      words += query.scope.has(asked) ? value * (1 + weights.inScope) : value;
      if (!file.nameStems.has(pathStem.root)) continue;
      named += value;
      inName += share;
    }
    const ofName = file.nameStems.size > 0 ? inName / file.nameStems.size : 0;
    const ofQuery = total > 0 ? named / total : 0;
    const score =
      weights.path * words +
      named * ofName * (weights.stem + weights.covers * ofQuery) +
      mentionedPath * mentions(file, query.places);
    if (score > 0) scores.set(file, score);
  }
  return scores;
}

/** The stem of the query that a stem of a path is, or else the longest one that it continues or that continues it. */
function nearestStem(asked: Iterable<string>): (root: string) => string | undefined {
  const stems = [...asked].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const known = new Set(stems);
  // Those that are near have their first letters in common; most stems of paths begin like none.
  const beginnings = new Set(stems.map(beginningOf));
  return (root) => {
    if (known.has(root)) return root;
    return beginnings.has(beginningOf(root)) ? stems.find((each) => areNear(each, root)) : undefined;
  };
}

/** The first two letters, as a number: no text is made for it. */
const beginningOf = (text: string): number => text.charCodeAt(0) * 65_536 + text.charCodeAt(1);

/** Whether the query and the index mean the same file: one of the paths ends with the other, at a folder. */
export function isSameFile(path: string, asked: string): boolean {
  if (path.length >= asked.length) return path === asked || path.endsWith(`/${asked}`);
  // `/home/me/project/src/app.ts` names `src/app.ts`; a bare `app.ts` could be anybody's.
  return path.includes('/') && asked.endsWith(`/${path}`);
}

/** 1 for a file that is named first, less for each before it: frames of a stack trace come innermost first. */
function mentions(file: IndexedFile, places: readonly QueryPlace[]): number {
  if (places.length === 0) return 0;
  const path = file.path.toLowerCase();
  const at = places.findIndex((place) => isSameFile(path, place.path));
  return at < 0 ? 0 : 1 / (1 + at / placesToHalf);
}
