import { setTimeout as sleep } from 'node:timers/promises';
import { ownCosine } from '../../core/vectors/quantize.ts';
import { embedPriority } from '../embedding/types.ts';
import type { Store } from '../store/index.ts';
import type { ChunkPlace, VectorSupply } from './vectorSupply.ts';

/** Chunks given to the processes at a time: enough to keep them busy, few enough to stop soon. */
const batchChunks = 48;
const batchesInFlight = 2;
/** How soon it goes on after a pause. */
const heldMs = 100;
/** So much of what a vector is near to its own bytes; less means that the vectors are not those of the texts. */
const selfSimilarity = 0.95;

export interface EmbedGapsOptions {
  store: Store;
  supply: VectorSupply;
  /** Files to begin with. */
  first: readonly string[];
  signal: AbortSignal;
  /** True while nothing is to be embedded. */
  isHeld: () => boolean;
  /** True once files were indexed that this pass does not know of: it then ends early. */
  isOutdated: () => boolean;
  onBatch: () => void;
}

/** One pass over all chunks without a vector. Those of files that change meanwhile are left to the next one. */
export async function embedGaps(options: EmbedGapsOptions): Promise<void> {
  const { store, supply, first, signal, isHeld, isOutdated, onBatch } = options;
  const running = new Set<Promise<void>>();
  let batch: ChunkPlace[] = [];
  const failed: unknown[] = [];

  async function send(): Promise<void> {
    // Looked up after a pause: another process may have embedded it meanwhile.
    while (isHeld() && !isOutdated()) await sleep(heldMs, undefined, { signal });
    const places = batch;
    batch = [];
    const work: Promise<void> = supply
      .embed(places, { priority: embedPriority.background, signal })
      .catch((error: unknown) => void failed.push(error))
      .then(() => {
        running.delete(work);
        onBatch();
      });
    running.add(work);
    if (running.size >= batchesInFlight) await Promise.race(running);
  }

  const paths = await supply.filesToEmbed(first);
  // Beside a process that writes, and begins with the first, it begins with the last: they meet, and no text is embedded
  // by both.
  if (store.role === 'reader') paths.reverse();
  for (const path of paths) {
    if (signal.aborted || failed.length > 0 || isOutdated()) break;
    batch.push(...supply.textsOf(await supply.chunksToEmbed([{ path }])));
    if (batch.length >= batchChunks) await send();
  }
  if (batch.length > 0 && failed.length === 0) await send();
  await Promise.all(running);
  if (failed.length > 0) throw failed[0];
}

export interface SelfTest {
  /** False where there is nothing to ask for. */
  tested: boolean;
  /** Null when nothing is wrong. */
  fault: string | null;
}

/** Asks for a chunk by its own text. "Ready" is not said before. */
export async function selfTest({
  store,
  supply,
  signal,
}: Pick<EmbedGapsOptions, 'store' | 'supply' | 'signal'>): Promise<SelfTest> {
  const { embedder, model } = supply.parts;
  const sample = await store.vectorSample({ model: model.fingerprint });
  const [place] = sample === null ? [] : supply.textsOf([sample]);
  if (place === undefined) return { tested: false, fault: null };
  const how = { kind: 'text', priority: embedPriority.answer, signal } as const;
  const [embedded] = await embedder.embed([place.text], how);
  if (embedded === undefined || 'failure' in embedded)
    return { tested: true, fault: `the self-test failed: ${embedded?.failure ?? 'the model gave no answer'}` };
  const [nearest] = await store.nearest({
    vector: { model: model.fingerprint, values: embedded.vector },
    count: 1,
  });
  const least = selfSimilarity * ownCosine(embedded.vector);
  if (nearest !== undefined && nearest.similarity >= least) return { tested: true, fault: null };
  const cosine = (nearest?.similarity ?? 0).toFixed(2);
  return { tested: true, fault: `the self-test failed: a text is not found by its own vector (cosine ${cosine})` };
}
