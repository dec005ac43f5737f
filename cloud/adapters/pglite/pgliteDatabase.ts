import path from 'node:path';
import type { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { makeFolder } from '../../../server/system/makeFolder.ts';
import { isWriterLock, takeLock } from '../../../server/system/writerLock.ts';
import type { Database } from '../../ports/database.ts';
import { migrateDatabase } from '../postgres/migrateDatabase.ts';
import { postgresDatabase } from '../postgres/postgresDatabase.ts';
import type { FromWorker, PgliteSettings, ToWorker } from './pgliteProtocol.ts';
import { pgliteStreams } from './pgliteStream.ts';

export interface PgliteOptions {
  /** Holds `postgres/` and the lock; made where it does not exist. */
  folder: string;
  /** The program of the thread. */
  workerFile: string;
  onError: (error: Error) => void;
}

/** Another process has the data: PGlite itself would let both in, and ruin it. */
export class DataInUse extends Error {
  constructor(folder: string, pid: number, host: string) {
    super(`The data in ${folder} are in use by process ${pid} on ${host}. End it first, or name another folder.`);
    this.name = 'DataInUse';
  }
}

const lockName = 'cloud.lock';
const login = { name: 'contextkit_login' };

function nextMessage(worker: Worker, wanted: FromWorker['kind']): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker): void => {
      if (message.kind === wanted) settle(resolve);
      else if (message.kind === 'failed') settle(() => reject(new Error(message.message)));
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error('the database has ended')));
    const settle = (finish: () => void): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      finish();
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

/** Migrates as the owner, then gives the session to the login for good: there is only this one. */
async function prepare(stream: () => Duplex): Promise<void> {
  const client = new pg.Client({ user: 'postgres', database: 'postgres', stream });
  await client.connect();
  try {
    await migrateDatabase(client, { login });
    await client.query(`SET SESSION AUTHORIZATION ${login.name}`);
  } finally {
    await client.end();
  }
}

/**
 * PostgreSQL inside this process, with its data in a folder that this process has to itself.
 * @throws {DataInUse}
 */
export async function pgliteDatabase({ folder, workerFile, onError }: PgliteOptions): Promise<Database> {
  const dataDir = path.join(folder, 'postgres');
  makeFolder(dataDir);
  const lock = takeLock(folder, 'contextkit-cloud', lockName);
  if (!isWriterLock(lock)) throw new DataInUse(folder, lock.pid, lock.host);
  const settings: PgliteSettings = { dataDir };
  const worker = new Worker(workerFile, { workerData: settings });
  try {
    await nextMessage(worker, 'ready');
    worker.on('error', onError);
    const stream = pgliteStreams(worker);
    await prepare(stream);
    const database = postgresDatabase({ user: login.name, database: 'postgres', stream, max: 1 }, onError);
    return {
      ...database,
      close: async () => {
        await database.close();
        const closed = nextMessage(worker, 'closed');
        worker.postMessage({ kind: 'close' } satisfies ToWorker);
        await closed;
        await worker.terminate();
        lock.release();
      },
    };
  } catch (error) {
    await worker.terminate();
    lock.release();
    throw error;
  }
}
