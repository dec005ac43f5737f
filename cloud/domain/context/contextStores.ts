import type { BlobStore } from '../../ports/blobStore.ts';
import { VectorStoreError, type VectorStore } from '../../ports/vectorStore.ts';
import { ApiError } from '../apiError.ts';
import { sha256 } from '../bytes.ts';
import type { DerivedStore, TextSource, VectorSource } from './contextPorts.ts';

const vectorsAtOnce = 1_000;

/** @param pathOf where the index service keeps a text */
export function blobTexts(blobs: BlobStore, pathOf: (projectId: string, contentHash: string) => string): TextSource {
  return {
    async read(org, projectId, contentHash) {
      const bytes = await blobs.get(org, pathOf(projectId, contentHash));
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
  };
}

function orAway(error: unknown): never {
  if (!(error instanceof VectorStoreError) || !error.isUnavailable) throw error;
  throw new ApiError('unavailable', 'The vector store does not answer now.', { retryAfterMs: 5_000, cause: error });
}

export function storedVectors(vectors: VectorStore): VectorSource {
  return {
    async *read(org, projectId, digests) {
      const all = [...digests];
      for (let from = 0; from < all.length; from += vectorsAtOnce)
        yield await vectors.find(org, projectId, all.slice(from, from + vectorsAtOnce)).catch(orAway);
    },
  };
}

/** Beside the texts of a project, so that it goes with it. Names of branches may hold what names of blobs may not. */
export function derivedBlobs(blobs: BlobStore): DerivedStore {
  const pathOf = async (projectId: string, branch: string): Promise<string> =>
    `projects/${projectId}/derived/links-${(await sha256(branch)).slice(0, 32)}`;
  return {
    get: async (org, projectId, branch) => blobs.get(org, await pathOf(projectId, branch)),
    put: async (org, projectId, branch, bytes) => blobs.put(org, await pathOf(projectId, branch), bytes),
  };
}
