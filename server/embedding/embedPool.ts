import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { AppError, deserializeError } from '../../core/errors.ts';
import { type ChildDeath, type EmbedChild, type RunReport, startEmbedChild } from './embedChild.ts';
import { missingRuntime } from './runtime.ts';
import type { RunTimes } from './embedProtocol.ts';
import { createTextQueue, type QueuedText } from './textQueue.ts';
import type { Embedded, Embedder, EmbedPriority, ReadyModel } from './types.ts';

export interface EmbedPoolOptions {
  model: ReadyModel;
  /** Where embedProcess.cjs and the runtime lie. */
  assetsDir: string;
  /** Most processes at a time. */
  processes: number;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** A process without work ends after this time, in ms; its memory goes back. */
  idleMs?: number;
  /** How long loading or a run may take before the process is killed, in ms. */
  hangMs?: number;
  /** How long a process that was told to stop may go on, in ms. */
  stopMs?: number;
  /** Wait before a process is started again after one died, doubled for each that dies in a row while it loads; in ms. */
  backOffMs?: number;
  /** Hears of every run. */
  onRun?: (run: RunTimes & { texts: number; tokens: number }) => void;
}

/** One process a core, one core left to the user. */
export const defaultProcesses = (): number => Math.max(1, availableParallelism() - 1);

/** How often a text may take its process down. */
const maxCrashes = 2;
/** After so many processes in a row that died while loading, no more are started. */
const maxFailedStarts = 4;

const cancelled = (): AppError => new AppError('cancelled', 'embedding was stopped');

/** Texts that processes died on, by digest. */
function createBlacklist() {
  const crashes = new Map<string, number>();
  const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');
  return {
    count: (text: string): number => (crashes.size === 0 ? 0 : (crashes.get(digestOf(text)) ?? 0)),
    add(text: string): number {
      const digest = digestOf(text);
      const count = (crashes.get(digest) ?? 0) + 1;
      crashes.set(digest, count);
      return count;
    },
  };
}

/**
 * Embeds in child processes, which are started when there is work: a run keeps the event loop of its process busy, and
 * a worker thread that is ended in a run would take everything down. A process has one run at a time, so that a
 * question waits for no more than the runs that are going on.
 */
