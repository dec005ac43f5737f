import assert from 'node:assert/strict';
import { arrange, chooseRanges, shortened } from '../../../core/pack/packRanges.ts';
import type { PackCandidate } from '../../../core/pack/types.ts';

function candidate(path: string, startLine: number, endLine: number, tokens: number, scope = ''): PackCandidate {
  const content = Array.from({ length: endLine - startLine + 1 }, (_, i) => `${path} line ${startLine + i}`).join('\n');
  return { path, language: 'text', startLine, endLine, scope, score: 1, content, tokens };
}

const named = (choice: { chosen: PackCandidate[] }): string[] =>
  choice.chosen.map(({ path, startLine, endLine }) => `${path}:${startLine}-${endLine}`);

describe('chooseRanges', () => {
  it('takes candidates in rank order until the budget is spent', () => {
    const choice = chooseRanges([candidate('a', 1, 2, 100), candidate('b', 1, 2, 100), candidate('c', 1, 2, 100)], {
      budget: 260,
      limit: 9,
    });
    assert.deepEqual(named(choice), ['a:1-2', 'b:1-2']);
    assert.equal(choice.leftOut, 1);
  });

  it('passes over one that is too large for a later one that fits', () => {
    const choice = chooseRanges([candidate('a', 1, 2, 100), candidate('b', 1, 9, 400), candidate('c', 1, 2, 50)], {
      budget: 260,
      limit: 9,
    });
    assert.deepEqual(named(choice), ['a:1-2', 'c:1-2']);
  });

  it('cuts the very first one at a line rather than give nothing', () => {
    const choice = chooseRanges([candidate('a', 11, 20, 1000)], { budget: 500, limit: 9 });
    assert.deepEqual(named(choice), ['a:11-14']);
    assert.equal(choice.chosen[0]!.content.split('\n').length, 4);
  });

  it('gives no more than the limit', () => {
    const choice = chooseRanges([candidate('a', 1, 2, 10), candidate('b', 1, 2, 10)], { budget: 500, limit: 1 });
    assert.deepEqual(named(choice), ['a:1-2']);
    assert.equal(choice.leftOut, 1);
  });
});

describe('shortened', () => {
  it('says so when not one line fits', () => assert.equal(shortened(candidate('a', 1, 1, 900), 100), undefined));
});

describe('arrange', () => {
  it('orders files by their best range and ranges by line', () => {
    const { files } = arrange({
      chosen: [candidate('b', 50, 60, 1), candidate('a', 1, 2, 1), candidate('b', 10, 20, 1)],
      leftOut: 0,
    }) as {
      files: { path: string; ranges: { startLine: number }[] }[];
    };
    assert.deepEqual(
      files.map((file) => [file.path, file.ranges.map((range) => range.startLine)]),
      [
        ['b', [10, 50]],
        ['a', [1]],
      ],
    );
  });

  it('joins neighbours and overlaps, keeps line numbers true and the scope both share', () => {
    const chosen = [
      candidate('a', 5, 8, 1, 'Box › open'),
      candidate('a', 1, 4, 1, 'Box › close'),
      candidate('a', 7, 9, 1, 'Box › open'),
    ];
    const document = arrange({ chosen, leftOut: 0 });
    assert.ok(document.mode === 'full');
    const [range, ...others] = document.files[0]!.ranges;
    assert.deepEqual(others, []);
    assert.deepEqual([range!.startLine, range!.endLine, range!.scope], [1, 9, 'Box']);
    assert.deepEqual(
      range!.content.split('\n'),
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((line) => `a line ${line}`),
    );
  });
});
