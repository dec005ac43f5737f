import path from 'node:path';
import { diskBlobStore } from '../adapters/diskBlobStore/diskBlobStore.ts';
import { githubIdentity } from '../adapters/githubIdentity/githubIdentity.ts';
import { memoryRateLimiter } from '../adapters/memoryRateLimiter/memoryRateLimiter.ts';
import { pgvectorStore } from '../adapters/pgvectorStore/pgvectorStore.ts';
import { pgliteDatabase } from '../adapters/pglite/pgliteDatabase.ts';
import { promMetrics } from '../adapters/promMetrics/promMetrics.ts';
import { requestLimits } from '../domain/limits/requestLimits.ts';
import { openUsageRecorder } from '../domain/usage/usageRecorder.ts';
import type { Log } from '../ports/log.ts';
import type { EmbeddedConfiguration } from './configuration.ts';
import { openContext } from './contextServices.ts';
import { openAnalyzer, openEmbedder } from './indexServices.ts';
import type { Stack } from './stack.ts';

export interface EmbeddedOptions {
  /** Where everything is kept. */
  dataFolder: string;
  /** Where the programs of the threads lie. */
  programFolder: string;
  configuration: EmbeddedConfiguration;
  log: Log;
}

/** The whole platform in this process, with no other service. */
export async function openEmbeddedStack({
  dataFolder,
  programFolder,
  configuration,
  log,
}: EmbeddedOptions): Promise<Stack> {
  const database = await pgliteDatabase({
    folder: dataFolder,
    workerFile: path.join(programFolder, 'pgliteWorker.cjs'),
    onError: (error) => log('error', 'database.connection_lost', { message: error.message }),
  });
  const limiter = memoryRateLimiter();
  const analyzer = openAnalyzer({ programFolder, configuration, log });
  const blobs = diskBlobStore({ root: path.join(dataFolder, 'blobs') });
  const vectors = pgvectorStore({ database });
  const embedder = openEmbedder(configuration);
  const context = openContext({ programFolder, configuration, database, blobs, vectors, embedder, log });
  const usage = openUsageRecorder(database);
  return {
    isAlone: true,
    database,
    blobs,
    vectors,
    embedder,
    analyzer,
    context,
    usage,
    limits: requestLimits({ shared: limiter, local: limiter, log, now: () => performance.now() }),
    metrics: promMetrics({ databaseLoad: database.load }),
    identityProvider: githubIdentity({ apiUrl: configuration.GITHUB_API_URL }),
    health: { database: database.health, blobs: () => blobs.health() },
    close: async () => {
      await usage.close();
      await context.close();
      await analyzer.close();
      await blobs.close();
      await limiter.close();
      await database.close();
    },
  };
}
