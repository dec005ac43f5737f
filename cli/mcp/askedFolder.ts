import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import type { EngineStatus, IndexProgress } from '../../server/engine/index.ts';
import { firstOf, writerName } from '../otherWriter.ts';
import { counted } from '../output/terminal.ts';
import type { OpenWorkspace } from '../session.ts';

/** An agent waits no longer for an answer that knows every file; then it gets one over what is there. */
const patienceMs = 10_000;
/** Between two looks at what another process has written; longer where a look takes long. */
const lookEveryMs = 250;
/** Who writes saves what they know within seconds of the last change. */
const writerMs = 6_000;
/** Questions come in bursts; between them others may write: an editor follows every save, a server asks. */
const restAfterMs = 1_000;
/** An assistant may stay open for days: after so long without a question the memory is given back, too. */
const unloadAfterMs = 15 * 60_000;

/** What a question is answered from. */
export interface Asked {
  workspace: OpenWorkspace;
  /** What the answer does not know yet, in a sentence; null when it knows what is on disk. */
  lack: string | null;
}

export interface AskOptions {
  signal: AbortSignal;
  onProgress: (progress: IndexProgress) => void;
}

/** The folder of a server: opened once, and brought up to date before each answer. */
export interface AskedFolder {
  /** Opens it and begins to index; what goes wrong is told with the first answer. */
  begin(): void;
  /** For a question that is about to be asked. Rejects with `cancelled`, or with what is wrong with the folder. */
  ask(options: AskOptions): Promise<Asked>;
  close(): Promise<void>;
}

export interface AskedFolderOptions {
  open: () => Promise<OpenWorkspace>;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** How long an answer may wait for the index, and how long it is kept in memory without a question; for tests. */
  waitMs?: number;
  unloadMs?: number;
}

function lackOf({ progress, files, writer, role }: EngineStatus): string {
  const known = progress === null ? counted(files, 'file') : `${progress.filesDone} of ${progress.filesTotal} files`;
  const who = role === 'reader' ? `${writerName(writer)} is still indexing` : 'The index is still being made';
  return `${who} (${known} so far): ask again for a complete answer.`;
}

/** Waits until who writes has brought the index up to date: what they have not taken up, in a sentence, or null. */
async function waitForWriter({ engine }: OpenWorkspace, signal: AbortSignal): Promise<string | null> {
  const until = performance.now() + writerMs;
  for (;;) {
    const started = performance.now();
    const { generation, writer } = await engine.status();
    // Before their first results there is nothing to answer from.
    const outdated = generation === 0 ? null : await engine.outdated({ signal });
    if (outdated?.length === 0) return null;
    const now = performance.now();
    if (outdated !== null && now > until)
      return `${writerName(writer)} keeps this index and has not taken up yet what changed: ${firstOf(outdated)}.`;
    await sleep(Math.max(lookEveryMs, 2 * (now - started)), undefined, { signal });
  }
}

async function closeWorkspace({ engine, embeddings }: OpenWorkspace): Promise<void> {
  await engine.close();
  await embeddings?.close();
}

export function createAskedFolder({
  open,
  log,
  waitMs = patienceMs,
  unloadMs = unloadAfterMs,
}: AskedFolderOptions): AskedFolder {
  let opening: Promise<OpenWorkspace> | undefined;
  let running: Promise<string | null> | undefined;
  let unloading: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Counts what was planned for later, of which only the last counts. */
  let plans = 0;
  let asking = 0;
  const closing = new AbortController();

  /** Another try with each question after one that failed: a folder may come back. */
  function opened(): Promise<OpenWorkspace> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function indexOrWait(workspace: OpenWorkspace): Promise<string | null> {
    try {
      await workspace.engine.index();
      return null;
    } catch (error) {
      if (hasErrorCode(error, 'index_locked')) return waitForWriter(workspace, closing.signal);
      // What could not be saved is in memory and answers all the same.
      if (hasErrorCode(error, 'index_unwritable')) return `${error.message}. ${error.hint ?? ''}`;
      throw error;
    }
  }

  /** One run at a time, whoever waits for it; it goes on when they leave. Gives what is lacking then. */
  function bringUpToDate(workspace: OpenWorkspace): Promise<string | null> {
    running ??= indexOrWait(workspace).finally(() => {
      running = undefined;
    });
    return running;
  }

  /** Does this when nobody has asked for so long, again and again until it is done, and then what is next. */
  function whenQuiet(ms: number, step: (workspace: OpenWorkspace) => Promise<boolean>, next?: () => void): void {
    clearTimeout(timer);
    const plan = ++plans;
    const isLast = (): boolean => plan === plans && asking === 0 && !closing.signal.aborted;
    timer = setTimeout(() => {
      if (!isLast()) return;
      opening
        ?.then(step)
        .then((done) => {
          if (!isLast()) return;
          if (done) next?.();
          else whenQuiet(ms, step, next);
        })
        .catch((error: unknown) => log('the index is kept', { message: (error as Error).message }));
    }, ms).unref();
  }

  /** First others may write, later memory is given back as well. */
  const restSoon = (): void =>
    whenQuiet(
      restAfterMs,
      ({ engine }) => engine.giveWay(),
      () => whenQuiet(unloadMs, unload),
    );

  /** Not while it embeds. */
  async function unload(workspace: OpenWorkspace): Promise<boolean> {
    const { vectors } = await workspace.engine.status();
    if (vectors.state === 'embedding' || asking > 0) return false;
    opening = undefined;
    unloading = closeWorkspace(workspace);
    await unloading;
    log('let go of the index', { afterMs: unloadMs });
    return true;
  }

  /** What the run gives; undefined when time is up first. */
  async function doneInTime(run: Promise<string | null>, signal: AbortSignal): Promise<string | null | undefined> {
    const ended = new AbortController();
    const late = sleep(waitMs, undefined, { signal: AbortSignal.any([signal, ended.signal]) }).catch(() => {
      throw new AppError('cancelled', 'the question was taken back');
    });
    // The run may fail after nobody waits for it any more: the next question has its own.
    run.catch(() => undefined);
    try {
      return await Promise.race([run, late]);
    } finally {
      late.catch(() => undefined);
      ended.abort();
    }
  }

  return {
    begin() {
      opened()
        .then(bringUpToDate)
        .catch((error: unknown) => log('folder not indexed', { message: (error as Error).message }))
        .finally(restSoon);
    },
    async ask({ signal, onProgress }) {
      asking++;
      try {
        const workspace = await opened();
        const unsubscribe = workspace.engine.onProgress(onProgress);
        const lack = await doneInTime(bringUpToDate(workspace), signal).finally(unsubscribe);
        return { workspace, lack: lack === undefined ? lackOf(await workspace.engine.status()) : lack };
      } finally {
        asking--;
        restSoon();
      }
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      await running?.catch(() => undefined);
      await unloading?.catch(() => undefined);
      if (opening !== undefined) await closeWorkspace(await opening);
    },
  };
}