export function createEmbedPool(options: EmbedPoolOptions): Embedder {
  const { model, log, idleMs = 60_000, hangMs = 180_000, stopMs = 10_000, backOffMs = 500 } = options;
  const { queryPrefix, textPrefix } = model.spec;
  const processes = Math.max(1, options.processes);
  const children = new Set<EmbedChild>();
  /** Of processes that were told to stop. */
  const ending = new Set<EmbedChild>();
  const queue = createTextQueue();
  const blacklist = createBlacklist();
  /** Whether texts may share a run: the model says so when it is loaded. */
  let batches = false;
  let failedStarts = 0;
  let startAt = 0;
  let startTimer: NodeJS.Timeout | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let paused = false;
  let failure: Error | null = missingRuntime(options.assetsDir);
  let closed = false;
  let closing: Promise<void> | undefined;

  function startChild(): void {
    const child = startEmbedChild({
      assetsDir: options.assetsDir,
      model,
      hangMs,
      stopMs,
      log,
      onReady(may) {
        batches = may;
        failedStarts = 0;
        dispatch();
      },
      onUnusable: (error) => fail(deserializeError(error)),
      onDone(texts, report) {
        settle(texts, report);
        dispatch();
      },
      onDeath(death) {
        children.delete(child);
        bury(death);
        dispatch();
      },
    });
    children.add(child);
  }

  function stopChild(child: EmbedChild): void {
    // From now on it is nobody's; a busy one still says what became of its run.
    children.delete(child);
    ending.add(child);
    void child.stop(closed).then(() => ending.delete(child));
  }

  function settle(texts: readonly QueuedText[], { outcomes, times }: RunReport): void {
    let [count, tokens] = [0, 0];
    for (const [position, text] of [...texts.entries()].reverse()) {
      const outcome = outcomes[position]!;
      switch (outcome.kind) {
        case 'left':
          text.tokens = outcome.tokens;
          text.alone ||= outcome.alone;
          queue.putBack(text);
          break;
        case 'failed':
          text.settle({ failure: outcome.reason });
          break;
        case 'embedded':
          count++;
          tokens += outcome.tokens;
          text.settle({ vector: outcome.vector, tokens: outcome.tokens, truncated: outcome.truncated });
      }
    }
    if (count > 0) options.onRun?.({ texts: count, tokens, ...times });
  }

  /** A process crashed or was killed. */
  function bury({ pid, state, cause, lastWords, job }: ChildDeath): void {
    log('embedding process died', { pid, state, cause, running: job?.running.length ?? 0 });
    if (state === 'loading') failedStarts++;
    if (job !== undefined) blame(job, cause);
    startAt = Date.now() + backOffMs * 2 ** Math.max(0, failedStarts - 1);
    if (failedStarts < maxFailedStarts) return;
    fail(
      new AppError('worker_failed', `embedding processes cannot be started: ${lastWords === '' ? cause : lastWords}`, {
        hint: 'Is there enough memory? Search by keywords works all the same.',
      }),
    );
  }

  /** What ran when the process died is tried once more, each alone; the second time it is given up. Others go on. */
  function blame({ texts, running }: NonNullable<ChildDeath['job']>, cause: string): void {
    for (const [position, text] of [...texts.entries()].reverse()) {
      if (running.includes(position)) {
        text.alone = true;
        if (blacklist.add(text.text) >= maxCrashes) {
          log('text quarantined', { cause, characters: text.text.length });
          text.settle(quarantined);
          continue;
        }
      }
      queue.putBack(text);
    }
  }

  const quarantined: Embedded = { failure: 'the embedding process died on it twice' };

  /** For good: the model or the platform cannot be used. */
  function fail(error: Error): void {
    failure ??= error;
    log('embedding is not possible', { reason: error.message });
    for (const text of queue.takeAll()) text.reject(error);
    for (const child of children) stopChild(child);
  }

  /** Gives work to idle processes, and starts one for what is left over. */
  function dispatch(): void {
    if (closed || failure !== null) {
      // What was put back after a crash has nobody to go to any more.
      for (const text of queue.takeAll()) text.reject(failure ?? cancelled());
      return;
    }
    for (const child of children) {
      if (child.state !== 'idle') continue;
      const texts = queue.take({ paused, batches });
      if (texts.length === 0) break;
      child.give(texts);
    }
    const loading = [...children].filter(({ state }) => state === 'loading').length;
    if (children.size < processes && queue.count(paused) > loading) startSoon();
    endIdle();
  }

  function startSoon(): void {
    const wait = startAt - Date.now();
    if (wait > 0)
      startTimer ??= setTimeout(() => {
        startTimer = undefined;
        dispatch();
      }, wait);
    else {
      startChild();
      dispatch();
    }
  }

  /** Ends processes that have had no work for long, and looks again when the next one will have. */
  function endIdle(): void {
    clearTimeout(idleTimer);
    const now = performance.now();
    let next = Infinity;
    for (const child of children) {
      if (child.state !== 'idle') continue;
      if (now - child.idleSince >= idleMs) stopChild(child);
      else next = Math.min(next, child.idleSince + idleMs - now);
    }
    if (next < Infinity) idleTimer = setTimeout(endIdle, next + 1).unref();
  }

  function enqueue(text: string, priority: EmbedPriority, mine: Set<QueuedText>): Promise<Embedded> {
    const crashes = blacklist.count(text);
    if (crashes >= maxCrashes) return Promise.resolve(quarantined);
    return new Promise((settle, reject) => {
      const queued: QueuedText = { text, priority, tokens: undefined, alone: crashes > 0, settle, reject };
      mine.add(queued);
      queue.add(queued);
    });
  }

  return {
    model,
    async embed(texts, { kind, priority, signal, onEmbedded }) {
      if (failure !== null) throw failure;
      if (closed || signal?.aborted === true) throw cancelled();
      const prefix = kind === 'query' ? queryPrefix : textPrefix;
      const mine = new Set<QueuedText>();
      const results = texts.map(async (text, index) => {
        const embedded = await enqueue(prefix + text, priority, mine);
        onEmbedded?.(index, embedded);
        return embedded;
      });
      const stopWaiting = (): void => {
        for (const text of queue.remove((one) => mine.has(one))) text.reject(cancelled());
      };
      signal?.addEventListener('abort', stopWaiting, { once: true });
      dispatch();
      // All are waited for: what runs is finished before a stop is told.
      await Promise.allSettled(results);
      signal?.removeEventListener('abort', stopWaiting);
      return Promise.all(results);
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      dispatch();
    },
    close() {
      closed = true;
      closing ??= (async () => {
        clearTimeout(startTimer);
        clearTimeout(idleTimer);
        for (const text of queue.takeAll()) text.reject(cancelled());
        for (const child of children) stopChild(child);
        await Promise.all([...ending].map((child) => child.stop(true)));
        // A process that ended in its run has put its texts back.
        for (const text of queue.takeAll()) text.reject(cancelled());
      })();
      return closing;
    },
  };
}
