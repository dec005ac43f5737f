import assert from 'node:assert/strict';
import { NumberSet } from '../../../core/rank/numberSet.ts';

const held = (set: NumberSet): number[] => [...set.values.subarray(0, set.length)];

describe('NumberSet', () => {
  it('holds each number once, in the order in which they came', () => {
    const set = new NumberSet();
    set.fit(10);
    assert.deepEqual(
      [7, 0, 7, 9, 0].map((value) => set.add(value)),
      [true, true, false, true, false],
    );
    assert.deepEqual(held(set), [7, 0, 9]);
    assert.deepEqual([set.has(9), set.has(8)], [true, false]);
  });

  it('is empty after it was cleared, also where it has grown', () => {
    const set = new NumberSet();
    set.fit(10);
    set.add(4);
    set.clear();
    set.fit(100_000);
    assert.deepEqual([set.length, set.has(4)], [0, false]);
    assert.ok(set.add(4));
    assert.ok(set.add(99_999));
    set.clear();
    assert.deepEqual([set.has(4), set.has(99_999)], [false, false]);
  });
});
