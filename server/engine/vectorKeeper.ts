import { questionText } from '../../core/chunk/embeddingInput.ts';
import { AppError, isAppError } from '../../core/errors.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import { embedPriority } from '../embedding/types.ts';
import type { SearchRequest, Store } from '../store/index.ts';
import type { EmbeddingParts, Embeddings } from './embeddings.ts';
import { embedGaps, selfTest } from './embedGaps.ts';
import { createQuestionVectors } from './questionVectors.ts';
import type { ModelState } from './models.ts';
import { createRateMeter } from './rateMeter.ts';
import type { EmbeddingHold, VectorStatus } from './types.ts';
import { createVectorSupply } from './vectorSupply.ts';

export interface VectorKeeperOptions {
  store: Store;
  root: string;
  maxFileKb: number;
  embeddings: Embeddings | undefined;
  /** Embeds what has no vector whenever there is time for it. */
  inBackground: boolean;
  /** How long a question may wait for vectors of its own candidates, in ms. */
  timeBoxMs: number;
  onStatus: (status: VectorStatus) => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Keeps the vectors of one index, and ranks with them as far as there are any. */
export interface VectorKeeper {
  /** These files were indexed (all, if none are named): vectors are looked up and, in the background, made. */
  refresh(paths?: readonly string[]): void;
  /** These files are wanted before all others. */
  attend(paths: readonly string[]): void;
  /** Rejects with what is in the way; resolves when each chunk has a vector or has failed to get one. */
  embedAll(signal?: AbortSignal): Promise<void>;
  search(
    query: string,
    request: SearchRequest,
    signal?: AbortSignal,
  ): Promise<{ ranked: RankedChunk[]; byMeaning: boolean }>;
  /** The vector of a question; null when there is no model or it does not answer in time. */
  question(query: string, signal?: AbortSignal): Promise<Float32Array | null>;
  /** Resolves once it is known what there is. */
  look(): Promise<void>;
  status(): VectorStatus;
  close(): Promise<void>;
}

/** Files whose vectors are looked up in the cache at a time: a few hundred chunks, a few milliseconds. */
const lookupFiles = 64;
/** Candidates of a question that are embedded for it. */
const candidateCount = 50;
/** A question waits so long for its own vector: the first one starts a process and loads the model. */
const questionMs = 8_000;
/** Files before the user's eyes that are remembered. */
const mostFirst = 200;

/** Whether there is a model, and what it is called. */
function modelOf(model: ModelState | null): Pick<VectorStatus, 'model' | 'nextStep'> {
  if (model === null) return { model: null, nextStep: null };
  return model.state === 'ready'
    ? { model: model.model.spec.id, nextStep: null }
    : { model: model.id, nextStep: model.nextStep };
}

/** A lack of memory is seen when a process is to be started: texts have to wait for one. */
const isPaused = (hold: EmbeddingHold | null): boolean => hold?.level === 'pause' && hold.reason !== 'memory';

/** Null after this time, or once the signal is given. */
const nullAfter = (ms: number, signal: AbortSignal | undefined): Promise<null> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    timer.unref();
    signal?.addEventListener('abort', () => resolve(null), { once: true });
  });

function missingModel({ state, reason, nextStep }: VectorStatus): AppError {
  if (state === 'off')
    return new AppError('invalid_input', 'embeddings are switched off', {
      hint: 'Set `embeddings: on` in .contextkit/config.yaml, or leave out --no-embed.',
    });
  const hint = nextStep === null ? {} : { hint: nextStep };
  return new AppError('model_missing', reason ?? 'there is no embedding model', hint);
}

