import { githubIdentity } from '../adapters/githubIdentity/githubIdentity.ts';
import { memoryRateLimiter } from '../adapters/memoryRateLimiter/memoryRateLimiter.ts';
import { connectPostgres } from '../adapters/postgres/connectPostgres.ts';
import { promMetrics } from '../adapters/promMetrics/promMetrics.ts';
import { redisRateLimiter } from '../adapters/redisRateLimiter/redisRateLimiter.ts';
import { requestLimits } from '../domain/limits/requestLimits.ts';
import { openUsageRecorder } from '../domain/usage/usageRecorder.ts';
import type { Log } from '../ports/log.ts';
import type { SelfHostedConfiguration } from './configuration.ts';
import { openContext } from './contextServices.ts';
import { openAnalyzer, openBlobs, openEmbedder, openVectors } from './indexServices.ts';
import type { Stack } from './stack.ts';

/** The platform on services of its own; several servers side by side share them. */
export async function openSelfHostedStack(
  configuration: SelfHostedConfiguration,
  log: Log,
  programFolder: string,
): Promise<Stack> {
  const { DATABASE_URL, DATABASE_CONNECTIONS, REDIS_URL, GITHUB_API_URL } = configuration;
  const database = await connectPostgres(DATABASE_URL, DATABASE_CONNECTIONS, (error) =>
    log('error', 'database.connection_lost', { message: error.message }),
  );
  const shared = redisRateLimiter({
    url: REDIS_URL,
    onConnectionError: (error) => log('error', 'limits.connection_lost', { message: error.message }),
  });
  const local = memoryRateLimiter();
  const analyzer = openAnalyzer({ programFolder, configuration, log });
  const blobs = openBlobs(configuration);
  const vectors = openVectors(configuration, database);
  const embedder = openEmbedder(configuration);
  const context = openContext({ programFolder, configuration, database, blobs, vectors, embedder, log });
  const usage = openUsageRecorder(database);
  return {
    isAlone: false,
    database,
    blobs,
    vectors,
    embedder,
    analyzer,
    context,
    usage,
    limits: requestLimits({ shared, local, log, now: () => performance.now() }),
    metrics: promMetrics({ databaseLoad: database.load }),
    identityProvider: githubIdentity({ apiUrl: GITHUB_API_URL }),
    health: {
      database: database.health,
      limits: () => shared.health(),
      blobs: () => blobs.health(),
      vectors: () => vectors.health(),
    },
    close: async () => {
      await usage.close();
      await context.close();
      await analyzer.close();
      await Promise.all([blobs.close(), vectors.close()]);
      await Promise.all([shared.close(), local.close()]);
      await database.close();
    },
  };
}
