import { AppError, isAppError } from '../../core/errors.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type { QuestionVector, Store } from '../store/index.ts';
import type { Embeddings } from './embeddings.ts';
import { byWordsAlone, createAskByMeaning, type RankRequest } from './askByMeaning.ts';
import { embedThrough } from './embedThrough.ts';
import { createModelChange } from './modelChange.ts';
import { createRateMeter } from './rateMeter.ts';
import type { EmbeddingHold, VectorStatus } from './types.ts';
import { createVectorLookups } from './vectorLookups.ts';
import { describeVectors, lackingOf, missingModel } from './vectorStatus.ts';

export interface VectorKeeperOptions {
  store: Store;
  root: string;
  maxFileKb: number;
  embeddings: Embeddings | undefined;
  /** Embeds what has no vector whenever there is time for it. */
  inBackground: boolean;
  /** How long a question may wait for vectors of its own candidates, in ms. */
  timeBoxMs: number;
  /** True while an index run goes on. */
  isIndexing: () => boolean;
  onStatus: (status: VectorStatus) => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Keeps the vectors of one index, and ranks with them as far as there are any. */
export interface VectorKeeper {
  /** These files were indexed (all, if none are named): vectors are looked up and, in the background, made. */
  refresh(paths?: readonly string[]): void;
  /** These files are wanted before all others. */
  attend(paths: readonly string[]): void;
  /** This question comes in a moment: what it needs besides the index is made meanwhile. */
  foresee(query: string): void;
  /** Rejects with what is in the way; resolves when each chunk has a vector or has failed to get one. */
  embedAll(signal?: AbortSignal): Promise<void>;
  search(
    query: string,
    request: RankRequest,
    signal?: AbortSignal,
  ): Promise<{ ranked: RankedChunk[]; byMeaning: boolean }>;
  /**
   * Lets `work` use the vector of a question, by the model that answers now: its table stays until the work has ended.
   * Null when there is no model or it does not answer in time.
   */
  withQuestion<T>(
    query: string,
    signal: AbortSignal | undefined,
    work: (vector: QuestionVector | null) => Promise<T>,
  ): Promise<T>;
  /** Resolves once it is known what there is. */
  look(): Promise<void>;
  status(): VectorStatus;
  /** The model that ranks beside words; null where there is none. */
  readonly answering: { fingerprint: string; id: string } | null;
  close(): Promise<void>;
}

/** Files before the user's eyes that are remembered. */
const mostFirst = 200;

/** A lack of memory is seen when a process is to be started: texts have to wait for one. */
const isPaused = (hold: EmbeddingHold | null): boolean => hold?.level === 'pause' && hold.reason !== 'memory';

/** Also of a run that was stopped: what it has done is there to be asked. */
async function isIndexed({ store, isIndexing }: VectorKeeperOptions): Promise<boolean> {
  if (isIndexing()) return false;
  const { files, lastIndexedAt } = await store.counts();
  return files > 0 || lastIndexedAt !== null;
}

export function createVectorKeeper(options: VectorKeeperOptions): VectorKeeper {
  const { store, embeddings, inBackground, log } = options;
  const abort = new AbortController();
  const rate = createRateMeter();
  const models =
    embeddings === undefined
      ? null
      : createModelChange({
          ...options,
          embeddings,
          signal: abort.signal,
          onEmbedded: () => rate.count(1),
          onFailure: (error) => onFailure('question not embedded', error),
        });
  let first: string[] = [];
  let state: VectorStatus['state'] = embeddings === undefined ? 'off' : 'starting';
  let reason: string | null = null;
  let opened: Promise<void> | undefined;
  let working: Promise<void> | undefined;
  let workAgain = false;
  /** Ends the work for a model that is no longer wanted. */
  let outdated = new AbortController();

  const status = (): VectorStatus =>
    describeVectors({
      state,
      reason,
      embeddings,
      models,
      inBackground,
      secondsFor: (chunks) => rate.secondsFor(chunks),
    });

  function tell(next: VectorStatus['state'], why: string | null): void {
    state = next;
    reason = why;
    options.onStatus(status());
  }

  function fail(event: string, error: unknown): void {
    const { message } = error as Error;
    log(event, { message, planned: isAppError(error) });
    tell('failed', message);
  }

  /** Nothing has failed for being ended. */
  function onFailure(event: string, error: unknown): void {
    if (!abort.signal.aborted) fail(event, error);
  }

  async function open(): Promise<void> {
    await models?.open();
    const model = embeddings?.state ?? null;
    if (models?.wanted === null && !abort.signal.aborted)
      tell('no_model', model !== null && model.state !== 'ready' ? model.reason : null);
  }

  /** What failed is tried anew the next time. */
  function ensureOpen(): Promise<void> {
    const attempt: Promise<void> = (opened ??= open().catch((error: unknown) => {
      if (opened === attempt) opened = undefined;
      throw error;
    }));
    return attempt;
  }

  const lookups =
    models === null
      ? null
      : createVectorLookups({
          models,
          open: ensureOpen,
          first: () => first,
          signal: abort.signal,
          onFailure: (error) => onFailure('vectors not looked up', error),
        });
  const fill = async (): Promise<void> => lookups?.fill();
  const isHeld = (): boolean => isPaused(embeddings?.hold ?? null);

  async function workThrough(signal: AbortSignal): Promise<void> {
    await ensureOpen();
    await fill();
    const wanted = models?.wanted ?? null;
    if (models === null || wanted === null || state === 'failed') return;
    const { cache } = wanted.supply.parts;
    await models.note();
    rate.start();
    const fault = await embedThrough({
      models,
      first: () => first,
      signal,
      store,
      isHeld,
      onPass() {
        workAgain = false;
        if (lackingOf(wanted) > 0) tell('embedding', cache.problem);
      },
      onBatch: () => tell(state, cache.problem),
      isOutdated: () => workAgain,
      log,
    });
    if (fault !== null) tell('failed', fault);
    // Nothing is ready of what is not indexed yet; when it is, this begins anew.
    else tell((await isIndexed(options)) ? 'ready' : state, cache.problem);
  }

  /** Begins again when another model is wanted meanwhile, and when somebody asks after the last look at what is lacking. */
  async function workForWanted(signal: AbortSignal): Promise<void> {
    do {
      workAgain = false;
      const change = outdated.signal;
      try {
        await workThrough(AbortSignal.any([signal, change]));
      } catch (error) {
        if (signal.aborted || !change.aborted) throw error;
        workAgain = true;
      }
    } while (workAgain);
  }

  /** A single run at a time; who asks meanwhile makes it look again. */
  function work(signal: AbortSignal = abort.signal): Promise<void> {
    if (working !== undefined) workAgain = true;
    working ??= workForWanted(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) fail('embedding failed', error);
        else if (state === 'embedding') tell('stopped', null);
        throw error;
      })
      .finally(() => (working = undefined));
    return working;
  }

  const asking =
    models === null
      ? null
      : createAskByMeaning({
          ...options,
          models,
          signal: abort.signal,
          isHeld,
          open: ensureOpen,
          fill,
          hasStarted: () => lookups?.hasStarted === true,
          hasFailed: () => state === 'failed',
          onFailure,
        });

  function prefer(paths: readonly string[]): void {
    first = [...paths, ...first.filter((path) => !paths.includes(path))].slice(0, mostFirst);
  }

  const keeper: VectorKeeper = {
    refresh(paths) {
      if (embeddings === undefined || abort.signal.aborted) return;
      lookups?.add(paths);
      // What was in the way may be gone.
      if (state === 'failed') state = 'starting';
      prefer(paths ?? []);
      // It has told the status and the log already.
      if (inBackground) work().catch(() => undefined);
    },

    attend(paths) {
      prefer(paths);
      // What is under way goes on with these.
      if (working !== undefined) workAgain = true;
    },

    foresee: (query) => asking?.foresee(query),

    async embedAll(signal) {
      await ensureOpen();
      if (models === null || models.wanted === null) throw missingModel(status());
      if (state === 'failed') state = 'starting';
      await work(signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]));
      const now = status();
      if (now.state !== 'failed') return;
      throw new AppError(
        'worker_failed',
        `not everything could be embedded: ${now.reason ?? 'the reason is unknown'}`,
        {
          hint: 'Run `contextkit doctor`; search by words works all the same.',
        },
      );
    },

    withQuestion: (query, signal, work) =>
      asking === null ? work(null) : asking.ask(query, signal, (asked) => work(asked?.vector ?? null)),
    look: fill,

    async search(query, request, signal) {
      if (asking === null) return { ranked: await store.search(query, byWordsAlone(request)), byMeaning: false };
      return asking.search(query, request, signal);
    },

    status,
    get answering() {
      const model = models?.answering ?? null;
      return model !== null && model.supply.counts.embedded > 0 ? model : null;
    },

    async close() {
      abort.abort();
      for (const stop of subscriptions) stop?.();
      await Promise.allSettled([working, fill(), opened]);
      await models?.close();
    },
  };

  const followPace = (event: 'hold' | 'retry'): void => {
    // What was done before a pause or at another pace says nothing about what follows.
    rate.start();
    if (event === 'retry' && state === 'failed') keeper.refresh();
    else options.onStatus(status());
  };
  const followModel = async (): Promise<void> => {
    opened = undefined;
    tell('starting', null);
    outdated.abort();
    outdated = new AbortController();
    keeper.refresh();
    try {
      await ensureOpen();
    } catch (error) {
      onFailure('model not opened', error);
    }
  };
  const subscriptions = [embeddings?.onPace(followPace), embeddings?.onChange(followModel)];
  return keeper;
}
