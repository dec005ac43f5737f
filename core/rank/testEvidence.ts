import type { IndexedFile } from './chunkTable.ts';

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
function nearest<T extends { file: IndexedFile }>(test: IndexedFile, sources: readonly T[]): T[] {
  if (sources.length < 2) return [...sources];
  const words = new Set(pathWords(test));
  const shared = sources.map(({ file }) => pathWords(file).filter((word) => words.has(word)).length);
  const most = Math.max(...shared);
  return sources.filter((_, i) => shared[i] === most);
}

/**
 * Tests describe behaviour in words that the code does not have: a test that matches the query speaks for the source
 * file that it is named after. Returns what each source gets: the best raw score of its tests.
 */
export function testEvidence<T extends { file: IndexedFile; raw: number }>(candidates: readonly T[]): Map<T, number> {
  const tested = new Set<string>();
  for (const { file } of candidates) if (file.role === 'test') tested.add(file.subject);
  const sources = new Map<string, T[]>();
  for (const candidate of candidates) {
    const { role, subject } = candidate.file;
    if (role !== 'source' || subject === '' || !tested.has(subject)) continue;
    const same = sources.get(subject);
    if (same === undefined) sources.set(subject, [candidate]);
    else same.push(candidate);
  }
  const evidence = new Map<T, number>();
  for (const { file, raw } of candidates) {
    if (file.role !== 'test') continue;
    const near = nearest(file, sources.get(file.subject) ?? []);
    if (near.length > mostSources) continue;
    for (const source of near) evidence.set(source, Math.max(evidence.get(source) ?? 0, raw));
  }
  return evidence;
}
