import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { AppError, deserializeError } from '../../core/errors.ts';
import type { FromProcess, TextOutcome, ToProcess } from './embedProtocol.ts';
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
  /** How long a process may take to load, or a run to end, before the process is killed, in ms. */
  hangMs?: number;
  /** How long a process that was told to stop may go on, in ms. */
  stopMs?: number;
  /** Waits before a process is started again after it died, doubled each time; in ms. */
  backOffMs?: number;
  /** Hears of every run: its time, and the processor time of its process meanwhile. */
  onRun?: (run: { texts: number; tokens: number; runMs: number; cpuMs: number }) => void;
}

/** One process a core, one core left to the user. */
export const defaultProcesses = (): number => Math.max(1, availableParallelism() - 1);

interface Slot {
  child: ChildProcess | undefined;
  state: 'none' | 'loading' | 'idle' | 'busy';
  job: { id: number; texts: QueuedText[]; running: number[] } | undefined;
  idleTimer: NodeJS.Timeout | undefined;
  /** Ticks of the watchdog since it last gave a sign. */
  quietTicks: number;
}

/** How often a text may take its process down. */
const maxCrashes = 2;
/** After so many processes in a row that died before they could do anything, no more are started. */
const maxFailedStarts = 4;
const watchEveryMs = 1_000;

/** Of a process that has one: the messages of a process are in before `disconnect`, but not always before `exit`. */
function event(child: ChildProcess, name: 'exit' | 'disconnect'): Promise<void> {
  const past = child.pid === undefined || (name === 'exit' && (child.exitCode !== null || child.signalCode !== null));
  return past ? Promise.resolve() : new Promise((resolve) => child.once(name, () => resolve()));
}

const cancelled = (): AppError => new AppError('cancelled', 'embedding was stopped');

/**
 * Embeds in child processes, which are started when there is work: a run keeps the loop of its process busy, and a
 * worker thread that is ended in a run would take everything down (see ARCHITECTURE.md).
 */
