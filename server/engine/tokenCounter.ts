import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../core/errors.ts';

export interface TokenCounter {
  /** o200k tokens of each text. */
  count(texts: readonly string[]): Promise<number[]>;
  close(): Promise<void>;
}

interface Reply {
  id: number;
  counts?: number[];
  error?: string;
}

interface Waiting {
  resolve: (counts: number[]) => void;
  reject: (error: Error) => void;
}

/** Starts the counting thread; it loads its table while the host does something else. */
export function openTokenCounter(assetsDir: string): TokenCounter {
  const worker = new Worker(path.join(assetsDir, 'tokenWorker.cjs'));
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let failure: AppError | undefined;
  const fail = (cause: unknown): void => {
    failure ??= new AppError('worker_failed', 'the token counter stopped', {
      cause,
      hint: 'Try again; if it happens again, report it.',
    });
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  worker.on('message', ({ id, counts, error }: Reply) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (counts !== undefined) call?.resolve(counts);
    else call?.reject(new Error(error));
  });
  worker.on('error', fail);
  worker.on('exit', fail);
  // Idle, it must not keep a process alive.
  worker.unref();

  return {
    count(texts) {
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        worker.ref();
        const done = (): void => {
          if (waiting.size === 0) worker.unref();
        };
        waiting.set(id, {
          resolve: (counts) => (done(), resolve(counts)),
          reject: (error) => (done(), reject(error)),
        });
        worker.postMessage({ id, texts });
      });
    },
    close: async () => {
      failure = new AppError('worker_failed', 'the token counter is closed');
      await worker.terminate();
    },
  };
}
