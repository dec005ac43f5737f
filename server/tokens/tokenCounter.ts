import { createHash } from 'node:crypto';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../core/errors.ts';
import type { TokenCounting } from '../../core/tokens/types.ts';

/** Counts in the o200k encoding. */
export interface TokenCounter extends TokenCounting {
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

/** So many counts are kept; of the oldest ones half go when there are more. */
const mostKept = 50_000;

/** Counts by content: the same ranges are asked for again and again. Digests as keys, so that no text is held. */
class KnownCounts {
  readonly #counts = new Map<string, number>();

  keyOf(text: string): string {
    return createHash('sha1').update(text).digest('base64');
  }

  get(key: string): number | undefined {
    return this.#counts.get(key);
  }

  set(key: string, count: number): void {
    this.#counts.set(key, count);
    if (this.#counts.size <= mostKept) return;
    let drop = mostKept / 2;
    for (const oldest of this.#counts.keys()) {
      if (drop-- === 0) break;
      this.#counts.delete(oldest);
    }
  }
}

/** Its table is made once and stays; what counting makes is small and gone at once. */
const maxYoungGenerationSizeMb = 6;

/** Starts the counting thread; it loads its table while the host does something else. */
export function openTokenCounter(assetsDir: string): TokenCounter {
  const worker = new Worker(path.join(assetsDir, 'tokenWorker.cjs'), { resourceLimits: { maxYoungGenerationSizeMb } });
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

  function ask(texts: readonly string[]): Promise<number[]> {
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
  }

  const known = new KnownCounts();
  return {
    async count(texts) {
      const keys = texts.map((text) => known.keyOf(text));
      const counts = keys.map((key) => known.get(key));
      const unknown = counts.flatMap((count, i) => (count === undefined ? [i] : []));
      if (unknown.length > 0) {
        const found = await ask(unknown.map((i) => texts[i]!));
        for (const [at, i] of unknown.entries()) {
          counts[i] = found[at]!;
          known.set(keys[i]!, found[at]!);
        }
      }
      return counts as number[];
    },
    close: async () => {
      failure = new AppError('worker_failed', 'the token counter is closed');
      await worker.terminate();
    },
  };
}
