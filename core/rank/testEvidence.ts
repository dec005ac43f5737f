import type { IndexedFile } from './chunkTable.ts';

/** More sources of one name than this, equally near: the name says nothing. */
const mostSources = 2;

const pathWords = (path: string): string[] => path.toLowerCase().split(/[^a-z0-9]+/);

/** Of several files of one name those whose path has most words in common with the test's. */
function nearest<T extends { file: IndexedFile }>(test: IndexedFile, sources: readonly T[]): T[] {
  if (sources.length < 2) return [...sources];
  const words = new Set(pathWords(test.path));
  const shared = sources.map(({ file }) => pathWords(file.path).filter((word) => words.has(word)).length);
  const most = Math.max(...shared);
  return sources.filter((_, i) => shared[i] === most);
}

/**
 * Tests describe behaviour in words that the code does not have: a test that matches the query speaks for the source
 * file that it is named after. Returns what each source gets: the best raw score of its tests.
 */
export function testEvidence<T extends { file: IndexedFile; raw: number }>(candidates: readonly T[]): Map<T, number> {
  const sources = new Map<string, T[]>();
  for (const candidate of candidates) {
    const { role, subject } = candidate.file;
    if (role !== 'source' || subject === '') continue;
    const same = sources.get(subject);
    if (same === undefined) sources.set(subject, [candidate]);
    else same.push(candidate);
  }
  const evidence = new Map<T, number>();
  for (const { file, raw } of candidates) {
    if (file.role !== 'test') continue;
    const tested = nearest(file, sources.get(file.subject) ?? []);
    if (tested.length > mostSources) continue;
    for (const source of tested) evidence.set(source, Math.max(evidence.get(source) ?? 0, raw));
  }
  return evidence;
}
