import type { Store } from '../store/index.ts';
import type { DiscoveryBatch } from './discovery/discover.ts';
import { sameStamp } from './indexer.ts';

/** Paths that are on disk otherwise than in the index, by their stamps: nothing is read, and nothing is changed. */
export async function outdatedPaths(
  store: Store,
  discover: () => AsyncIterable<DiscoveryBatch>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const known = new Map((await store.knownFiles()).map((file) => [file.path, file]));
  const skipped = new Map((await store.skippedFiles()).map((record) => [record.path, record]));
  const outdated: string[] = [];
  for await (const { files } of discover()) {
    signal?.throwIfAborted();
    for (const file of files) {
      const before = known.get(file.path) ?? skipped.get(file.path);
      if (before === undefined || !sameStamp(before, file)) outdated.push(file.path);
      known.delete(file.path);
    }
  }
  return [...outdated, ...known.keys()];
}
