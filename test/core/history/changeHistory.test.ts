import assert from 'node:assert/strict';
import { ChangeHistory } from '../../../core/history/changeHistory.ts';
import { toPastCommits } from '../../../core/history/toPastCommit.ts';
import type { ChangedPath, CommitChanges } from '../../../core/history/types.ts';

/** Commits from the oldest on; each is a list of paths, `old>new` for a rename. */
function historyOf(...commits: (string[] | { subject: string; files: string[] })[]): ChangeHistory {
  return new ChangeHistory(
    toPastCommits(
      commits.map((each, i): CommitChanges => {
        const { subject, files } = Array.isArray(each) ? { subject: '', files: each } : each;
        return {
          id: String(i).padStart(12, '0'),
          time: 1_000 + i,
          subject,
          files: files.map((text): ChangedPath => {
            const [from, path] = text.split('>');
            return path === undefined ? { path: from! } : { path, from: from! };
          }),
        };
      }),
    ),
  );
}

const stems = (...words: string[]): Map<string, number> => new Map(words.map((word) => [word, 1]));

describe('ChangeHistory', () => {
  it('knows files that were changed lately and often', () => {
    const history = historyOf(['old.ts', 'often.ts'], ['often.ts'], ['often.ts'], ['new.ts']);
    const [often, fresh, old] = ['often.ts', 'new.ts', 'old.ts'].map((path) => history.recency(path));
    assert.ok(often! > fresh! && fresh! > old! && old! > 0);
    assert.ok(often! < 1);
    assert.equal(history.recency('never.ts'), 0);
  });

  it('halves what a change weighs every 500 commits', () => {
    const rest = Array.from({ length: 500 }, (_, i) => [`other${i}.ts`]);
    // s = 1/2 for the change below 500 others: s / (1 + s) = 1/3.
    assert.ok(Math.abs(historyOf(['a.ts'], ...rest).recency('a.ts') - 1 / 3) < 1e-9);
  });

  it('finds what was changed together, small commits before large ones', () => {
    const history = historyOf(['a.ts', 'b.ts'], ['a.ts', 'c.ts', 'd.ts', 'e.ts', 'f.ts']);
    assert.deepEqual(
      history.coChanged('a.ts').map(([path]) => path),
      ['b.ts', 'c.ts', 'd.ts', 'e.ts', 'f.ts'],
    );
    assert.deepEqual(
      history.coChanged('a.ts', 1).map(([path]) => path),
      ['b.ts'],
    );
  });

  it('is surer of a partner that is always there', () => {
    const history = historyOf(['a.ts', 'b.ts'], ['a.ts', 'b.ts'], ['c.ts', 'd.ts'], ['c.ts'], ['c.ts']);
    assert.ok(history.coChanged('a.ts')[0]![1] > history.coChanged('c.ts')[0]![1]);
    assert.ok(history.coChanged('a.ts')[0]![1] < 1);
  });

  it('passes over commits of more than 30 files', () => {
    const files = (count: number): string[] => Array.from({ length: count }, (_, i) => `file${i}.ts`);
    assert.equal(historyOf(files(31)).recency('file0.ts'), 0);
    assert.deepEqual(historyOf(files(31)).coChanged('file0.ts'), []);
    assert.equal(historyOf(files(30)).coChanged('file0.ts', 100).length, 29);
  });

  it('carries the past over a rename, also over two', () => {
    const history = historyOf(['one.ts', 'b.ts'], ['one.ts>two.ts'], ['two.ts>three.ts']);
    assert.deepEqual(
      history.coChanged('three.ts').map(([path]) => path),
      ['b.ts'],
    );
    assert.equal(history.recency('one.ts'), 0);
    assert.ok(history.recency('three.ts') > 0.7);
  });

  it('keeps a new file apart from the one that gave its name away', () => {
    const history = historyOf(['a.ts', 'friend.ts'], ['a.ts>b.ts'], ['a.ts', 'stranger.ts']);
    assert.deepEqual(
      history.coChanged('b.ts').map(([path]) => path),
      ['friend.ts'],
    );
    assert.deepEqual(
      history.coChanged('a.ts').map(([path]) => path),
      ['stranger.ts'],
    );
  });

  it('follows a swap of two names', () => {
    const history = historyOf(['a.ts', 'x.ts'], ['b.ts', 'y.ts'], ['a.ts>b.ts', 'b.ts>a.ts']);
    assert.equal(history.coChanged('b.ts').find(([path]) => path !== 'a.ts')?.[0], 'x.ts');
    assert.equal(history.coChanged('a.ts').find(([path]) => path !== 'b.ts')?.[0], 'y.ts');
  });

  it('points from a query to the files of commits that said the same', () => {
    const history = historyOf(
      { subject: 'Retry requests that time out', files: ['retry.ts'] },
      { subject: 'Draw the icons in another colour', files: ['icons.ts'] },
      { subject: 'Retry everything in the whole world of unrelated long subjects', files: ['world.ts'] },
    );
    const resembling = (...roots: string[]): Map<string, number> => {
      const found = new Map<string, number>();
      history.resembling(stems(...roots), (file, value) => found.set(history.paths[file]!, value));
      return found;
    };
    const found = resembling('retry', 'request');
    assert.ok((found.get('retry.ts') ?? 0) > (found.get('world.ts') ?? 0));
    assert.equal(found.get('icons.ts'), undefined);
    assert.deepEqual(resembling('retry', 'request'), found, 'asked again');
    assert.deepEqual([...resembling('icon').keys()], ['icons.ts'], 'nothing is left of the question before');
  });

  it('does not depend on the order in which commits are given', () => {
    const commits: CommitChanges[] = [
      { id: 'b', time: 5, subject: '', files: [{ path: 'a.ts' }, { path: 'b.ts' }] },
      { id: 'a', time: 5, subject: '', files: [{ path: 'c.ts', from: 'b.ts' }] },
      { id: 'c', time: 9, subject: '', files: [{ path: 'a.ts' }] },
    ];
    const answers = [commits, [...commits].reverse()].map((each) =>
      new ChangeHistory(toPastCommits(each)).coChanged('a.ts'),
    );
    assert.deepEqual(answers[0], answers[1]);
  });
});
