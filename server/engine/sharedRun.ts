import { AppError } from '../../core/errors.ts';

export interface SharedRun<T> {
  /** Joins the running job or starts one. A caller that aborts leaves; when all have left, the job is aborted. */
  join(signal: AbortSignal | undefined): Promise<T>;
  readonly running: boolean;
  /** Aborts the job and waits for its end. */
  stop(): Promise<void>;
}

const cancelled = (): AppError =>
  new AppError('cancelled', 'indexing was cancelled', {
    hint: 'What was done is kept; the next run goes on from there.',
  });

/** Single flight with shared cancellation. */
export function createSharedRun<T>(job: (signal: AbortSignal) => Promise<T>): SharedRun<T> {
  let current: { promise: Promise<T>; abort: AbortController; callers: number } | undefined;

  function start() {
    const abort = new AbortController();
    const promise = job(abort.signal)
      .catch((error: unknown) => {
        throw abort.signal.aborted ? cancelled() : error;
      })
      .finally(() => {
        current = undefined;
      });
    return { promise, abort, callers: 0 };
  }

  return {
    get running() {
      return current !== undefined;
    },
    async join(signal) {
      if (signal?.aborted === true) throw cancelled();
      const run = (current ??= start());
      run.callers++;
      const leave = (): void => {
        run.callers--;
        if (run.callers === 0) run.abort.abort();
      };
      let refuse: (() => void) | undefined;
      signal?.addEventListener('abort', leave, { once: true });
      try {
        if (signal === undefined) return await run.promise;
        const left = new Promise<never>((_, reject) => {
          refuse = () => reject(cancelled());
          signal.addEventListener('abort', refuse, { once: true });
        });
        // The last one to leave waits for the job to wind up, so that nothing goes on behind its back.
        return await Promise.race([
          run.promise,
          left.catch((error: unknown) => (run.callers > 0 ? Promise.reject(error as Error) : run.promise)),
        ]);
      } finally {
        // A signal may outlive many runs.
        signal?.removeEventListener('abort', leave);
        if (refuse !== undefined) signal?.removeEventListener('abort', refuse);
      }
    },
    async stop() {
      current?.abort.abort();
      await current?.promise.catch(() => undefined);
    },
  };
}
