import { githubIdentity } from '../adapters/githubIdentity/githubIdentity.ts';
import { memoryRateLimiter } from '../adapters/memoryRateLimiter/memoryRateLimiter.ts';
import { promMetrics } from '../adapters/promMetrics/promMetrics.ts';
import { requestLimits } from '../domain/limits/requestLimits.ts';
import { openUsageRecorder } from '../domain/usage/usageRecorder.ts';
import type { BlobStore } from '../ports/blobStore.ts';
import type { Database } from '../ports/database.ts';
import type { Log } from '../ports/log.ts';
import type { RateLimiter } from '../ports/rateLimiter.ts';
import type { VectorStore } from '../ports/vectorStore.ts';
import type { EmbeddedConfiguration } from './configuration.ts';
import { openContext } from './contextServices.ts';
import { openAnalyzer, openEmbedder } from './indexServices.ts';
import type { Stack } from './stack.ts';

/** Where a platform keeps things, opened. */
export interface Stores {
  database: Database;
  blobs: BlobStore;
  vectors: VectorStore;
  /** What servers count together; undefined: there is only this one. */
  sharedLimits: RateLimiter | undefined;
}

export interface StackOptions extends Pick<Stack, 'health'> {
  stores: Stores;
  configuration: EmbeddedConfiguration;
  /** Where the programs of the threads lie. */
  programFolder: string;
  log: Log;
}

/** What all platforms have in common, around their stores; closes these too. */
export function assembleStack({ stores, configuration, programFolder, log, health }: StackOptions): Stack {
  const { database, blobs, vectors, sharedLimits } = stores;
  const ownLimits = memoryRateLimiter();
  const analyzer = openAnalyzer({ programFolder, configuration, log });
  const embedder = openEmbedder(configuration);
  const context = openContext({ programFolder, configuration, database, blobs, vectors, embedder, log });
  const usage = openUsageRecorder(database);
  return {
    isAlone: sharedLimits === undefined,
    database,
    blobs,
    vectors,
    embedder,
    analyzer,
    context,
    usage,
    limits: requestLimits({
      shared: sharedLimits ?? ownLimits,
      local: ownLimits,
      log,
      now: () => performance.now(),
    }),
    metrics: promMetrics({ databaseLoad: database.load }),
    identityProvider: githubIdentity({ apiUrl: configuration.GITHUB_API_URL }),
    health,
    close: async () => {
      await usage.close();
      await context.close();
      await analyzer.close();
      await Promise.all([blobs.close(), vectors.close(), sharedLimits?.close(), ownLimits.close()]);
      await database.close();
    },
  };
}
