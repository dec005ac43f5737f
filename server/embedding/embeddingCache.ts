import { createCacheReader } from './cacheReader.ts';
import { wordsOf } from './cacheSegment.ts';
import { mergeSegments, modelFolder, pruneCache } from './cacheUpkeep.ts';
import { createCacheWriter } from './cacheWriter.ts';
import type { EmbeddingCache } from './types.ts';

export interface EmbeddingCacheOptions {
  /** The user's cache folder. */
  cacheDir: string;
  model: { fingerprint: string; dimensions: number };
  /** Most bytes that the embeddings of all models may take together. */
  maxBytes: number;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** How long what other processes have added may go unnoticed, in ms. */
  lookAgainMs?: number;
  /** How long nothing is written after a failure to write, in ms. */
  retryMs?: number;
}

/** After so many bytes written, the budget is looked at again. */
const tidyEveryBytes = 32 * 2 ** 20;
/** So many segments of processes that have ended are few enough to be left alone. */
const maxLooseSegments = 12;

function digestWords(digests: Uint8Array): Uint32Array {
  if (digests.byteLength % 16 !== 0)
    throw new RangeError(`digests are 16 bytes each, not ${digests.byteLength} in all`);
  return wordsOf(digests);
}

/**
 * Vectors by digest, in segments that only grow (see cacheSegment.ts). Each process writes to segments of its own and
 * reads those of all: nobody waits for a lock. Nothing here fails for the disk's sake: `problem` says what is wrong.
 */
export async function openEmbeddingCache({
  cacheDir,
  model: { fingerprint, dimensions },
  maxBytes,
  log,
  lookAgainMs = 1_000,
  retryMs = 60_000,
}: EmbeddingCacheOptions): Promise<EmbeddingCache> {
  const dir = modelFolder(cacheDir, fingerprint);
  const reader = createCacheReader({ dir, dimensions, lookAgainMs, log });
  const writer = createCacheWriter({ dir, dimensions, reader, retryMs, log, onWritten });
  let tidying: Promise<void> = Promise.resolve();
  let writtenSince = 0;
  let closed = false;

  function onWritten(bytes: number): void {
    writtenSince += bytes;
    if (writtenSince >= tidyEveryBytes) startTidying();
  }

  /** Merges small segments of processes that have ended, and keeps to the budget; beside the work, never in its way. */
  function startTidying(): void {
    writtenSince = 0;
    tidying = tidying.then(async () => {
      if (closed || writer.problem !== null) return;
      try {
        const stop = (): boolean => closed;
        const merged = await mergeSegments(dir, { dimensions, keep: maxLooseSegments, stop });
        const pruned = await pruneCache(cacheDir, { maxBytes });
        if (merged.segments === 0 && pruned.segments === 0) return;
        log('embedding cache tidied', {
          merged: merged.segments,
          dropped: merged.dropped,
          pruned: pruned.segments,
          prunedBytes: pruned.bytes,
        });
        await reader.look(true);
      } catch (error) {
        log('embedding cache cannot be tidied', { dir, reason: (error as Error).message });
      }
    });
  }

  await writer.prepare();
  await reader.look(true);
  startTidying();

  return {
    async get(digests, now = false) {
      const words = digestWords(digests);
      await reader.look(now);
      return reader.read(words);
    },
    async has(digests) {
      const words = digestWords(digests);
      await reader.look();
      return Array.from({ length: words.length / 4 }, (_, index) => reader.holds(words, index * 4));
    },
    put: (digest, vector) => writer.put(digest, vector),
    get problem() {
      return writer.problem ?? reader.problem;
    },
    async close() {
      if (closed) return;
      closed = true;
      await writer.close();
      await tidying;
      await reader.close();
    },
  };
}
