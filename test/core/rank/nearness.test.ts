import assert from 'node:assert/strict';
import { nearness } from '../../../core/rank/nearness.ts';

const near = (similarity: number, index = 0) => ({ path: 'a.ts', index, similarity });

describe('nearness', () => {
  it('falls from 1 for the nearest to 0 for the last that counts', () => {
    const values = nearness([near(0.9, 0), near(0.8, 1), near(0.7, 2), near(0.1, 3)], 3).map(({ value }) => value);
    assert.deepEqual(
      values.map((value) => Math.round(value * 100) / 100),
      [1, 0.5],
    );
  });

  it('does not depend on where the cosines of a model lie', () => {
    const high = nearness([near(0.9), near(0.88), near(0.86)], 10);
    const low = nearness([near(0.5), near(0.3), near(0.1)], 10);
    assert.deepEqual(
      high.map(({ value }) => value.toFixed(6)),
      low.map(({ value }) => value.toFixed(6)),
    );
  });

  it('takes one chunk, equal ones and none', () => {
    assert.deepEqual(nearness([near(0.2)], 200), [{ path: 'a.ts', index: 0, value: 1 }]);
    assert.equal(nearness([near(0.2, 0), near(0.2, 1)], 200).length, 2);
    assert.deepEqual(nearness([], 200), []);
  });
});
