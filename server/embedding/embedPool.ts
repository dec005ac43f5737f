import { availableParallelism } from 'node:os';
import { AppError, deserializeError } from '../../core/errors.ts';
import { createCpuBudget } from './cpuBudget.ts';
import { type ChildDeath, type EmbedChild, startEmbedChild } from './embedChild.ts';
import { missingRuntime } from './runtime.ts';
import type { RunTimes } from './embedProtocol.ts';
import { createMemoryGuard, type MemoryGuardOptions } from './memoryGuard.ts';
import { createOutage } from './outage.ts';
import { createProcessStarter } from './processStarter.ts';
import { createTextOutcomes, maxCrashes, quarantined } from './textOutcomes.ts';
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
  /** Cores that embedding may use in the mean, questions aside, which never wait; default Infinity. */
  cores?: number;
  /** Default: no ceiling. */
  memory?: MemoryGuardOptions;
  /** How long a first outage lasts before it is tried again, in ms. */
  outageMs?: number;
  /** Hears of every run. */
  onRun?: (run: RunTimes & { texts: number; tokens: number }) => void;
  /** Nothing can be embedded; after so many ms it is worth trying again, null for not without a cause. */
  onOutage?: (retryMs: number | null) => void;
  /** There is, or is no more, too little memory free for what nobody waits for. */
  onMemory?: (isShort: boolean) => void;
}

/** One process a core, one core left to the user. */
export const defaultProcesses = (): number => Math.max(1, availableParallelism() - 1);

/** After so many processes in a row that died while loading, no more are started. */
const maxFailedStarts = 4;

const needsMore = (what: string): AppError =>
  new AppError('worker_failed', `the embedding model needs more memory than it may take: ${what}`, {
    hint: 'Raise embeddingMemoryMb. Search by words works all the same.',
  });

function cannotStart(why: string, retryMs: number): AppError {
  const minutes = Math.ceil(retryMs / 60_000);
  const when = minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return new AppError('worker_failed', `embedding processes cannot be started: ${why}; tried again in ${when}`, {
    hint: 'Is there enough memory? Search by keywords works all the same.',
  });
}

