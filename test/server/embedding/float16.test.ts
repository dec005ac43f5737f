import assert from 'node:assert/strict';
import { encodeHalves, fromHalf, toHalf, unitOfHalves } from '../../../server/embedding/float16.ts';

describe('Half precision', () => {
  it('gives every half back', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half);
      if (Number.isNaN(value)) assert.ok(Number.isNaN(fromHalf(toHalf(value))));
      else assert.equal(toHalf(value), half);
    }
  });

  it('knows the landmarks of the format', () => {
    for (const [value, half] of [
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65520, 0x7c00],
      [1e9, 0x7c00],
      [-Infinity, 0xfc00],
      [2 ** -14, 0x0400],
      [2 ** -24, 0x0001],
      [2 ** -25, 0x0000],
      [2 ** -25 * 1.01, 0x0001],
      [-0, 0x8000],
      [1 / 3, 0x3555],
    ] as const)
      assert.equal(toHalf(value), half, String(value));
  });

  it('rounds to the nearest, ties to even', () => {
    const step = 2 ** -10;
    assert.equal(fromHalf(toHalf(1 + step / 2)), 1);
    assert.equal(fromHalf(toHalf(1 + step * 1.5)), 1 + 2 * step);
    assert.equal(fromHalf(toHalf(1 + step * 0.51)), 1 + step);
    for (let i = 0; i < 10_000; i++) {
      const value = Math.fround((i / 10_000 - 0.5) * 2.2);
      assert.ok(Math.abs(fromHalf(toHalf(value)) - value) <= Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
    }
  });

  it('keeps a unit vector the same when it is kept twice', () => {
    for (let seed = 1; seed < 50; seed++) {
      const numbers = Float32Array.from({ length: 384 }, (_, i) => Math.sin(i * seed * 0.7));
      const norm = Math.hypot(...numbers);
      const kept = unitOfHalves(encodeHalves(numbers.map((value) => value / norm)));
      assert.ok(Math.abs(Math.hypot(...kept) - 1) < 1e-6);
      assert.deepEqual(unitOfHalves(encodeHalves(kept)), kept);
    }
    assert.deepEqual([...unitOfHalves(encodeHalves([0, 0]))], [0, 0]);
  });
});
