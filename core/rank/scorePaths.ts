import { stem } from '../lexical/stem.ts';
import type { ChunkTable, IndexedFile, PathStem } from './chunkTable.ts';
import type { AnalyzedQuery, QueryPlace } from './queryAnalysis.ts';
import { NumberSet, roomFor } from './numberSet.ts';
import { isNameCell, stemOfCell } from './pathCells.ts';
import { rarity } from './rarity.ts';
import { areNear } from '../lexical/termDictionary.ts';
import type { RankingWeights } from './weights.ts';

/** More than the words of a query ever add up to in practice: a path that is asked for by name comes first. */
const mentionedPath = 10;
/** The place after so many others counts half. */
const placesToHalf = 10;
const mostRemembered = 4_096;

/** What the words of a file's path say about a query. */
export class PathScorer {
  readonly #table: ChunkTable;
  /** Files with a match, by their places. */
  readonly #matched = new NumberSet();
  /**
   * By number of a stem of paths that matches one of the query: 1 for the same stem, less for one that continues it or
   * that it continues; the rarity of the query's stem in paths, times its weight and that share; and what it adds to the
   * words of a path. All 0 between two queries.
   */
  #shares = new Float64Array(0);
  #values = new Float64Array(0);
  #words = new Float64Array(0);
  /** By stem of a query, for one state of the table. */
  readonly #related = new Map<string, readonly PathStem[]>();
  #version = -1;

  constructor(table: ChunkTable) {
    this.#table = table;
  }

  /**
   * The rarity of the words that match, how much of the file's own name matches, and how much of the whole query that
   * name covers. Files without any match are left out.
   */
  score(query: AnalyzedQuery, weights: RankingWeights, give: (place: number, score: number) => void): void {
    const { files, pathStems } = this.#table;
    const stems = new Map(query.terms.map(({ term, weight }) => [stem(term), weight]));
    const values = new Map(
      [...stems].map(([root, weight]) => [root, weight * rarity(files.size, pathStems.get(root)?.places.size ?? 0)]),
    );
    const total = [...values.values()].reduce((sum, value) => sum + value, 0);
    const matching = this.#matching([...stems.keys()]);
    this.#fitScratch();
    for (const [{ root, number }, asked] of matching) {
      const share = root === asked ? 1 : weights.pathNear;
      const value = share * values.get(asked)!;
      this.#shares[number] = share;
      this.#values[number] = value;
      this.#words[number] = query.scope.has(asked) ? value * (1 + weights.inScope) : value;
    }
    const matched = this.#placesWith(matching.keys(), query.places);
    for (let i = 0; i < matched.length; i++) {
      const place = matched.values[i]!;
      const mentioned = query.places.length === 0 ? 0 : mentions(this.#table.fileAt(place), query.places);
      const score = this.#wordsOf(place, total, weights) + mentionedPath * mentioned;
      if (score > 0) give(place, score);
    }
    matched.clear();
    for (const { number } of matching.keys()) this.#shares[number] = this.#values[number] = this.#words[number] = 0;
  }

  #fitScratch(): void {
    const { pathStemNumbers } = this.#table;
    if (this.#shares.length >= pathStemNumbers) return;
    this.#shares = new Float64Array(roomFor(pathStemNumbers));
    this.#values = new Float64Array(roomFor(pathStemNumbers));
    this.#words = new Float64Array(roomFor(pathStemNumbers));
  }

  #wordsOf(place: number, total: number, weights: RankingWeights): number {
    const { cells, starts, counts } = this.#table.pathCells;
    const [shares, values, ofWords] = [this.#shares, this.#values, this.#words];
    let words = 0;
    let named = 0;
    let inName = 0;
    const start = starts[place]!;
    const end = start + counts[place]!;
    for (let i = start; i < end; i++) {
      const number = stemOfCell(cells[i]!);
      words += ofWords[number]!;
      if (!isNameCell(cells[i]!)) continue;
      named += values[number]!;
      inName += shares[number]!;
    }
    const nameStems = this.#table.nameStemsAt[place]!;
    const ofName = nameStems > 0 ? inName / nameStems : 0;
    const ofQuery = total > 0 ? named / total : 0;
    return weights.path * words + named * ofName * (weights.stem + weights.covers * ofQuery);
  }

  /** Stems of paths, each with the stem of the query that it is, or else the longest one that continues it or the other way. */
  #matching(asked: readonly string[]): Map<PathStem, string> {
    const stems = [...asked].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    const matching = new Map<PathStem, string>();
    for (const each of stems)
      for (const pathStem of this.#relatedTo(each))
        if (pathStem.root === each || !matching.has(pathStem)) matching.set(pathStem, each);
    return matching;
  }

  /** Stems of paths that are this one, continue it or are continued by it. */
  #relatedTo(root: string): readonly PathStem[] {
    if (this.#version !== this.#table.version) this.#related.clear();
    this.#version = this.#table.version;
    let related = this.#related.get(root);
    if (related === undefined) {
      // Those that are near have their first letters in common.
      related = [...this.#table.pathStemsLike(root)].filter((each) => each.root === root || areNear(root, each.root));
      if (this.#related.size === mostRemembered) this.#related.clear();
      this.#related.set(root, related);
    }
    return related;
  }

  /** Places of the files that have one of the stems in their paths; of all where the query names some. */
  #placesWith(pathStems: Iterable<PathStem>, named: readonly QueryPlace[]): NumberSet {
    const matched = this.#matched;
    matched.fit(this.#table.places);
    if (named.length > 0) for (const { place } of this.#table.files.values()) matched.add(place);
    for (const { places } of pathStems) for (const place of places) matched.add(place);
    return matched;
  }
}

/** Whether the query and the index mean the same file: one of the paths ends with the other, at a folder. */
export function isSameFile(path: string, asked: string): boolean {
  if (path.length >= asked.length) return path === asked || path.endsWith(`/${asked}`);
  // `/home/me/project/src/app.ts` names `src/app.ts`; a bare `app.ts` could be anybody's.
  return path.includes('/') && asked.endsWith(`/${path}`);
}

/** 1 for a file that is named first, less for each before it: frames of a stack trace come innermost first. */
function mentions(file: IndexedFile, places: readonly QueryPlace[]): number {
  const path = file.path.toLowerCase();
  const at = places.findIndex((place) => isSameFile(path, place.path));
  return at < 0 ? 0 : 1 / (1 + at / placesToHalf);
}
