/** A thread with the indexes of projects: questions are ranked and packed here, so that the server goes on meanwhile. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { lineCounter } from '../../../core/tokens/lineCounter.ts';
import { openTokenCounter } from '../../../server/tokens/tokenCounter.ts';
import { contextEngine, type ContextEngine } from '../../domain/context/contextEngine.ts';
import type { VectorSource } from '../../domain/context/contextPorts.ts';
import type { Log } from '../../ports/log.ts';
import type { ContextWorkerData, PackedVectors } from './contextProtocol.ts';
import { threadCalls, type Handlers } from './threadCalls.ts';

if (parentPort === null) throw new Error('contextWorker runs as a worker thread only');
const { assetsFolder, maxBytes, maxTextBytes } = workerData as ContextWorkerData;

/** Characters of lines whose tokens are remembered. */
const rememberedCharacters = 16_000_000;

const tokens = openTokenCounter(assetsFolder);
const handlers: Handlers = {};
const calls = threadCalls(parentPort, handlers);
const call = <T>(name: string, ...args: unknown[]): Promise<T> => calls.call(name, ...args);

async function* readVectors(...args: Parameters<VectorSource['read']>): ReturnType<VectorSource['read']> {
  const reading = await call<number>('openVectors', ...args);
  try {
    for (;;) {
      const page = await call<PackedVectors | null>('nextVectors', reading);
      if (page === null) return;
      const { digests, vectors } = page;
      const dimensions = vectors.length / digests.length;
      yield digests.map((digest, i) => ({ digest, vector: vectors.subarray(i * dimensions, (i + 1) * dimensions) }));
    }
  } finally {
    await call('closeVectors', reading);
  }
}

const engine: ContextEngine = contextEngine({
  revisions: {
    current: (...args) => call('currentRevision', ...args),
    read: (...args) => call('readRevision', ...args),
  },
  vectors: { read: readVectors },
  texts: { read: (...args) => call('readText', ...args) },
  derived: { get: (...args) => call('getDerived', ...args), put: (...args) => call('putDerived', ...args) },
  counter: lineCounter({ counter: tokens, characters: rememberedCharacters }),
  thread: { now: () => performance.now(), nextTurn: () => nextTurn() },
  scan: new WebAssembly.Module(readFileSync(path.join(assetsFolder, 'vectorScan.wasm'))),
  maxBytes,
  maxTextBytes,
  log: (...args: Parameters<Log>) => void call('log', ...args),
});

const answers: { [Name in keyof ContextEngine]: ContextEngine[Name] } = {
  select: (...args) => engine.select(...args),
  symbols: (...args) => engine.symbols(...args),
  graph: (...args) => engine.graph(...args),
  open: (...args) => engine.open(...args),
  forget: (...args) => engine.forget(...args),
  close: () => tokens.close(),
};
Object.assign(handlers, answers);
