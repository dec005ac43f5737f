import { createHash } from 'node:crypto';

export const fingerprint = '0123456789abcdef01234567';
export const dimensions = 6;

/** 16 bytes that stand for a name. */
export const digest = (name: string | number): Uint8Array =>
  createHash('sha256').update(String(name)).digest().subarray(0, 16);

/** A unit vector that stands for a name. */
export function vector(name: string | number, length = dimensions): Float32Array {
  const bytes = createHash('sha256').update(`vector ${name}`).digest();
  const numbers = Float32Array.from({ length }, (_, i) => bytes[i % 32]! - 127.5 + i / 32);
  const norm = Math.hypot(...numbers);
  return numbers.map((value) => value / norm);
}
