import assert from 'node:assert/strict';

/**
 * Scores that are equal but for their last digits: counts of words of one stem are added up in the order in which an
 * index met them first, and sums of floats depend on that.
 */
export function assertAlike(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  for (const [i, score] of found.entries())
    assert.ok(Math.abs(score - expected[i]!) <= 1e-6 * expected[i]!, `${score} is not ${String(expected[i])}`);
}