const cancelled = (): AppError => new AppError('cancelled', 'embedding was stopped');

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
  const outcomes = createTextOutcomes({ queue, log, onRun: options.onRun });
  /** Whether texts may share a run: the model says so when it is loaded. */
  let batches = false;
  let failedStarts = 0;
  let idleTimer: NodeJS.Timeout | undefined;
  let budgetTimer: NodeJS.Timeout | undefined;
  let paused = false;
  const outage = createOutage(undefined, options.outageMs);
  const missing = missingRuntime(options.assetsDir);
  const failure = (): Error | null => missing ?? outage.error;
  let cores = options.cores ?? Infinity;
  const budget = createCpuBudget(cores);
  const memory = createMemoryGuard(options.memory ?? { ceilingBytes: Infinity });
  let closed = false;
  let closing: Promise<void> | undefined;

  /** What nobody waits for is held back: by a pause, or since the share is used up. */
  const holdsBackground = (): boolean => paused || starter.isShort || budget.waitMs() > 0;
  /** A share below one core needs one process, below two cores two. */
  const mostProcesses = (): number => Math.min(processes, Math.max(1, Math.ceil(cores)));

  /** More texts may be embedded than processes are about to take them. */
  function lacksProcess(): boolean {
    const loading = [...children].filter(({ state }) => state === 'loading').length;
    return children.size < mostProcesses() && queue.count(holdsBackground()) > loading;
  }

  const starter = createProcessStarter({
    memory,
    backOffMs,
    running: () => children.size,
    isWanted: () => failure() === null && lacksProcess(),
    isAsked: () => queue.count(true) > 0,
    isQueued: () => queue.count(paused) > 0,
    start: () => startChild(),
    lookAgain: () => dispatch(),
    onMemory: options.onMemory,
  });

  function startChild(): void {
    let runs = 0;
    const child = startEmbedChild({
      assetsDir: options.assetsDir,
      model,
      hangMs,
      stopMs,
      log,
      onReady(may, cpuMs) {
        batches = may;
        failedStarts = 0;
        outage.end();
        budget.spend(cpuMs);
        dispatch();
      },
      onUnusable: (error) => fail(deserializeError(error), true),
      onDone(texts, report) {
        runs++;
        budget.spend(report.times.cpuMs);
        outcomes.settle(texts, report);
        guardMemory(child, report.rssBytes, runs);
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

  /** Memory that a process has taken it does not give back: it is ended, and another one is started when needed. */
  function guardMemory(child: EmbedChild, rssBytes: number, runs: number): void {
    const verdict = memory.judge(rssBytes, runs);
    if (verdict === 'fine') return;
    log('embedding process above its memory', { rssBytes, runs });
    if (children.has(child)) stopChild(child);
    if (verdict === 'useless') fail(needsMore(memory.note ?? ''), true);
  }

  function stopChild(child: EmbedChild): void {
    // From now on it is nobody's; a busy one still says what became of its run.
    children.delete(child);
    ending.add(child);
    void child.stop(closed).then(() => ending.delete(child));
  }

  /** A process crashed or was killed. */
  function bury({ pid, state, cause, lastWords, job }: ChildDeath): void {
    log('embedding process died', { pid, state, cause, running: job?.running.length ?? 0 });
    if (state === 'loading') failedStarts++;
    if (job !== undefined) outcomes.blame(job, cause);
    starter.died(failedStarts);
    // After an outage one is enough to see that it is not over.
    if (failedStarts < (outage.isOnTrial ? 1 : maxFailedStarts)) return;
    fail(cannotStart(lastWords === '' ? cause : lastWords, outage.nextMs), false);
  }

  /** `lasting`: the model cannot be used. Otherwise it is tried again after a while. */
  function fail(error: Error, lasting: boolean): void {
    if (outage.error !== null) return;
    failedStarts = 0;
    const retryMs = outage.begin(error, lasting);
    log('embedding is not possible', { reason: error.message, retryMs });
    for (const text of queue.takeAll()) text.reject(error);
    for (const child of children) stopChild(child);
    options.onOutage?.(retryMs);
  }

  /** Gives work to idle processes, and starts one for what is left over. */
  function dispatch(): void {
    const error = failure();
    if (closed || error !== null) {
      // What was put back after a crash has nobody to go to any more.
      for (const text of queue.takeAll()) text.reject(error ?? cancelled());
      return;
    }
    // Asked first: time goes by while work is given out, and what was held back a moment ago has to be looked at again.
    const wasHeld = budget.waitMs() > 0;
    for (const child of children) {
      if (child.state !== 'idle') continue;
      const texts = queue.take({ paused: holdsBackground(), batches });
      if (texts.length === 0) break;
      child.give(texts);
    }
    if (lacksProcess()) starter.soon();
    else if (starter.isShort && queue.count(false) > 0) starter.whenThereIsRoom();
    goOnWhenAffordable(wasHeld);
    endIdle();
  }

  /** When the share is used up, work goes on as soon as enough time has gone by. */
  function goOnWhenAffordable(wasHeld: boolean): void {
    clearTimeout(budgetTimer);
    if (!wasHeld || paused || queue.count(false) === 0) return;
    budgetTimer = setTimeout(dispatch, Math.max(1, Math.ceil(budget.waitMs())));
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
    const crashes = outcomes.crashesOf(text);
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
      const error = failure();
      if (error !== null) throw error;
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
    setCores(next) {
      cores = next;
      budget.setCores(next);
      dispatch();
    },
    retry() {
      starter.atOnce();
      outage.lift();
    },
    get note() {
      return memory.note;
    },
    get isWanted() {
      return queue.count(false) > 0 || [...children].some(({ state }) => state === 'busy');
    },
    close() {
      closed = true;
      closing ??= (async () => {
        starter.close();
        clearTimeout(idleTimer);
        clearTimeout(budgetTimer);
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
