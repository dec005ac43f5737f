import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../core/errors.ts';
import type { SkippedRecord } from '../store/types.ts';
import type {
  ParseJob,
  ParseOutcome,
  ParsePurpose,
  ParseReply,
  ParseRequest,
  ParseWorkerData,
} from './parseProtocol.ts';

export interface ParsePoolOptions {
  assetsDir: string;
  root: string;
  workers: number;
  maxFileKb: number;
  parseTimeoutMs: number;
  /** How long a worker that is past the parser's own deadline lives on before it is ended from outside. */
  graceMs?: number;
  log: (event: string, fields: Record<string, unknown>) => void;
}

export interface ParsePool {
  /** Analyses a batch; every path gets exactly one outcome, also when a worker dies or hangs on it. */
  parse(files: readonly ParseRequest[], options?: Pick<ParsePurpose, 'keepTrees'>): Promise<ParseOutcome[]>;
  /** Where the names stand in these files; the same promises as for `parse`. */
  find(files: readonly ParseRequest[], names: readonly string[]): Promise<ParseOutcome[]>;
  /** The file that has kept a worker busy longest, if more than a second. */
  slowFile(): string | null;
  readonly waiting: number;
  /** After a whole run: one worker is enough for saved files, and the others hold tens of megabytes each. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

interface Task {
  job: ParseJob;
  resolve: (outcomes: ParseOutcome[]) => void;
  reject: (error: Error) => void;
}

interface Slot {
  worker: Worker | undefined;
  position: Int32Array<SharedArrayBuffer>;
  task: Task | undefined;
  /** Since when the file at `seen` is being worked on, as the watchdog saw it. */
  seen: number;
  since: number;
}

/** How often a file may take its worker down before it is left alone. */
const maxCrashes = 2;
const watchdogMs = 250;
/** A third of Node's default: takes 40 MB off the peak of a whole index for a few percent of its time. */
const maxYoungGenerationSizeMb = 12;
const defaultGraceMs = 5_000;

