import { connectPostgres } from '../adapters/postgres/connectPostgres.ts';
import { redisRateLimiter } from '../adapters/redisRateLimiter/redisRateLimiter.ts';
import type { Log } from '../ports/log.ts';
import { assembleStack } from './assembleStack.ts';
import type { SelfHostedConfiguration } from './configuration.ts';
import { openBlobs, openVectors } from './indexServices.ts';
import type { Stack } from './stack.ts';

/** The platform on services of its own; several servers side by side share them. */
export async function openSelfHostedStack(
  configuration: SelfHostedConfiguration,
  log: Log,
  programFolder: string,
): Promise<Stack> {
  const { DATABASE_URL, DATABASE_CONNECTIONS, REDIS_URL } = configuration;
  const database = await connectPostgres(DATABASE_URL, DATABASE_CONNECTIONS, (error) =>
    log('error', 'database.connection_lost', { message: error.message }),
  );
  const sharedLimits = redisRateLimiter({
    url: REDIS_URL,
    onConnectionError: (error) => log('error', 'limits.connection_lost', { message: error.message }),
  });
  const blobs = openBlobs(configuration);
  const vectors = openVectors(configuration, database);
  return assembleStack({
    stores: { database, blobs, vectors, sharedLimits },
    configuration,
    programFolder,
    log,
    health: {
      database: database.health,
      limits: () => sharedLimits.health(),
      blobs: () => blobs.health(),
      vectors: () => vectors.health(),
    },
  });
}
