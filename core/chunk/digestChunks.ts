import { chunkText, digestBytes, embeddingInputVersion } from './embeddingInput.ts';
import { sliceLines } from '../lexical/lineStarts.ts';
import type { Chunk } from '../model.ts';

/** Of each chunk 16 bytes of the SHA-256 of what the model is given of it: equal text, equal digest, in any repository. */
export function digestChunks(
  chunks: readonly Chunk[],
  { text, lineStarts, sha256 }: { text: string; lineStarts: Uint32Array; sha256: (text: string) => Uint8Array },
): Uint8Array {
  const digests = new Uint8Array(chunks.length * digestBytes);
  chunks.forEach(({ startLine, endLine, scope }, i) => {
    const input = chunkText(scope, sliceLines(text, lineStarts, startLine, endLine));
    digests.set(sha256(`${embeddingInputVersion}\n${input}`).subarray(0, digestBytes), i * digestBytes);
  });
  return digests;
}
