/**
 * IEEE 754 half precision (binary16), as vectors are kept: half the bytes of a float, and off by less than a 2,000th
 * of each number, which moves the cosine of two vectors in the seventh digit.
 */
const floatBits = new Float32Array(1);
const intBits = new Int32Array(floatBits.buffer);

/** The nearest half, ties to even; what is too large for one becomes infinity. */
export function toHalf(value: number): number {
  floatBits[0] = value;
  const bits = intBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  let mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const half = exponent - 127 + 15;
  if (half >= 0x1f) return sign | 0x7c00;
  if (half > 0) return sign | roundedShift((half << 23) | mantissa, 13);
  if (half < -10) return sign;
  // Below the smallest normal half: the leading one becomes visible and moves right.
  mantissa |= 0x800000;
  return sign | roundedShift(mantissa, 14 - half);
}

/** `value >> shift`, to the nearest, ties to even. A carry into the exponent is just what rounding up means there. */
function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

/** What a mantissa counts, by the exponent; below the smallest normal half as much as there. */
const units = Float64Array.from({ length: 0x1f }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

export function fromHalf(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? mantissa : 1024 + mantissa) * units[exponent]!;
}

let everyHalf: Float32Array | undefined;

/** All 65,536 halves as floats, made when first asked for: rows are read many at a time. */
function halfTable(): Float32Array {
  if (everyHalf === undefined) {
    everyHalf = new Float32Array(0x10000);
    for (let half = 0; half < everyHalf.length; half++) everyHalf[half] = fromHalf(half);
  }
  return everyHalf;
}

export function encodeHalves(vector: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(vector.length);
  for (let i = 0; i < vector.length; i++) halves[i] = toHalf(vector[i]!);
  return halves;
}

/** A vector as it is kept, brought back to unit length, which rounding has moved a little. Doing both twice changes nothing. */
export function unitOfHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const vector = decodeHalves(halves);
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = squares === 0 ? 1 : 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  return vector;
}

export function decodeHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = halfTable();
  const vector = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) vector[i] = table[halves[i]!]!;
  return vector;
}
