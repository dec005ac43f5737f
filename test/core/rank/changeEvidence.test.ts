import assert from 'node:assert/strict';
import { ChangeHistory } from '../../../core/history/changeHistory.ts';
import { toPastCommits } from '../../../core/history/toPastCommit.ts';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { TermDictionary } from '../../../core/lexical/termDictionary.ts';
import { SearchIndex } from '../../../core/rank/searchIndex.ts';
import { withOverrides, type RankingOverrides } from '../../../core/rank/tunableWeights.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';

const none = { recency: 0, coChange: 0, pastChanges: 0 };

/** An index of files of one line, and the commits that changed them, oldest first. */
function indexOf(files: Record<string, string>, commits: { subject?: string; files: string[] }[]) {
  const terms = new TermDictionary();
  const index = new SearchIndex(terms);
  const scanner = createTextScanner(() => 0);
  const analyzer = createWordAnalyzer(scanner);
  for (const [path, text] of Object.entries(files)) {
    const chunks = [{ startLine: 1, endLine: 1, tokens: 5, scope: '', truncated: false }];
    const words = analyzer.analyze({ scanned: scanner.scan(text), chunks, comments: [], symbols: [] });
    const termIds = Uint32Array.from(words.termIds, (id) => terms.idOf(words.terms[id]!));
    index.put({
      path,
      language: 'typescript',
      role: path.startsWith('test/') ? 'test' : 'source',
      chunks: Uint32Array.from([1, 1, 5]),
      words: { ...words, termIds },
    });
  }
  const history = new ChangeHistory(
    toPastCommits(
      commits.map(({ subject = '', files: changed }, i) => ({
        id: String(i),
        time: i,
        subject,
        files: changed.map((path) => ({ path })),
      })),
    ),
  );
  return (
    query: string,
    overrides: RankingOverrides,
    signals: (() => ChangeHistory | null) | undefined = () => history,
  ) =>
    index.search(query, {
      limit: 10,
      explain: true,
      weights: withOverrides(defaultWeights, { ...none, ...overrides }),
      ...(signals === undefined ? {} : { signals }),
    });
}

const paths = (ranked: readonly { path: string }[]): string[] => ranked.map(({ path }) => path);

describe('What past changes add to a ranking', () => {
  const files = {
    'a.ts': 'polish the lens with a cloth',
    'b.ts': 'polish the lens with a cloth',
    'c.ts': 'a lens among many other words that are of no use here at all',
  };

  it('puts the file first that was changed lately, of two that are equal', () => {
    const search = indexOf(files, [{ files: ['a.ts'] }, { files: ['b.ts'] }, { files: ['b.ts'] }]);
    assert.deepEqual(paths(search('polish lens', {})).slice(0, 2), ['a.ts', 'b.ts']);
    assert.deepEqual(paths(search('polish lens', { recency: 0.1 })).slice(0, 2), ['b.ts', 'a.ts']);
  });

  it('lifts what was changed together with the best file', () => {
    const search = indexOf({ ...files, 'd.ts': files['c.ts'] }, [
      { files: ['a.ts', 'd.ts'] },
      { files: ['a.ts', 'd.ts'] },
    ]);
    const place = (overrides: RankingOverrides): number => paths(search('polish lens', overrides)).indexOf('d.ts');
    assert.equal(place({}), 3);
    assert.equal(place({ coChange: 0.2 }), 2);
  });

  it('lifts the files of a commit that said the same', () => {
    const search = indexOf(files, [
      { subject: 'Polish every lens', files: ['c.ts'] },
      { subject: 'Begin', files: ['a.ts'] },
      { subject: 'Go on with it', files: ['b.ts'] },
    ]);
    assert.equal(paths(search('polish lens', {})).indexOf('c.ts'), 2);
    assert.equal(paths(search('polish lens', { pastChanges: 1 })).indexOf('c.ts'), 0);
    assert.ok(paths(search('cloth', { pastChanges: 1 })).includes('c.ts') === false);
  });

  it('is named among the parts of a score, and only there where it acts', () => {
    const search = indexOf(files, [{ files: ['b.ts'] }]);
    const [b, a] = ['b.ts', 'a.ts'].map((path) =>
      search('polish lens', { recency: 0.5 }).find((each) => each.path === path),
    );
    const part = (of: typeof a) => of?.parts?.find(({ name }) => name === 'changes')?.value;
    assert.ok(part(b)! > 0);
    assert.equal(part(a), undefined);
  });

  it('is nothing without a history, and not even asked for with weights of zero', () => {
    const search = indexOf(files, []);
    const all = { recency: 1, coChange: 1, pastChanges: 1 };
    const plain = search('polish lens', {}, undefined);
    assert.deepEqual(
      search('polish lens', all, () => null),
      plain,
    );
    assert.deepEqual(search('polish lens', all, undefined), plain);
    assert.deepEqual(
      search('polish lens', {}, () => assert.fail('the history was asked for')),
      plain,
    );
  });
});
