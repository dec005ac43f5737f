import { createHash } from 'node:crypto';
import { chunkText, digestBytes, embeddingInputVersion } from '../../core/chunk/embeddingInput.ts';
import { sliceLines } from '../../core/lexical/lineStarts.ts';
import type { Chunk } from '../../core/model.ts';

/** Of each chunk 16 bytes of the SHA-256 of what the model is given of it: equal text, equal digest, in any repository. */
export function digestChunks(chunks: readonly Chunk[], text: string, lineStarts: Uint32Array): Uint8Array {
  const digests = new Uint8Array(chunks.length * digestBytes);
  chunks.forEach(({ startLine, endLine, scope }, i) => {
    const input = chunkText(scope, sliceLines(text, lineStarts, startLine, endLine));
    digests.set(
      createHash('sha256').update(`${embeddingInputVersion}\n${input}`).digest().subarray(0, digestBytes),
      i * digestBytes,
    );
  });
  return digests;
}
