import path from 'node:path';
import { diskBlobStore } from '../adapters/diskBlobStore/diskBlobStore.ts';
import { pgvectorStore } from '../adapters/pgvectorStore/pgvectorStore.ts';
import { pgliteDatabase } from '../adapters/pglite/pgliteDatabase.ts';
import type { Log } from '../ports/log.ts';
import { assembleStack } from './assembleStack.ts';
import type { EmbeddedConfiguration } from './configuration.ts';
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
  const blobs = diskBlobStore({ root: path.join(dataFolder, 'blobs') });
  return assembleStack({
    stores: { database, blobs, vectors: pgvectorStore({ database }), sharedLimits: undefined },
    configuration,
    programFolder,
    log,
    health: { database: database.health, blobs: () => blobs.health() },
  });
}
