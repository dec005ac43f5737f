import { forEachWord, termsOfWord } from '../lexical/splitIdentifier.ts';
import { stem } from '../lexical/stem.ts';
import type { CommitChanges, PastCommit } from './types.ts';

/** Longer subjects are whole messages on one line. */
const mostSubjectCharacters = 200;

/** Prepares commits for being kept; each word is split and stemmed once for all of them. */
export function toPastCommits(commits: readonly CommitChanges[]): PastCommit[] {
  const known = new Map<string, readonly string[]>();
  const stemsOfWord = (word: string): readonly string[] => {
    let stems = known.get(word);
    if (stems === undefined) {
      stems = termsOfWord(word).map(stem);
      known.set(word, stems);
    }
    return stems;
  };
  return commits.map(({ id, time, subject, files }) => {
    const text = subject.slice(0, mostSubjectCharacters);
    const stems = new Set<string>();
    forEachWord(text, 0, text.length, (start, end) => {
      for (const root of stemsOfWord(text.slice(start, end))) stems.add(root);
    });
    return { id, time, stems: [...stems], files };
  });
}
