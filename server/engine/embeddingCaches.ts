import { cacheFolder, cacheStatus, pruneCache, type CacheStatus, type PruneReport } from '../embedding/index.ts';

export type { CacheStatus, PruneReport };

/** What is kept of embeddings for all repositories of this user. */
export const embeddingCacheStatus = (env: NodeJS.ProcessEnv): Promise<CacheStatus> => cacheStatus(cacheFolder(env));

/** Makes it smaller: to so many bytes, the least recently used first, or to nothing. */
export const pruneEmbeddingCache = (
  env: NodeJS.ProcessEnv,
  what: { maxBytes: number } | { all: true },
): Promise<PruneReport> => pruneCache(cacheFolder(env), what);
