/** What the engine uses of this room. */
export { cacheFolder } from './cacheFolder.ts';
export { cacheStatus, pruneCache, type CacheStatus, type PruneOptions, type PruneReport } from './cacheUpkeep.ts';
export { openEmbeddingCache, type EmbeddingCacheOptions } from './embeddingCache.ts';
export { createEmbedPool, defaultProcesses, type EmbedPoolOptions } from './embedPool.ts';
export { recallModel, rememberModel, type Recalled } from './rememberedModels.ts';
export { missingRuntime } from './runtime.ts';
export { createPauses, createTypingPauses, type Hold, type PauseReason } from './pauses.ts';
export { readRetryMark, touchRetryMark } from './retryMark.ts';
