import path from 'node:path';
import { contextThreads } from '../adapters/contextThread/contextThreads.ts';
import { contextService, type ContextService } from '../domain/context/contextService.ts';
import { blobTexts, derivedBlobs, storedVectors } from '../domain/context/contextStores.ts';
import { databaseRevisions } from '../domain/context/databaseRevisions.ts';
import { questionVectors } from '../domain/context/questionVectors.ts';
import { contentPath } from '../domain/indexing/indexParts.ts';
import type { BlobStore } from '../ports/blobStore.ts';
import type { Database } from '../ports/database.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { Log } from '../ports/log.ts';
import type { VectorStore } from '../ports/vectorStore.ts';
import type { EmbeddedConfiguration } from './configuration.ts';

export interface ContextOptions {
  /** Where the programs of the threads lie; what they load lies in the folder above. */
  programFolder: string;
  configuration: Pick<EmbeddedConfiguration, 'CONTEXT_MEMORY_MB' | 'CONTEXT_THREADS'>;
  database: Database;
  blobs: BlobStore;
  vectors: VectorStore;
  embedder: Embedder | undefined;
  log: Log;
}

/** How the memory is shared out: indexes are what takes longest to get again. */
const shares = { indexes: 0.75, texts: 0.15, answers: 0.08, questions: 0.02 };

/** Questions are answered in threads of their own. */
export function openContext(options: ContextOptions): ContextService {
  const { programFolder, configuration, database, blobs, vectors, embedder, log } = options;
  const bytes = configuration.CONTEXT_MEMORY_MB * 1024 * 1024;
  const now = (): number => performance.now();
  const revisions = databaseRevisions(database);
  return contextService({
    engine: contextThreads({
      threads: configuration.CONTEXT_THREADS,
      workerFile: path.join(programFolder, 'contextWorker.cjs'),
      assetsFolder: path.dirname(programFolder),
      maxBytes: shares.indexes * bytes,
      maxTextBytes: shares.texts * bytes,
      revisions,
      vectors: storedVectors(vectors),
      texts: blobTexts(blobs, contentPath),
      derived: derivedBlobs(blobs),
      log,
    }),
    revisions,
    vectors: questionVectors({
      embedderOf: (model) => (embedder?.model === model ? embedder : undefined),
      maxBytes: shares.questions * bytes,
      now,
      log,
    }),
    maxAnswerBytes: shares.answers * bytes,
    now,
  });
}
