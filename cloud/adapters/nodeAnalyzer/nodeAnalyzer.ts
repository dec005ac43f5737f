import { Worker } from 'node:worker_threads';
import { analysisVersion } from '../../../core/records/analysisVersion.ts';
import type { Log } from '../../ports/log.ts';
import type { SkippedSource, SourceAnalysis, SourceAnalyzer, SourceText } from '../../ports/sourceAnalyzer.ts';
import type { AnalyzeReply, AnalyzeWorkerData } from './analyzeProtocol.ts';

export interface NodeAnalyzerOptions {
  /** The program of the threads. */
  workerFile: string;
  /** Where grammars and the list of word pieces lie. */
  assetsFolder: string;
  threads: number;
  parseTimeoutMs?: number;
  /** How long a thread that is past the parser's own deadline lives on before it is ended. */
  graceMs?: number;
  log: Log;
}

interface Task {
  files: readonly SourceText[];
  resolve: (analyses: SourceAnalysis[]) => void;
  reject: (error: Error) => void;
}

interface Slot {
  worker: Worker | undefined;
  position: Int32Array<SharedArrayBuffer>;
  task: Task | undefined;
  id: number;
  /** The file that was being worked on at the last look, and since when. */
  seen: number;
  since: number;
  isHung: boolean;
}

const watchMs = 250;
/** How often a thread may die on a file before it is left alone. */
const maxDeaths = 2;

/**
 * Threads, each with the parsers of the local engine. A file on which a thread dies or hangs is tried again alone, then
 * skipped; the others of its batch go on without it.
 */
export function nodeAnalyzer(options: NodeAnalyzerOptions): SourceAnalyzer {
  const { workerFile, assetsFolder, threads, parseTimeoutMs = 5_000, graceMs = 5_000, log } = options;
  const slots: Slot[] = Array.from({ length: threads }, () => ({
    worker: undefined,
    position: new Int32Array(new SharedArrayBuffer(4)).fill(-1),
    task: undefined,
    id: 0,
    seen: -1,
    since: 0,
    isHung: false,
  }));
  const queue: Task[] = [];
  const deaths = new Map<SourceText, number>();
  let isClosed = false;
  let watchdog: NodeJS.Timeout | undefined;

  function startWorker(slot: Slot): Worker {
    const workerData: AnalyzeWorkerData = { assetsFolder, parseTimeoutMs, position: slot.position.buffer };
    const worker = new Worker(workerFile, { workerData });
    let cause = 'the thread ended';
    worker.on('message', ({ id, analyses }: AnalyzeReply) => {
      const { task } = slot;
      if (task === undefined || id !== slot.id) return;
      slot.task = undefined;
      task.resolve(analyses);
      dispatch();
    });
    worker.on('error', (error) => {
      cause = error.message;
    });
    worker.on('exit', () => {
      slot.worker = undefined;
      if (!isClosed) recover(slot, cause);
    });
    slot.worker = worker;
    return worker;
  }

  function dispatch(): void {
    for (const slot of slots) {
      if (slot.task !== undefined || queue.length === 0) continue;
      slot.task = queue.shift()!;
      slot.id++;
      slot.seen = -1;
      slot.since = Date.now();
      slot.isHung = false;
      const worker = slot.worker ?? startWorker(slot);
      worker.postMessage({ id: slot.id, files: slot.task.files });
    }
    const isBusy = slots.some(({ task }) => task !== undefined);
    if (isBusy) watchdog ??= setInterval(watch, watchMs);
    else {
      clearInterval(watchdog);
      watchdog = undefined;
    }
  }

  function watch(): void {
    for (const slot of slots) {
      if (slot.task === undefined || slot.isHung) continue;
      const at = Atomics.load(slot.position, 0);
      if (at !== slot.seen) {
        slot.seen = at;
        slot.since = Date.now();
      } else if (at >= 0 && Date.now() - slot.since > parseTimeoutMs + graceMs) {
        slot.isHung = true;
        void slot.worker?.terminate();
      }
    }
  }

  function recover(slot: Slot, cause: string): void {
    const { task, isHung } = slot;
    slot.task = undefined;
    const at = Atomics.exchange(slot.position, 0, -1);
    if (task === undefined) return;
    const guilty = task.files[at];
    if (guilty === undefined) {
      // It died before it took up a file: the next one would, too.
      task.reject(new Error(`a thread that analyses texts cannot start: ${cause}`));
      dispatch();
      return;
    }
    const count = isHung ? maxDeaths : (deaths.get(guilty) ?? 0) + 1;
    deaths.set(guilty, count);
    log('warn', 'analyzer.thread_died', { cause, is_hung: isHung, count });
    const others = task.files.filter((file) => file !== guilty);
    const skipped: SkippedSource = {
      kind: 'skipped',
      reason: isHung ? 'timeout' : 'crashed',
      detail: isHung ? `no answer within ${parseTimeoutMs + graceMs} ms` : `the parser died on it twice: ${cause}`,
    };
    const again = count < maxDeaths ? enqueue([guilty]) : Promise.resolve([skipped]);
    Promise.all([enqueue(others), again]).then(([rest, [one]]) => {
      deaths.delete(guilty);
      task.resolve([...rest.slice(0, at), one!, ...rest.slice(at)]);
    }, task.reject);
    dispatch();
  }

  function enqueue(files: readonly SourceText[]): Promise<SourceAnalysis[]> {
    if (isClosed) return Promise.reject(new Error('the analyzer is closed'));
    if (files.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      queue.push({ files, resolve, reject });
      dispatch();
    });
  }

  return {
    version: String(analysisVersion),
    analyze: enqueue,
    async close() {
      isClosed = true;
      clearInterval(watchdog);
      const error = new Error('the analyzer is closed');
      for (const task of queue.splice(0)) task.reject(error);
      for (const { task } of slots) task?.reject(error);
      await Promise.all(slots.flatMap(({ worker }) => (worker === undefined ? [] : [worker.terminate()])));
    },
  };
}