export function createEmbedPool(options: EmbedPoolOptions): Embedder {
  const { model, assetsDir, log } = options;
  const { idleMs = 60_000, hangMs = 180_000, stopMs = 10_000, backOffMs = 500 } = options;
  const { queryPrefix, textPrefix } = model.spec;
  const slots: Slot[] = Array.from({ length: Math.max(1, options.processes) }, () => ({
    child: undefined,
    state: 'none',
    job: undefined,
    idleTimer: undefined,
    quietTicks: 0,
  }));
  const queue = createTextQueue();
  /** By digest of the text, how often a process died on it. */
  const crashes = new Map<string, number>();
  let nextJob = 1;
  let failedStarts = 0;
  let startAt = 0;
  let startTimer: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;
  let paused = false;
  let failure: Error | undefined;
  let closed = false;
  let closing: Promise<void> | undefined;
  /** Of processes that were told to stop. */
  const ending = new Set<Promise<void>>();

  const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');
  const crashCount = (text: string): number => (crashes.size === 0 ? 0 : (crashes.get(digestOf(text)) ?? 0));

  function post(slot: Slot, message: ToProcess): void {
    slot.child?.send(message, (error) => {
      // It died: its exit says so too, and is dealt with there.
      if (error !== null) log('embedding process not reached', { message: message.kind, reason: error.message });
    });
  }

  function hold(slot: Slot): void {
    slot.child?.ref();
    slot.child?.channel?.ref();
  }

  /** Lets this process end although the child lives; the child then ends by itself. */
  function letGo(slot: Slot): void {
    slot.child?.unref();
    slot.child?.channel?.unref();
    (slot.child?.stderr as { unref?: () => void } | null)?.unref?.();
  }

  function start(slot: Slot): void {
    const child = fork(path.join(assetsDir, 'embedProcess.cjs'), [], {
      serialization: 'advanced',
      execArgv: [],
      // Inside an editor, process.execPath is the editor.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let lastWords = '';
    child.stderr?.on('data', (part: Buffer) => (lastWords = (lastWords + part.toString()).slice(-2_000)));
    child.on('message', (message: FromProcess) => {
      if (slot.child === child) receive(slot, message);
    });
    child.on('error', (error) => {
      lastWords = error.message;
      // Without a process there is no exit.
      if (child.pid === undefined) died(slot, child, error.message);
    });
    child.on('exit', (code, signal) => died(slot, child, signal ?? `exit code ${code}`, lastWords));
    slot.child = child;
    slot.state = 'loading';
    slot.quietTicks = 0;
    log('embedding process started', { pid: child.pid ?? null });
    post(slot, { kind: 'load', model });
  }

  function receive(slot: Slot, message: FromProcess): void {
    slot.quietTicks = 0;
    switch (message.kind) {
      case 'ready':
        failedStarts = 0;
        setIdle(slot);
        break;
      case 'unusable':
        failAll(deserializeError(message.error));
        break;
      case 'running':
        if (slot.job?.id === message.id) slot.job.running = message.indexes;
        return;
      case 'done':
        if (slot.job?.id === message.id) finish(slot, slot.job.texts, message);
        break;
    }
    dispatch();
  }

  function finish(slot: Slot, texts: QueuedText[], done: Extract<FromProcess, { kind: 'done' }>): void {
    slot.job = undefined;
    let [count, tokens] = [0, 0];
    for (const [position, text] of [...texts.entries()].reverse()) {
      const outcome: TextOutcome | undefined = done.outcomes[position];
      if (outcome === undefined || outcome.kind === 'left') {
        text.tokens = outcome?.tokens ?? text.tokens;
        text.alone ||= outcome?.alone === true;
        queue.putBack(text);
        continue;
      }
      if (outcome.kind === 'failed') text.settle({ failure: outcome.reason });
      else {
        const { vector, tokens: length, truncated } = outcome;
        count++;
        tokens += length;
        text.settle({ vector, tokens: length, truncated });
      }
    }
    if (count > 0) options.onRun?.({ texts: count, tokens, runMs: done.runMs, cpuMs: done.cpuMs });
    setIdle(slot);
  }

  function setIdle(slot: Slot): void {
    slot.state = 'idle';
    letGo(slot);
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(() => void stop(slot), idleMs).unref();
  }

  /** A process ended: told to, killed, or crashed. */
  function died(slot: Slot, child: ChildProcess, cause: string, lastWords = ''): void {
    if (slot.child !== child) return;
    const { state, job } = slot;
    clearTimeout(slot.idleTimer);
    slot.child = undefined;
    slot.state = 'none';
    slot.job = undefined;
    if (closed && job === undefined) return;
    log('embedding process died', { pid: child.pid ?? null, state, cause, running: job?.running.length ?? 0 });
    if (state === 'loading') failedStarts++;
    if (failedStarts >= maxFailedStarts) {
      failAll(
        new AppError(
          'worker_failed',
          `embedding processes cannot be started: ${lastWords.trim().split('\n').at(-1) || cause}`,
          {
            hint: 'Is there enough memory? Search by keywords works all the same.',
          },
        ),
      );
    }
    if (job !== undefined) blame(job, cause);
    startAt = Date.now() + backOffMs * 2 ** Math.max(0, failedStarts - 1);
    dispatch();
  }

  /** What ran when the process died is tried once more, each alone; the second time it is given up. Others go on. */
  function blame({ texts, running }: NonNullable<Slot['job']>, cause: string): void {
    for (const [position, text] of [...texts.entries()].reverse()) {
      if (!running.includes(position)) {
        queue.putBack(text);
        continue;
      }
      const digest = digestOf(text.text);
      const count = (crashes.get(digest) ?? 0) + 1;
      crashes.set(digest, count);
      if (count < maxCrashes) {
        text.alone = true;
        queue.putBack(text);
      } else {
        log('text quarantined', { digest, cause });
        text.settle({ failure: quarantined(cause) });
      }
    }
  }

  const quarantined = (cause: string): string => `the embedding process died on it twice (${cause})`;

  function failAll(error: Error): void {
    failure ??= error;
    log('embedding failed', { message: error.message });
    for (const text of queue.takeAll()) text.reject(error);
    for (const slot of slots) {
      for (const text of slot.job?.texts ?? []) text.reject(error);
      slot.job = undefined;
    }
  }

  /** Hands texts to processes: waiting ones first, then to new ones. */
  function dispatch(): void {
    if (!closed && failure === undefined) {
      for (const slot of [...slots].sort((a, b) => Number(b.state === 'idle') - Number(a.state === 'idle'))) {
        if (slot.state !== 'idle' && slot.state !== 'none') continue;
        if (slot.state === 'none') {
          // Those that load already will take as many texts.
          const loading = slots.filter(({ state }) => state === 'loading').length;
          if (queue.count(paused) <= loading) break;
          if (!mayStart()) break;
          start(slot);
          continue;
        }
        const texts = queue.take(paused);
        if (texts.length === 0) break;
        give(slot, texts);
      }
    }
    keepWatch();
  }

  function mayStart(): boolean {
    const wait = startAt - Date.now();
    if (wait <= 0) return true;
    startTimer ??= setTimeout(() => {
      startTimer = undefined;
      dispatch();
    }, wait);
    return false;
  }

  function give(slot: Slot, texts: QueuedText[]): void {
    clearTimeout(slot.idleTimer);
    slot.state = 'busy';
    slot.quietTicks = 0;
    slot.job = { id: nextJob++, texts, running: [] };
    hold(slot);
    post(slot, { kind: 'embed', id: slot.job.id, texts: texts.map(({ text }) => text) });
  }

  function keepWatch(): void {
    const busy = slots.some(({ state }) => state === 'busy' || state === 'loading');
    if (busy) watchdog ??= setInterval(watch, watchEveryMs);
    else {
      clearInterval(watchdog);
      watchdog = undefined;
    }
  }

  /** Counts its own ticks, not the clock: a laptop that slept does not look like a process that hangs. */
  function watch(): void {
    for (const slot of slots) {
      if (slot.state !== 'busy' && slot.state !== 'loading') continue;
      slot.quietTicks++;
      if (slot.quietTicks * watchEveryMs < hangMs) continue;
      log('embedding process hangs', { pid: slot.child?.pid ?? null, state: slot.state });
      slot.child?.kill('SIGKILL');
    }
  }

  /** Asks a process to end after its run, and kills it if it does not. */
  async function stop(slot: Slot): Promise<void> {
    const { child } = slot;
    if (child === undefined) return;
    clearTimeout(slot.idleTimer);
    const over = Promise.all([event(child, 'exit'), child.connected ? event(child, 'disconnect') : undefined]);
    post(slot, { kind: 'stop' });
    if (slot.job === undefined) {
      // From now on it is nobody's: what comes next gets a new one.
      slot.child = undefined;
      slot.state = 'none';
    }
    const lastResort = setTimeout(() => child.kill('SIGKILL'), stopMs);
    if (closed) {
      child.ref();
      child.channel?.ref();
    } else lastResort.unref();
    const ended = over.then(() => clearTimeout(lastResort));
    ending.add(ended);
    await ended;
    ending.delete(ended);
  }

  function embedOne(
    text: string,
    kind: 'query' | 'text',
    priority: EmbedPriority,
  ): { queued: QueuedText; result: Promise<Embedded> } {
    const whole = (kind === 'query' ? queryPrefix : textPrefix) + text;
    let queued: QueuedText | undefined;
    const result = new Promise<Embedded>((resolve, reject) => {
      queued = { text: whole, priority, tokens: undefined, alone: crashCount(whole) > 0, settle: resolve, reject };
    });
    return { queued: queued!, result };
  }

  return {
    model,
    async embed(texts, { kind, priority, signal, onEmbedded }) {
      if (failure !== undefined) throw failure;
      if (closed || signal?.aborted === true) throw cancelled();
      const results: Promise<Embedded>[] = [];
      const mine = new Set<QueuedText>();
      for (const [index, text] of texts.entries()) {
        const { queued, result } = embedOne(text, kind, priority);
        results.push(
          result.then((embedded) => {
            onEmbedded?.(index, embedded);
            return embedded;
          }),
        );
        if (crashCount(queued.text) >= maxCrashes) queued.settle({ failure: quarantined('earlier') });
        else {
          mine.add(queued);
          queue.add(queued);
        }
      }
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
        for (const text of queue.takeAll()) text.reject(cancelled());
        await Promise.all([...ending, ...slots.map(stop)]);
        for (const slot of slots) for (const text of slot.job?.texts ?? []) text.reject(cancelled());
        clearInterval(watchdog);
      })();
      return closing;
    },
  };
}
