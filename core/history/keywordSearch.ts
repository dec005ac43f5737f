import { termsOfText } from '../lexical/splitIdentifier.ts';
import { rarity } from '../rank/rarity.ts';
import type { RankedRange } from './measures.ts';

const windowLines = 40;
const windowStep = 30;
/** As Robertson and Zaragoza recommend. */
const k1 = 1.2;
const b = 0.75;
/** Weight of the BM25 of a path's words next to that of a window's. */
const pathWeight = 0.5;

/** Function words; a keyword search without such a list is weaker than any that is in use. */
const stopWords = new Set(
  (
    'a an the of to in on for and or with without when if is are was were be been it its this that these those from by ' +
    'as at not no do does did into only also so we you they he can should would could will may might more than then ' +
    'there here which who what how out over via per but now has have had just same such both each other about after ' +
    'before because while where between through very'
  ).split(' '),
);

interface KeywordFile {
  path: string;
  pathTerms: string[];
  windows: { startLine: number; endLine: number; length: number }[];
  /** Of each term the windows that hold it, and how often. */
  terms: Map<string, number[]>;
}

/** Adds, removes and counts documents of one BM25. */
class Collection {
  documents = 0;
  length = 0;

  change(documents: number, length: number): void {
    this.documents += documents;
    this.length += length;
  }

  /** What a term that `holding` documents hold gives to one of them. */
  share(holding: number, count: number, length: number): number {
    const average = this.length / Math.max(1, this.documents) || 1;
    return (rarity(this.documents, holding) * count * (k1 + 1)) / (count + k1 * (1 - b + (b * length) / average));
  }
}

/**
 * Plain keyword search, what a ranking has to beat: BM25 over windows of 40 lines, one every 30, plus half the BM25 of
 * the path's words. Identifiers count whole and by their parts; no stems, no fields, no roles.
 */
export class KeywordSearch {
  readonly #files = new Map<string, KeywordFile>();
  readonly #byTerm = new Map<string, Set<KeywordFile>>();
  readonly #byPathTerm = new Map<string, Map<KeywordFile, number>>();
  readonly #windows = new Collection();
  readonly #paths = new Collection();

  /** Adds a file or replaces what was known under its path. */
  put(path: string, text: string): void {
    this.remove(path);
    const lines = text.split('\n').map(termsOfText);
    const file: KeywordFile = { path, pathTerms: termsOfText(path), windows: [], terms: new Map() };
    for (let start = 0; ; start += windowStep) {
      const end = Math.min(lines.length, start + windowLines);
      addWindow(file, lines.slice(start, end).flat(), start + 1, end);
      if (end === lines.length) break;
    }
    this.#files.set(path, file);
    for (const term of file.terms.keys()) addTo(this.#byTerm, term, () => new Set<KeywordFile>()).add(file);
    for (const term of file.pathTerms) {
      const holding = addTo(this.#byPathTerm, term, () => new Map<KeywordFile, number>());
      holding.set(file, (holding.get(file) ?? 0) + 1);
    }
    this.#count(file, 1);
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    for (const term of file.terms.keys()) this.#byTerm.get(term)?.delete(file);
    for (const term of file.pathTerms) this.#byPathTerm.get(term)?.delete(file);
    this.#count(file, -1);
  }

  #count({ windows, pathTerms }: KeywordFile, sign: 1 | -1): void {
    let length = 0;
    for (const window of windows) length += window.length;
    this.#windows.change(sign * windows.length, sign * length);
    this.#paths.change(sign, sign * pathTerms.length);
  }

  /** The best windows, best first. */
  search(query: string, limit: number): RankedRange[] {
    const terms = [...new Set(termsOfText(query))].filter((term) => !stopWords.has(term));
    const scores = new Map<KeywordFile, Float64Array>();
    for (const term of terms) this.#scoreTerm(term, scores);
    const paths = this.#scorePaths(terms);
    const ranked: { file: KeywordFile; window: number; score: number }[] = [];
    for (const [file, windows] of scores) {
      const more = pathWeight * (paths.get(file) ?? 0);
      windows.forEach((score, window) => {
        if (score > 0) ranked.push({ file, window, score: score + more });
      });
    }
    ranked.sort(
      (x, y) =>
        y.score - x.score || (x.file.path < y.file.path ? -1 : x.file.path > y.file.path ? 1 : x.window - y.window),
    );
    return ranked.slice(0, limit).map(({ file, window }) => {
      const { startLine, endLine } = file.windows[window]!;
      return { path: file.path, startLine, endLine };
    });
  }

  #scoreTerm(term: string, scores: Map<KeywordFile, Float64Array>): void {
    const files = this.#byTerm.get(term);
    if (files === undefined) return;
    let holding = 0;
    for (const file of files) holding += file.terms.get(term)!.length / 2;
    for (const file of files) {
      const windows = addTo(scores, file, () => new Float64Array(file.windows.length));
      const pairs = file.terms.get(term)!;
      for (let i = 0; i < pairs.length; i += 2) {
        const window = pairs[i]!;
        windows[window]! += this.#windows.share(holding, pairs[i + 1]!, file.windows[window]!.length);
      }
    }
  }

  #scorePaths(terms: readonly string[]): Map<KeywordFile, number> {
    const scores = new Map<KeywordFile, number>();
    for (const term of terms) {
      const holding = this.#byPathTerm.get(term);
      for (const [file, count] of holding ?? [])
        scores.set(file, (scores.get(file) ?? 0) + this.#paths.share(holding!.size, count, file.pathTerms.length));
    }
    return scores;
  }
}

/** Notes how often each term stands in a window, as flat pairs of window and count. */
function addWindow(
  { windows, terms }: KeywordFile,
  found: readonly string[],
  startLine: number,
  endLine: number,
): void {
  const window = windows.push({ startLine, endLine, length: found.length }) - 1;
  const counts = new Map<string, number>();
  for (const term of found) counts.set(term, (counts.get(term) ?? 0) + 1);
  for (const [term, count] of counts) addTo(terms, term, (): number[] => []).push(window, count);
}

function addTo<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
