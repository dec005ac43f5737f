import assert from 'node:assert/strict';
import { cosineWith, ownCosine, quantize, scaleOf } from '../../../core/vectors/quantize.ts';

/** A vector of unit length from numbers of any. */
function unit(numbers: number[]): Float32Array {
  const length = Math.hypot(...numbers);
  return Float32Array.from(numbers, (each) => each / length);
}

describe('quantize', () => {
  it('has a scale that grows with the dimensions', () => {
    assert.ok(Math.abs(scaleOf(384) - 508) < 0.5);
    assert.ok(Math.abs(scaleOf(96) * 2 - scaleOf(384)) < 1e-9);
  });

  it('keeps cosines to a hundredth', () => {
    const a = unit(Array.from({ length: 384 }, (_, i) => Math.sin(i * 12.9898) * 43.5));
    const b = unit(Array.from({ length: 384 }, (_, i) => Math.sin(i * 12.9898) * 43.5 + Math.cos(i * 7.1) * 30));
    const row = new Int8Array(384);
    quantize(b, row);
    const exact = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    assert.ok(Math.abs(cosineWith(a, row) - exact) < 0.01, `${cosineWith(a, row)} is not ${exact}`);
  });

  it('cuts what a byte cannot hold and leaves what lies behind the vector', () => {
    const row = new Int8Array(6).fill(5);
    quantize(Float32Array.of(1, 0, 0, -1), row);
    assert.deepEqual([...row], [Math.round(scaleOf(4)), 0, 0, -Math.round(scaleOf(4)), 5, 5]);
    const wide = new Float32Array(384);
    wide[0] = 1;
    wide[1] = -1;
    const cut = new Int8Array(384);
    quantize(wide, cut);
    assert.deepEqual([...cut.subarray(0, 3)], [127, -127, 0]);
  });

  it('says how near a vector is to its own bytes', () => {
    const even = unit(Array.from({ length: 384 }, (_, i) => Math.sin(i * 12.9898) * 43.5));
    assert.ok(ownCosine(even) > 0.999, `${ownCosine(even)}`);
    // .5 is cut to .25, which takes an eighth away.
    const peak = unit([0.5, ...Array.from({ length: 383 }, (_, i) => Math.sqrt(1.5 / 383) * Math.sin(i * 12.9898))]);
    assert.ok(Math.abs(ownCosine(peak) - 0.875) < 0.01, `${ownCosine(peak)}`);
  });
});
