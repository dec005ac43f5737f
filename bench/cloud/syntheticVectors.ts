import { createHash } from 'node:crypto';

/** As all-MiniLM-L6-v2 and gte-small make them, and as the platform keeps them. */
export const dimensions = 384;

/** Numbers that look like chance and are the same each time. */
function* xorshift(seed: number): Generator<number, never> {
  let state = seed === 0 ? 1 : seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32 - 0.5;
  }
}

/** A vector of length 1 that stands for a text: as long, and as dear, as one of a model; it means nothing. */
export function vectorFor(text: string): Float32Array {
  const chance = xorshift(createHash('sha256').update(text).digest().readInt32LE(0));
  const vector = Float32Array.from({ length: dimensions }, () => chance.next().value);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** As the platform and OpenAI's API take and give them. */
export const asBase64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');
