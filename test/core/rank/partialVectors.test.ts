import assert from 'node:assert/strict';
import { depthOf, expectedNearness } from '../../../core/rank/partialVectors.ts';

describe('Ranking with vectors of a part', () => {
  it('lets as large a part of them gain as of all', () => {
    const of = (share: number): number => depthOf({ share, has: () => true }, 200);
    assert.deepEqual([of(0.99), of(0.5), of(0.1), of(0.001)], [198, 100, 20, 20]);
    assert.equal(depthOf(undefined, 200), 200);
    assert.equal(depthOf({ share: 0.5, has: () => true }, 10), 10);
  });

  it('expects of a range what others with so many of the words have', () => {
    const expected = expectedNearness([
      { share: 1, near: 0.6 },
      { share: 0.5, near: 0.2 },
      { share: 0.5, near: 0.4 },
    ]);
    assert.ok(Math.abs(expected(1) - 0.6) < 1e-9 && Math.abs(expected(0.5) - 0.3) < 1e-9);
    assert.equal(expectedNearness([])(1), 0);
    assert.equal(expectedNearness([{ share: 0.1, near: 1 }])(0.5), 1);
  });
});