export function createVectorKeeper(options: VectorKeeperOptions): VectorKeeper {
  const { store, embeddings, inBackground, timeBoxMs, log } = options;
  const abort = new AbortController();
  const rate = createRateMeter();
  const supply = createVectorSupply({ ...options, onEmbedded: () => rate.count(1) });
  let first: string[] = [];
  let state: VectorStatus['state'] = embeddings === undefined ? 'off' : 'starting';
  let reason: string | null = null;
  let opened: Promise<EmbeddingParts | null> | undefined;
  /** Files that were indexed since vectors were looked up. */
  let due: Set<string> | 'all' = 'all';
  let filling: Promise<void> | undefined;
  let working: Promise<void> | undefined;
  let workAgain = false;

  const lacking = (): number => Math.max(0, supply.counts.chunks - supply.counts.embedded - supply.failed);

  function status(): VectorStatus {
    const hold = (state === 'embedding' && embeddings?.hold) || null;
    return {
      state: hold?.level === 'pause' ? 'paused' : state,
      ...modelOf(embeddings?.state ?? null),
      reason: reason ?? embeddings?.note ?? null,
      ...supply.counts,
      failed: supply.failed,
      etaSeconds: state === 'embedding' && hold?.level !== 'pause' ? rate.secondsFor(lacking()) : null,
      hold,
    };
  }

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

  async function open(): Promise<EmbeddingParts | null> {
    const parts = (await embeddings?.parts()) ?? null;
    const model = embeddings?.state ?? null;
    if (parts !== null) await supply.use(parts);
    else if (embeddings !== undefined && !abort.signal.aborted)
      tell('no_model', model !== null && model.state !== 'ready' ? model.reason : null);
    return parts;
  }

  /** What failed is tried anew the next time. */
  const parts = (): Promise<EmbeddingParts | null> =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));

  const isDue = (): boolean => due === 'all' || due.size > 0;

  /** Looks up what is due. When the model cannot be opened, that stays so. */
  async function fillOnce(): Promise<void> {
    const open = await parts();
    const asked = due;
    due = new Set();
    if (open === null) return;
    const paths = asked === 'all' ? await store.filesToEmbed(first) : [...asked];
    for (let i = 0; i < paths.length && !abort.signal.aborted; i += lookupFiles)
      await supply.lookUp(open, paths.slice(i, i + lookupFiles));
    await supply.recount();
  }

  /** Looks up the vectors of what was indexed since the last time. */
  function fill(): Promise<void> {
    if (filling === undefined && !isDue()) return Promise.resolve();
    filling ??= (async () => {
      while (isDue() && !abort.signal.aborted) await fillOnce();
    })()
      .catch((error: unknown) => {
        // Words answer all the same.
        if (!abort.signal.aborted) fail('vectors not looked up', error);
      })
      .finally(() => (filling = undefined));
    return filling;
  }

  async function workThrough(signal: AbortSignal): Promise<void> {
    const open = await parts();
    if (open === null) return;
    await fill();
    if (state === 'failed') return;
    rate.start();
    do {
      workAgain = false;
      if (lacking() > 0) tell('embedding', open.cache.problem);
      await embedGaps({
        store,
        supply,
        parts: open,
        first,
        signal,
        isHeld: () => isPaused(embeddings?.hold ?? null),
        isOutdated: () => workAgain,
        onBatch: () => tell(state, open.cache.problem),
      });
      signal.throwIfAborted();
      await supply.recount();
    } while (workAgain);
    const fault = await selfTest({ store, supply, parts: open, signal });
    tell(fault === null ? 'ready' : 'failed', fault ?? open.cache.problem);
  }

  /** A single run at a time; who asks meanwhile makes it look again. */
  function work(signal: AbortSignal = abort.signal): Promise<void> {
    if (working !== undefined) workAgain = true;
    working ??= workThrough(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) fail('embedding failed', error);
        else if (state === 'embedding') tell('stopped', null);
        throw error;
      })
      .finally(() => (working = undefined));
    return working;
  }

  async function embedQuestion(query: string): Promise<Float32Array | null> {
    const open = await parts();
    if (open === null) return null;
    const how = { kind: 'query', priority: embedPriority.query, signal: abort.signal } as const;
    const [embedded] = await open.embedder.embed([questionText(query)], how);
    return embedded === undefined || 'failure' in embedded ? null : embedded.vector;
  }

  const questions = createQuestionVectors(embedQuestion, (error) => {
    if (!abort.signal.aborted) fail('question not embedded', error);
  });

  async function question(query: string, signal?: AbortSignal): Promise<Float32Array | null> {
    if (embeddings === undefined || query.trim() === '' || state === 'failed') return null;
    // The process starts while vectors are looked up.
    const ready = Promise.all([questions.of(query), fill()]).then(([vector]) => (state === 'failed' ? null : vector));
    return Promise.race([ready, nullAfter(questionMs, signal)]);
  }

  /** Embeds the best of these ranges that have no vector, as many as the time box holds. */
  async function embedCandidates(ranked: readonly RankedChunk[], signal: AbortSignal | undefined): Promise<void> {
    const open = await parts();
    const linesOf = new Map<string, number[]>();
    const order = new Map(ranked.map(({ path, startLine }, i) => [`${path}:${startLine}`, i]));
    for (const { path, startLine } of ranked) linesOf.set(path, [...(linesOf.get(path) ?? []), startLine]);
    const files = await store.chunksToEmbed([...linesOf].map(([path, startLines]) => ({ path, startLines })));
    if (open === null || files.length === 0) return;
    const rankOf = ({ path, startLine }: { path: string; startLine: number }): number =>
      order.get(`${path}:${startLine}`)!;
    const places = supply.textsOf(files).sort((a, b) => rankOf(a) - rankOf(b));
    const signals = [AbortSignal.timeout(timeBoxMs), abort.signal, ...(signal === undefined ? [] : [signal])];
    const box = AbortSignal.any(signals);
    try {
      await supply.embed(open, places, { priority: embedPriority.answer, signal: box });
    } catch (error) {
      // What was done in time counts; whatever else is in the way, there is an answer without.
      if (!box.aborted) fail('candidates not embedded', error);
    }
  }

  function prefer(paths: readonly string[]): void {
    first = [...paths, ...first.filter((path) => !paths.includes(path))].slice(0, mostFirst);
  }

  const keeper: VectorKeeper = {
    refresh(paths) {
      if (embeddings === undefined || abort.signal.aborted) return;
      if (paths === undefined) due = 'all';
      else if (due !== 'all') for (const path of paths) due.add(path);
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

    async embedAll(signal) {
      if ((await parts()) === null) throw missingModel(status());
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

    question,
    look: fill,

    async search(query, request, signal) {
      const vector = await question(query, signal);
      if (vector === null) return { ranked: await store.search(query, request), byMeaning: false };
      if (timeBoxMs > 0 && lacking() > 0)
        await embedCandidates(await store.search(query, { ...request, limit: candidateCount, explain: false }), signal);
      return { ranked: await store.search(query, { ...request, vector }), byMeaning: supply.counts.embedded > 0 };
    },

    status,

    async close() {
      abort.abort();
      for (const stop of subscriptions) stop?.();
      await Promise.allSettled([working, filling, questions.settled()]);
    },
  };

  const followPace = (event: 'hold' | 'retry'): void => {
    // What was done before a pause or at another pace says nothing about what follows.
    rate.start();
    if (event === 'retry' && state === 'failed') keeper.refresh();
    else options.onStatus(status());
  };
  const followModel = (): void => {
    opened = undefined;
    questions.forget();
    tell('starting', null);
    keeper.refresh();
  };
  const subscriptions = [embeddings?.onPace(followPace), embeddings?.onChange(followModel)];
  return keeper;
}
