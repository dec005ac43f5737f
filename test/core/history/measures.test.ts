import assert from 'node:assert/strict';
import { estimate, estimateDifference } from '../../../core/history/bootstrap.ts';
import { KeywordSearch } from '../../../core/history/keywordSearch.ts';
import { costsOfText, measure, type RankedRange } from '../../../core/history/measures.ts';

const tenTokens = `${'x'.repeat(39)}\n`;
const costs = (path: string): number[] | undefined =>
  path === 'a.py'
    ? costsOfText(tenTokens.repeat(100))
    : path === 'b.py'
      ? costsOfText(tenTokens.repeat(1000))
      : undefined;
const range = (path: string, startLine = 1, endLine = 1000): RankedRange => ({ path, startLine, endLine });
const gold = [
  { path: 'a.py', ranges: [[11, 20]] as [number, number][] },
  {
    path: 'b.py',
    ranges: [
      [1, 10],
      [900, 910],
    ] as [number, number][],
  },
];

describe('measure', () => {
  it('fills the budget in rank order, and counts files once', () => {
    // a.py whole costs 1,000 tokens, then 98 lines of b.py fit: two of three ranges.
    const found = measure([range('c.py'), range('a.py'), range('a.py'), range('b.py')], gold, costs, 2000);
    assert.deepEqual([found['recall@10'], found.MRR], [1, 1 / 2]);
    assert.ok(Math.abs(found.range - 2 / 3) < 1e-9);
  });

  it('takes half of a range for the range', () => {
    assert.equal(measure([range('a.py', 1, 15)], [gold[0]!], costs, 4000).range, 1);
    assert.equal(measure([range('a.py', 1, 14)], [gold[0]!], costs, 4000).range, 0);
  });

  it('pays for the head of each range', () => {
    // Two heads of 5.25 tokens leave room for 48 of 50 lines.
    const lines = [range('a.py', 1, 25), range('a.py', 26, 50)];
    const last = [{ path: 'a.py', ranges: [[49, 49]] as [number, number][] }];
    assert.equal(measure(lines, last, costs, 500).range, 0);
    assert.equal(measure(lines, last, costs, 520).range, 1);
  });

  it('is zero for no answer, and for a right file below the tenth', () => {
    assert.deepEqual(measure([], gold, costs, 4000), { 'recall@10': 0, MRR: 0, range: 0 });
    const late = [...Array.from({ length: 10 }, (_, i) => range(`x${i}.py`)), range('a.py')];
    assert.deepEqual(measure(late, [gold[0]!], costs, 4000), { 'recall@10': 0, MRR: 1 / 11, range: 1 });
  });
});

describe('estimate', () => {
  it('is the mean with an interval around it', () => {
    const { mean, low, high } = estimate([0, 0, 1, 1, 0, 1, 1, 1, 0, 1]);
    assert.equal(mean, 0.6);
    assert.ok(low > 0.2 && low < 0.5 && high > 0.7 && high < 1);
  });

  it('is the same each time', () => assert.deepEqual(estimate([1, 2, 5]), estimate([1, 2, 5])));

  it('narrows with more values', () => {
    const width = (count: number): number => {
      const { low, high } = estimate(Array.from({ length: count }, (_, i) => i % 2));
      return high - low;
    };
    assert.ok(width(400) < width(40) / 2);
  });

  it('is certain of a difference that every pair shows, however far the pairs lie apart', () => {
    const before = [0, 10, 20, 30, 40];
    const { mean, low, high } = estimateDifference(
      before.map((value) => value + 1),
      before,
    );
    assert.deepEqual([mean, low, high], [1, 1, 1]);
  });
});

describe('KeywordSearch', () => {
  const filler = 'const filler = 1;\n'.repeat(100);

  it('finds the window that holds the words, by parts of identifiers too', () => {
    const search = new KeywordSearch();
    search.put('src/other.ts', filler);
    search.put('src/router.ts', `${filler}function matchRoute() {}\n${filler}`);
    const [best] = search.search('where is a route matched: match route', 10);
    assert.equal(best?.path, 'src/router.ts');
    assert.ok(best.startLine <= 101 && best.endLine >= 101 && best.endLine - best.startLine === 39);
  });

  it('lets the words of a path decide between equals', () => {
    const search = new KeywordSearch();
    search.put('src/a.ts', 'function run() {}\n');
    search.put('src/scheduler.ts', 'function run() {}\n');
    assert.equal(search.search('run scheduler', 10)[0]?.path, 'src/scheduler.ts');
  });

  it('ranks after changes as one made at once', () => {
    const changed = new KeywordSearch();
    changed.put('a.ts', 'alpha beta\n');
    changed.put('b.ts', 'alpha gamma gamma\n');
    changed.put('gone.ts', 'alpha alpha alpha gamma\n');
    changed.put('a.ts', 'gamma delta\n');
    changed.remove('gone.ts');
    const fresh = new KeywordSearch();
    fresh.put('a.ts', 'gamma delta\n');
    fresh.put('b.ts', 'alpha gamma gamma\n');
    for (const query of ['gamma', 'alpha', 'delta gamma'])
      assert.deepEqual(changed.search(query, 10), fresh.search(query, 10));
    assert.deepEqual(changed.search('beta', 10), []);
  });
});
