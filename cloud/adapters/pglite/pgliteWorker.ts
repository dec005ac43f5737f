/**
 * PGlite in a thread of its own: a statement keeps the thread it runs on busy. Speaks the wire protocol of PostgreSQL
 * over messages; there is one session, and connections (numbered) follow one another on it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { FromWorker, PgliteSettings, ToWorker } from './pgliteProtocol.ts';

const { dataDir } = workerData as PgliteSettings;
const port = parentPort!;
const send = (message: FromWorker, owned: ArrayBuffer[] = []): void => port.postMessage(message, owned);

/** PGlite starts without fsync (-F); our log of changes is written through to the disk. */
const durable = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F' && param !== '-O'),
  '-c',
  'wal_sync_method=open_datasync',
  '-c',
  'shared_buffers=32MB',
];

let connection = 0;
let queue = Promise.resolve();

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * The answer to messages of the protocol. `execProtocolRaw` reads its answers as well, for callers that want rows, and
 * keeps all that it has read for good.
 */
async function answer(db: PGlite, messages: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  // What comes is a view of the database's memory.
  await db.execProtocolRawStream(messages, { onRawData: (data) => void parts.push(new Uint8Array(data)) });
  return joined(parts);
}

async function start(): Promise<void> {
  const db = await PGlite.create({ dataDir, extensions: { vector }, startParams: durable });
  const handle = async (message: ToWorker): Promise<void> => {
    if (message.kind === 'open') {
      // Whatever the connection before left behind.
      if (connection > 0) await db.exec('ROLLBACK; DEALLOCATE ALL');
      connection = message.connection;
    } else if (message.kind === 'data') {
      // Of a connection that was given up: nobody waits for the answer.
      if (message.connection !== connection) return;
      const bytes = await answer(db, message.bytes);
      send({ kind: 'data', connection, bytes }, [bytes.buffer]);
    } else {
      await db.close();
      send({ kind: 'closed' });
      port.close();
    }
  };
  port.on('message', (message: ToWorker) => {
    queue = queue
      .then(() => handle(message))
      .catch((error: unknown) => send({ kind: 'failed', message: String(error) }));
  });
  send({ kind: 'ready' });
}

start().catch((error: unknown) => {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  port.close();
});
