import { Worker } from 'node:worker_threads';
import { ApiError } from '../../domain/apiError.ts';
import type { ContextEngine } from '../../domain/context/contextEngine.ts';
import type {
  DerivedStore,
  FileRow,
  RevisionSource,
  TextSource,
  VectorSource,
} from '../../domain/context/contextPorts.ts';
import type { Log } from '../../ports/log.ts';
import type { ContextWorkerData, PackedVectors } from './contextProtocol.ts';
import { Handover, threadCalls, type Handlers, type ThreadCalls } from './threadCalls.ts';

export interface ContextThreadOptions {
  /** The program of the thread. */
  workerFile: string;
  /** Where the scan of vectors and the program that counts tokens lie. */
  assetsFolder: string;
  /** What indexes may take in memory, and what texts may. */
  maxBytes: number;
  maxTextBytes: number;
  revisions: RevisionSource;
  vectors: VectorSource;
  texts: TextSource;
  derived: DerivedStore;
  log: Log;
}

type Pages = AsyncIterator<readonly { digest: string; vector: Float32Array }[]>;

const parts = ['chunks', 'symbols', 'links', 'words', 'digests'] as const;

/** The record in memory of its own: what a database gives is often a part of something larger, which would go along. */
function packRow(row: FileRow): { row: FileRow; buffer: ArrayBuffer } {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + row[part].length, 0));
  const packed = { ...row };
  let at = 0;
  for (const part of parts) {
    all.set(row[part], at);
    packed[part] = all.subarray(at, at + row[part].length);
    at += row[part].length;
  }
  return { row: packed, buffer: all.buffer };
}

function packVectors(page: readonly { digest: string; vector: Float32Array }[]): PackedVectors {
  const dimensions = page[0]?.vector.length ?? 0;
  const vectors = new Float32Array(page.length * dimensions);
  for (const [i, { vector }] of page.entries()) vectors.set(vector, i * dimensions);
  return { digests: page.map(({ digest }) => digest), vectors };
}

/** What the thread asks of this one. */
function handlersOf({ revisions, vectors, texts, derived, log }: ContextThreadOptions): Handlers {
  const readings = new Map<number, Pages>();
  let nextReading = 0;
  return {
    currentRevision: (...args: Parameters<RevisionSource['current']>) => revisions.current(...args),
    readRevision: async (...args: Parameters<RevisionSource['read']>) => {
      const read = await revisions.read(...args);
      if (read === undefined) return undefined;
      const packed = read.rows.map(packRow);
      return new Handover(
        { ...read, rows: packed.map(({ row }) => row) },
        packed.map(({ buffer }) => buffer),
      );
    },
    openVectors: (...args: Parameters<VectorSource['read']>) => {
      readings.set(nextReading, vectors.read(...args)[Symbol.asyncIterator]());
      return Promise.resolve(nextReading++);
    },
    nextVectors: async (reading: number) => {
      const next = await readings.get(reading)!.next();
      if (next.done === true) return null;
      const packed = packVectors(next.value);
      return new Handover(packed, [packed.vectors.buffer as ArrayBuffer]);
    },
    closeVectors: async (reading: number) => {
      await readings.get(reading)?.return?.();
      readings.delete(reading);
    },
    readText: (...args: Parameters<TextSource['read']>) => texts.read(...args),
    getDerived: (...args: Parameters<DerivedStore['get']>) => derived.get(...args),
    putDerived: (...args: Parameters<DerivedStore['put']>) => derived.put(...args),
    log: (...args: Parameters<Log>) => Promise.resolve(log(...args)),
  };
}

/** A question makes some megabytes that are gone with its answer: with little room for them they are copied about. */
const maxYoungGenerationSizeMb = 96;

/** The engine in a thread of its own. When the thread ends, its questions fail, and the next one starts another. */
export function contextThread(options: ContextThreadOptions): ContextEngine {
  const { workerFile, assetsFolder, maxBytes, maxTextBytes, log } = options;
  let running: { worker: Worker; calls: ThreadCalls } | undefined;
  let isClosed = false;

  function start(): { worker: Worker; calls: ThreadCalls } {
    const workerData: ContextWorkerData = { assetsFolder, maxBytes, maxTextBytes };
    const worker = new Worker(workerFile, { workerData, resourceLimits: { maxYoungGenerationSizeMb } });
    const started = { worker, calls: threadCalls(worker, handlersOf(options)) };
    let cause = 'it ended';
    worker.on('error', (error) => (cause = error.message));
    worker.on('exit', () => {
      if (running === started) running = undefined;
      if (!isClosed) log('error', 'context.thread_died', { cause });
      started.calls.fail(
        new ApiError('unavailable', 'The question could not be answered: the engine stopped.', {
          hint: 'Ask again; if it happens again, report it.',
          retryAfterMs: 1_000,
        }),
      );
    });
    return started;
  }

  const ask = <T>(name: keyof ContextEngine, ...args: unknown[]): Promise<T> => {
    if (isClosed) return Promise.reject(new ApiError('unavailable', 'The server is about to end.'));
    running ??= start();
    return running.calls.call<T>(name, ...args);
  };

  return {
    select: (org, revision, wishes) => ask('select', org, revision, wishes),
    symbols: (org, revision, query) => ask('symbols', org, revision, query),
    graph: (org, revision, query) => ask('graph', org, revision, query),
    open: (org, revision) => ask('open', org, revision),
    forget: async (org, projectId) => {
      if (running !== undefined) await ask('forget', org, projectId);
    },
    async close() {
      isClosed = true;
      const last = running;
      running = undefined;
      await last?.worker.terminate();
      last?.calls.fail(new ApiError('unavailable', 'The server is about to end.'));
    },
  };
}
