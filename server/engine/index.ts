/** The engine's door: hosts import this module and nothing behind it. */
export type * from './types.ts';
export { openEngine } from './openEngine.ts';
export { openEmbeddings } from './embeddings.ts';
export type { Embeddings, EmbeddingsOptions } from './embeddings.ts';
export { scoreRepository } from './scoreRepository.ts';
export type * from './scoreRepository.ts';
export { embeddingCacheStatus, pruneEmbeddingCache } from './embeddingCaches.ts';
export type * from './embeddingCaches.ts';
export { downloadModel, findModel, importModel, listModels, removeModel } from './models.ts';
export type * from './models.ts';
export { examineIndex } from './doctor/examineIndex.ts';
export type { DoctorOptions, DoctorReport, Finding, FindingLevel } from './doctor/types.ts';
