import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { FromProcess, ToProcess } from './embedProtocol.ts';
import type { QueuedText } from './textQueue.ts';
import type { ReadyModel } from './types.ts';

export type RunReport = Extract<FromProcess, { kind: 'done' }>;

export interface ChildDeath {
  pid: number | null;
  /** What it was doing. */
  state: 'loading' | 'idle' | 'busy';
  /** Signal or exit code. */
  cause: string;
  /** Last line it wrote to stderr; '' for none. */
  lastWords: string;
  /** The texts it had, and the positions of those that were running. */
  job: { texts: QueuedText[]; running: number[] } | undefined;
}

export interface EmbedChildOptions {
  assetsDir: string;
  model: ReadyModel;
  hangMs: number;
  stopMs: number;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** It can be given texts; `cpuMs` is what it has used of the processor so far. */
  onReady: (batches: boolean, cpuMs: number) => void;
  onUnusable: (error: Extract<FromProcess, { kind: 'unusable' }>['error']) => void;
  onDone: (texts: QueuedText[], report: RunReport) => void;
  /** It is gone without having been told to stop. */
  onDeath: (death: ChildDeath) => void;
}

/** A process that embeds, from its start to its end. */
export interface EmbedChild {
  readonly state: 'loading' | 'idle' | 'busy';
  /** Since when it has had no work, by `performance.now()`. */
  readonly idleSince: number;
  /** Only to an idle one. */
  give(texts: QueuedText[]): void;
  /** Ends after its run; is killed when it does not. `hold` keeps this process alive until then. */
  stop(hold: boolean): Promise<void>;
}

const watchEveryMs = 1_000;

/** Of a process that has one: the messages of a process are in before `disconnect`, but not always before `exit`. */
function event(child: ChildProcess, name: 'exit' | 'disconnect'): Promise<void> {
  const past =
    child.pid === undefined ||
    (name === 'exit' ? child.exitCode !== null || child.signalCode !== null : !child.connected);
  return past ? Promise.resolve() : new Promise((resolve) => child.once(name, () => resolve()));
}

export function startEmbedChild(options: EmbedChildOptions): EmbedChild {
  const { assetsDir, model, hangMs, stopMs, log } = options;
  let state: EmbedChild['state'] = 'loading';
  let job: (NonNullable<ChildDeath['job']> & { id: number }) | undefined;
  let nextJob = 1;
  let idleSince = performance.now();
  let quietTicks = 0;
  let lastOutput = '';
  let stopping: Promise<void> | undefined;
  let gone = false;

  const child = fork(path.join(assetsDir, 'embedProcess.cjs'), [], {
    serialization: 'advanced',
    execArgv: [],
    // Inside an editor, process.execPath is the editor.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const pid = child.pid ?? null;
  // Counts its own ticks, not the clock: a laptop that slept does not look like a process that hangs.
  const watchdog = setInterval(() => {
    if (state === 'idle' || ++quietTicks * watchEveryMs < hangMs) return;
    log('embedding process hangs', { pid, state });
    child.kill('SIGKILL');
  }, watchEveryMs);

  /** Whether this process stays alive for the child's sake; a child whose parent ends, ends by itself. */
  function hold(held: boolean): void {
    const stderr = child.stderr as { ref?: () => void; unref?: () => void } | null;
    for (const one of [child, child.channel, stderr, watchdog]) {
      if (held) one?.ref?.();
      else one?.unref?.();
    }
  }

  function post(message: ToProcess): void {
    child.send(message, (error) => {
      // It died: its end says so too, and is dealt with there.
      if (error !== null) log('embedding process not reached', { pid, message: message.kind });
    });
  }

  function becomeIdle(): void {
    state = 'idle';
    idleSince = performance.now();
    if (stopping === undefined) hold(false);
  }

  function receive(message: FromProcess): void {
    quietTicks = 0;
    switch (message.kind) {
      case 'ready':
        becomeIdle();
        options.onReady(message.batches, message.cpuMs);
        break;
      case 'unusable':
        options.onUnusable(message.error);
        break;
      case 'running':
        if (job?.id === message.id) job.running = message.indexes;
        break;
      case 'done': {
        if (job?.id !== message.id) break;
        const { texts } = job;
        job = undefined;
        becomeIdle();
        options.onDone(texts, message);
        break;
      }
    }
  }

  function died(cause: string): void {
    if (gone) return;
    gone = true;
    clearInterval(watchdog);
    const lastWords = lastOutput.trim().split('\n').at(-1) ?? '';
    if (stopping !== undefined && job === undefined) log('embedding process ended', { pid });
    else options.onDeath({ pid, state, cause, lastWords, job });
  }

  child.stderr?.on('data', (part: Buffer) => (lastOutput = (lastOutput + part.toString()).slice(-2_000)));
  child.on('message', receive);
  child.on('error', (error) => {
    log('embedding process fails', { pid, reason: error.message });
    // Without a process there is no exit.
    if (child.pid === undefined) died(error.message);
  });
  child.on('exit', (code, signal) => {
    // What it has sent before its end comes first.
    void event(child, 'disconnect').then(() => died(signal ?? `exit code ${String(code)}`));
  });
  log('embedding process started', { pid });
  post({ kind: 'load', model });

  async function end(held: boolean): Promise<void> {
    hold(held);
    const lastResort = setTimeout(() => {
      log('embedding process does not end', { pid, state });
      child.kill('SIGKILL');
    }, stopMs);
    if (!held) lastResort.unref();
    post({ kind: 'stop' });
    await Promise.all([event(child, 'exit'), event(child, 'disconnect')]);
    clearTimeout(lastResort);
  }

  return {
    get state() {
      return state;
    },
    get idleSince() {
      return idleSince;
    },
    give(texts) {
      job = { id: nextJob++, texts, running: [] };
      state = 'busy';
      quietTicks = 0;
      hold(true);
      post({ kind: 'embed', id: job.id, texts: texts.map(({ text }) => text) });
    },
    stop(held) {
      if (stopping !== undefined && held) hold(true);
      stopping ??= end(held);
      return stopping;
    },
  };
}
