import { roleNumbers, type ChunkTable, type IndexedFile } from './chunkTable.ts';
import type { FileScores } from './fileScores.ts';
import { NumberSet } from './numberSet.ts';

/** More sources of one name than this, equally near: the name says nothing. */
const mostSources = 2;

/** Asked for again with every question. */
const known = new WeakMap<IndexedFile, readonly string[]>();

function pathWords(file: IndexedFile): readonly string[] {
  let words = known.get(file);
  if (words === undefined) known.set(file, (words = file.path.toLowerCase().split(/[^a-z0-9]+/)));
  return words;
}

/** Of several files of one name those whose path has most words in common with the test's. */
function nearest(test: IndexedFile, sources: readonly IndexedFile[]): readonly IndexedFile[] {
  if (sources.length < 2) return sources;
  const words = new Set(pathWords(test));
  const shared = sources.map((file) => pathWords(file).filter((word) => words.has(word)).length);
  const most = Math.max(...shared);
  return sources.filter((_, i) => shared[i] === most);
}

/**
 * Tests describe behaviour in words that the code does not have: a test that matches the query speaks for the source
 * file that it is named after.
 */
export class TestEvidence {
  readonly #table: ChunkTable;
  /** Subjects of the tests that were found. */
  readonly #tested = new NumberSet();
  /** By subject, the sources that were found, where a test was. */
  #sources: (IndexedFile[] | undefined)[] = [];

  constructor(table: ChunkTable) {
    this.#table = table;
  }

  /** Fills `tests`: what each source gets is the best raw score of its tests. */
  weigh(scores: FileScores): void {
    const tests = this.#findTests(scores.places);
    this.#findSources(scores.places);
    const { subjectAt } = this.#table;
    for (const place of tests) {
      const sources = this.#sources[subjectAt[place]!];
      if (sources === undefined) continue;
      const test = this.#table.fileAt(place);
      if (test.subject.name === '') continue;
      const near = nearest(test, sources);
      if (near.length > mostSources) continue;
      const raw = scores.raw[place]!;
      for (const source of near) scores.tests[source.place] = Math.max(scores.tests[source.place]!, raw);
    }
    const { values, length } = this.#tested;
    for (let i = 0; i < length; i++) this.#sources[values[i]!] = undefined;
    this.#tested.clear();
  }

  /** Places of the tests. */
  #findTests(places: Uint32Array): number[] {
    const tests: number[] = [];
    this.#tested.fit(this.#table.subjects);
    const { roleAt, subjectAt } = this.#table;
    for (const place of places) {
      if (roleAt[place] !== roleNumbers.test) continue;
      tests.push(place);
      this.#tested.add(subjectAt[place]!);
    }
    return tests;
  }

  #findSources(places: Uint32Array): void {
    const { roleAt, subjectAt } = this.#table;
    for (const place of places) {
      const number = subjectAt[place]!;
      if (roleAt[place] !== roleNumbers.source || !this.#tested.has(number)) continue;
      const file = this.#table.fileAt(place);
      const same = this.#sources[number];
      if (same === undefined) this.#sources[number] = [file];
      else same.push(file);
    }
  }
}
