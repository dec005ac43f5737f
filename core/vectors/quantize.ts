/**
 * Vectors of unit length as bytes. Their components spread around zero with a deviation of 1/√d; a byte holds
 * ±4.9 deviations, beyond which a component is cut. At 384 dimensions that is the fixed scale 508.
 */
const deviations = 4.9;
const largest = 127;

/** What a component is multiplied with. */
export const scaleOf = (dimensions: number): number => (largest * Math.sqrt(dimensions)) / deviations;

/** Writes a vector of unit length to `out` (of the same length, or longer: the rest is left as it is). */
export function quantize(vector: Float32Array, out: Int8Array | Int16Array): void {
  const scale = scaleOf(vector.length);
  for (let i = 0; i < vector.length; i++) {
    out[i] = Math.max(-largest, Math.min(largest, Math.round(vector[i]! * scale)));
  }
}

/** Cosine of a vector of unit length and a quantized one; only the latter has lost anything. */
export function cosineWith(vector: Float32Array, row: Int8Array): number {
  let product = 0;
  for (let i = 0; i < vector.length; i++) product += vector[i]! * row[i]!;
  return product / scaleOf(vector.length);
}

/**
 * Cosine of a vector of unit length and its own bytes, as `cosineWith` gives it: 1, but for what rounding takes and what
 * is cut of components that a byte cannot hold.
 */
export function ownCosine(vector: Float32Array): number {
  const row = new Int8Array(vector.length);
  quantize(vector, row);
  return cosineWith(vector, row);
}
