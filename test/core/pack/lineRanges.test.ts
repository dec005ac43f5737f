import assert from 'node:assert/strict';
import type { LineRange } from '../../../core/model.ts';
import { union, without } from '../../../core/pack/lineRanges.ts';

function ranges(text: string): LineRange[] {
  if (text === '') return [];
  return text.split(' ').map((each) => {
    const [startLine, endLine] = each.split('-').map(Number);
    return { startLine: startLine!, endLine: endLine! };
  });
}
const written = (all: LineRange[]): string => all.map(({ startLine, endLine }) => `${startLine}-${endLine}`).join(' ');

describe('union', () => {
  const cases: [given: string, expected: string][] = [
    ['', ''],
    ['4-6 1-3', '1-6'],
    ['1-9 2-3 12-14', '1-9 12-14'],
    ['1-2 4-5', '1-2 4-5'],
  ];
  for (const [given, expected] of cases)
    it(`of ${given} is ${expected}`, () => assert.equal(written(union(ranges(given))), expected));
});

describe('without', () => {
  const cases: [range: string, others: string, expected: string][] = [
    ['3-8', '', '3-8'],
    ['3-8', '1-2 9-9', '3-8'],
    ['3-8', '1-4', '5-8'],
    ['3-8', '5-5 7-20', '3-4 6-6'],
    ['3-8', '1-20', ''],
  ];
  for (const [range, others, expected] of cases)
    it(`${range} without ${others} is ${expected}`, () =>
      assert.equal(written(without(ranges(range)[0]!, ranges(others))), expected));
});
