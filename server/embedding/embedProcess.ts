/**
 * A process that embeds: one model, one thread, one run at a time. `session.run()` keeps its event loop busy, so that
 * messages are read between runs only. It ends when it is told to, after the run, or when its parent is gone.
 */
import { constants, setPriority } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError, serializeError } from '../../core/errors.ts';
import type { EmbedJob, FromProcess, TextOutcome, ToProcess } from './embedProtocol.ts';
import { encodeHalves, unitOfHalves } from './float16.ts';
import { type ModelSession, openModelSession, type OnnxRuntime } from './modelSession.ts';
import { planRun } from './planRun.ts';
import type { ReadyModel } from './types.ts';

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0] ?? '';

let session: ModelSession | undefined;
let ending = false;
/** Messages are worked on one after the other. */
let last: Promise<void> = Promise.resolve();

/** Resolves when the message has left the process, so that it is not lost if a run takes the process down. */
function send(message: FromProcess): Promise<void> {
  return new Promise((resolve) => {
    // The parent is gone when it cannot be sent; `disconnect` then ends the process.
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function loadRuntime(): Promise<OnnxRuntime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new AppError('model_unusable', `the runtime for embedding models cannot be loaded: ${firstLine(error)}`, {
      hint: 'Search by keywords works all the same.',
    });
  }
}

async function load(model: ReadyModel): Promise<void> {
  try {
    session = await openModelSession(model, await loadRuntime());
    await send({ kind: 'ready', batches: session.batches, cpuMs: sinceReport() });
  } catch (error) {
    await send({ kind: 'unusable', error: serializeError(error) });
    await end();
  }
}

let reported = { user: 0, system: 0 };

/** Processor time since this was last asked for. */
function sinceReport(): number {
  const { user, system } = process.cpuUsage(reported);
  reported = process.cpuUsage();
  return (user + system) / 1000;
}

/** As it is kept: so that a vector that comes from the cache is the one that was computed. */
const asKept = (vector: Float32Array): Float32Array => unitOfHalves(encodeHalves(vector));

async function embed({ id, texts }: EmbedJob): Promise<void> {
  if (session === undefined || ending) return;
  const tokenized = texts.map((text) => session!.tokenizer.encode(text));
  const indexes = session.batches ? planRun(tokenized.map(({ ids }) => ids.length)) : [0];
  await send({ kind: 'running', id, indexes });
  const outcomes: TextOutcome[] = tokenized.map(({ ids }) => ({ kind: 'left', tokens: ids.length, alone: false }));
  const { modelMs, modelCpuMs } = session.spent;
  let vectors: (Float32Array | null)[] = [];
  let reason = 'the model gave no finite vector for it';
  try {
    vectors = await session.run(indexes.map((index) => tokenized[index]!.ids));
  } catch (error) {
    // Whose fault it is shows when they run alone.
    if (indexes.length === 1) reason = `the model failed on it: ${firstLine(error)}`;
    else for (const index of indexes.splice(0)) outcomes[index] = { ...outcomes[index], alone: true } as TextOutcome;
  }
  for (const [row, index] of indexes.entries()) {
    const vector = vectors[row] ?? null;
    const { ids, truncated } = tokenized[index]!;
    outcomes[index] =
      vector === null
        ? { kind: 'failed', reason }
        : { kind: 'embedded', vector: asKept(vector), tokens: ids.length, truncated };
  }
  const times = {
    modelMs: session.spent.modelMs - modelMs,
    modelCpuMs: session.spent.modelCpuMs - modelCpuMs,
    cpuMs: sinceReport(),
  };
  await send({ kind: 'done', id, outcomes, times, rssBytes: process.memoryUsage.rss() });
}

/** Ending in the middle of a run, or with a session open, can abort the process. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await session?.release();
  session = undefined;
  if (process.connected) process.disconnect();
  // An import that hangs, or a handle of a library, must not keep it.
  process.exit(0);
}

function handle(message: ToProcess): Promise<void> {
  switch (message.kind) {
    case 'load':
      return load(message.model);
    case 'embed':
      return embed(message);
    case 'stop':
      return end();
  }
}

process.on('message', (message: ToProcess) => {
  last = last.then(() => handle(message)).then(() => nextTurn());
  last.catch((error: unknown) => {
    throw error;
  });
});
process.on('disconnect', () => {
  last = last.then(end);
});
// Ctrl-C in a terminal goes to all its processes; the parent decides when this one ends.
process.on('SIGINT', () => undefined);
try {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // A system that does not allow it: then it competes like any other process.
}
