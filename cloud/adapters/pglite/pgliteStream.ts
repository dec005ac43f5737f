import { Duplex } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './pgliteProtocol.ts';

/** First byte of the message that ends a session. */
const terminate = 'X'.charCodeAt(0);

/**
 * What pg takes for a socket, with the thread of PGlite at its other end. Each write of pg holds whole messages, which
 * PGlite needs.
 */
class PgliteStream extends Duplex {
  readonly #worker: Worker;
  readonly #connection: number;
  readonly #listen: (message: FromWorker) => void;

  constructor(worker: Worker, connection: number) {
    super();
    this.#worker = worker;
    this.#connection = connection;
    this.#listen = (message) => {
      if (message.kind === 'data' && message.connection === connection) this.push(message.bytes);
      else if (message.kind === 'failed') this.destroy(new Error(`Connection terminated: ${message.message}`));
    };
    worker.on('message', this.#listen);
    worker.once('exit', this.#end);
  }

  readonly #end = (): void => {
    this.destroy(new Error('Connection terminated: the database has ended'));
  };

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  connect(): this {
    this.#send({ kind: 'open', connection: this.#connection });
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  // What pg asks of a socket, without a meaning here.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {
    // Answers are pushed as they come.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // The session outlives the connection.
    if (chunk[0] !== terminate)
      this.#send({ kind: 'data', connection: this.#connection, bytes: new Uint8Array(chunk) });
    done();
  }

  /** What was held back is one message: going from thread to thread takes longer than most statements. */
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#worker.off('message', this.#listen);
    this.#worker.off('exit', this.#end);
    done(error);
  }
}

/** Makes one stream after the other; the newest one has the session. */
export function pgliteStreams(worker: Worker): () => Duplex {
  let connections = 0;
  return () => new PgliteStream(worker, ++connections);
}
