import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assetsDir } from '../../server/engine/assets.ts';
import { findModel, openEmbeddings, openEngine, type ReadyModel } from '../../server/engine/index.ts';
import { openEmbeddingCache } from '../../server/embedding/index.ts';
import { openStore } from '../../server/store/index.ts';
import { digestBytes } from '../../core/chunk/embeddingInput.ts';
import { analysisVersion } from '../../core/records/analysisVersion.ts';

export interface VectorCacheFill {
  root: string;
  /** Folder of its index.db, which is complete. */
  indexDir: string;
  cacheDir: string;
  modelDir: string;
}

const log = (): void => undefined;

const mostBytes = 20_000;

/** Small files at the top: found first in every walk, and soon embedded. */
export const filesAtTop = (root: string): string[] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile() && statSync(path.join(root, entry.name)).size <= mostBytes)
    .map(({ name }) => name);

/** Vectors of the model for a few files: the program tests itself on what it has looked up first. */
async function embedForReal({ root, cacheDir, modelDir }: VectorCacheFill): Promise<void> {
  const few = mkdtempSync(path.join(tmpdir(), 'contextkit-bench-few-'));
  for (const name of filesAtTop(root)) cpSync(path.join(root, name), path.join(few, name));
  const embeddings = openEmbeddings({ directory: modelDir, cacheDir, env: {} });
  const engine = await openEngine({ root: few, embeddings });
  try {
    await engine.index();
    await engine.embed();
  } finally {
    await engine.close();
    await embeddings.close();
    rmSync(few, { recursive: true });
  }
}

async function modelIn(directory: string, cacheDir: string): Promise<ReadyModel> {
  const found = await findModel({ directory, cacheDir, env: {} });
  if (found.state !== 'ready') throw new Error(found.reason);
  return found.model;
}

/** So many rows are written at a time. */
const batch = 2_000;

/** A direction by chance, the same for the same digest (numbers by xorshift32; Marsaglia 2003). */
function vectorOf(digest: Uint8Array, dimensions: number): Float32Array {
  let state = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true) || 1;
  const vector = Float32Array.from({ length: dimensions }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state | 0) / 2 ** 31;
  });
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/**
 * Keeps a vector for each chunk of an index, as if the model had made it: a million lines take a model hours, and what
 * vectors cost in memory, on the disk and in a question does not depend on where they point. Those of `filesAtTop` are
 * the model's.
 */
export async function fillVectorCache(fill: VectorCacheFill): Promise<void> {
  const { indexDir, cacheDir, modelDir } = fill;
  await embedForReal(fill);
  const { fingerprint, spec } = await modelIn(modelDir, cacheDir);
  const { dimensions } = spec;
  const store = await openStore({ indexDir, access: 'read', assetsDir, analysisVersion, log });
  const cache = await openEmbeddingCache({
    cacheDir,
    model: { fingerprint, dimensions },
    maxBytes: Number.MAX_SAFE_INTEGER,
    log,
  });
  try {
    await store.openVectors({ model: fingerprint, dimensions });
    const { digests } = await store.chunkGaps({ model: fingerprint, paths: await store.paths() });
    const count = digests.length / digestBytes;
    for (let from = 0; from < count; from += batch) {
      const indexes = Array.from({ length: Math.min(batch, count - from) }, (_, i) => from + i);
      await Promise.all(
        indexes.map((index) => {
          const digest = digests.subarray(index * digestBytes, (index + 1) * digestBytes);
          return cache.put(digest, vectorOf(digest, dimensions));
        }),
      );
      if (cache.problem !== null) throw new Error(cache.problem);
    }
  } finally {
    await cache.close();
    await store.close();
  }
}