export function createParsePool(options: ParsePoolOptions): ParsePool {
  const deadlineMs = options.parseTimeoutMs + (options.graceMs ?? defaultGraceMs);
  const slots: Slot[] = Array.from({ length: options.workers }, () => ({
    worker: undefined,
    position: new Int32Array(new SharedArrayBuffer(4)).fill(-1),
    task: undefined,
    seen: -1,
    since: 0,
  }));
  const queue: Task[] = [];
  const crashes = new Map<string, number>();
  let nextId = 0;
  let closed = false;
  let watchdog: NodeJS.Timeout | undefined;

  function startWorker(slot: Slot): Worker {
    const data: ParseWorkerData = {
      assetsDir: options.assetsDir,
      root: options.root,
      position: slot.position.buffer,
    };
    const worker = new Worker(path.join(options.assetsDir, 'parseWorker.cjs'), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    worker.on('message', (reply: ParseReply) => {
      const task = slot.task;
      if (task?.job.id !== reply.id) return;
      slot.task = undefined;
      task.resolve(reply.outcomes);
      dispatch();
    });
    let cause = 'the worker ended';
    worker.on('error', (error) => {
      cause = error.message;
    });
    worker.on('exit', () => {
      // Sent home: the slot may have another one by now.
      if (slot.worker !== worker) return;
      slot.worker = undefined;
      if (!closed) recover(slot, cause);
    });
    slot.worker = worker;
    return worker;
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (slot.task !== undefined) continue;
      const task = queue.shift();
      if (task === undefined) break;
      slot.task = task;
      slot.seen = -1;
      slot.since = Date.now();
      const worker = slot.worker ?? startWorker(slot);
      worker.ref();
      worker.postMessage(task.job);
    }
    const busy = slots.some((slot) => slot.task !== undefined);
    if (busy) watchdog ??= setInterval(watch, watchdogMs);
    else if (watchdog !== undefined) {
      clearInterval(watchdog);
      watchdog = undefined;
      for (const slot of slots) slot.worker?.unref();
    }
  }

  /** A worker that neither answers nor moves on to the next file is ended; `recover` then deals with the file. */
  function watch(): void {
    for (const slot of slots) {
      if (slot.task === undefined) continue;
      const at = Atomics.load(slot.position, 0);
      if (at !== slot.seen) {
        slot.seen = at;
        slot.since = Date.now();
      } else if (at >= 0 && Date.now() - slot.since > deadlineMs) {
        const file = slot.task.job.files[at];
        if (file !== undefined) crashes.set(file.path, maxCrashes);
        void slot.worker?.terminate();
      }
    }
  }

  /** The file a worker died on is tried once more, alone; then it is quarantined. Its batch goes on without it. */
  function recover(slot: Slot, cause: string): void {
    const task = slot.task;
    slot.task = undefined;
    const at = Atomics.exchange(slot.position, 0, -1);
    if (task === undefined) return;
    const guilty = task.job.files[at];
    if (guilty === undefined) {
      // It died before it took up a file: the next one would, too.
      task.reject(
        new AppError('worker_failed', `a parse worker cannot start: ${cause}`, {
          hint: 'Reinstall ContextKit; its files seem incomplete.',
        }),
      );
      return;
    }
    const hung = crashes.get(guilty.path) === maxCrashes;
    const count = hung ? maxCrashes : (crashes.get(guilty.path) ?? 0) + 1;
    crashes.set(guilty.path, count);
    options.log('parse worker died', { path: guilty.path, cause, count });
    const others = task.job.files.filter((file) => file !== guilty);
    const again: Promise<ParseOutcome[]>[] = [];
    if (others.length > 0) again.push(parse(others, task.job.purpose));
    if (count < maxCrashes) again.push(parse([guilty], task.job.purpose));
    else again.push(Promise.resolve([{ kind: 'skipped', record: quarantined(guilty, hung, cause) }]));
    Promise.all(again).then((parts) => task.resolve(parts.flat()), task.reject);
    dispatch();
  }

  function quarantined(file: ParseRequest, hung: boolean, cause: string): SkippedRecord {
    return {
      path: file.path,
      ...file.stamp,
      reason: hung ? 'timeout' : 'crashed',
      detail: hung ? `no answer within ${deadlineMs} ms` : `the parser died on it twice: ${cause}`,
    };
  }

  function parse(files: readonly ParseRequest[], purpose: ParsePurpose = {}): Promise<ParseOutcome[]> {
    if (closed) return Promise.reject(new Error('the parse pool is closed'));
    return new Promise((resolve, reject) => {
      const job: ParseJob = {
        id: nextId++,
        files: [...files],
        purpose,
        maxFileKb: options.maxFileKb,
        parseTimeoutMs: options.parseTimeoutMs,
      };
      queue.push({ job, resolve, reject });
      dispatch();
    });
  }

  return {
    parse,
    find: (files, names) => parse(files, { find: names }),
    get waiting() {
      return queue.length;
    },
    slowFile() {
      const slow = slots
        .filter((slot) => slot.task !== undefined && slot.seen >= 0 && Date.now() - slot.since > 1_000)
        .sort((a, b) => a.since - b.since)[0];
      return slow?.task?.job.files[slow.seen]?.path ?? null;
    },
    async rest() {
      const ending: Promise<unknown>[] = [];
      for (const slot of slots.slice(1)) {
        const { worker } = slot;
        if (worker === undefined || slot.task !== undefined) continue;
        slot.worker = undefined;
        ending.push(worker.terminate());
      }
      await Promise.all(ending);
    },
    async close() {
      closed = true;
      clearInterval(watchdog);
      for (const task of queue.splice(0)) task.reject(new Error('the parse pool is closed'));
      for (const slot of slots) slot.task?.reject(new Error('the parse pool is closed'));
      await Promise.all(slots.flatMap(({ worker }) => (worker === undefined ? [] : [worker.terminate()])));
    },
  };
}
