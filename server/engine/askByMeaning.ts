import { byWords, type RankedBy } from '../../core/rank/tunedWeights.ts';
import type { RankingWeights } from '../../core/rank/weights.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type { QuestionVector, SearchRequest, Store } from '../store/index.ts';
import { candidateDepth, candidatesAmong, embedCandidates } from './embedCandidates.ts';
import { changeWhenCovered } from './embedThrough.ts';
import type { ModelChange } from './modelChange.ts';
import type { ModelInUse } from './modelInUse.ts';
import { lackingOf } from './vectorStatus.ts';

export interface AskByMeaningOptions {
  store: Store;
  models: ModelChange;
  /** Somebody else embeds all chunks, and changes the model when it is time. */
  inBackground: boolean;
  /** How long a question may wait for vectors of its own candidates, in ms. */
  timeBoxMs: number;
  /** True while nothing is embedded in the background. */
  isHeld: () => boolean;
  /** True while an index run goes on. */
  isIndexing: () => boolean;
  /** Ends what is being embedded. */
  signal: AbortSignal;
  /** Resolves once it is known which models there are. */
  open: () => Promise<void>;
  /** Resolves once the vectors that are kept are there. */
  fill: () => Promise<void>;
  /** The vectors that were kept at the start are there. */
  hasStarted: () => boolean;
  /** Nothing can be done with the wanted model. */
  hasFailed: () => boolean;
  onFailure: (event: string, error: unknown) => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** A question whose weights depend on what ranks. */
export interface RankRequest extends Omit<SearchRequest, 'weights' | 'vector'> {
  weights: (rankedBy: RankedBy) => RankingWeights;
}

export const byWordsAlone = (request: RankRequest): SearchRequest => ({
  ...request,
  weights: request.weights(byWords),
});

export interface Asked {
  model: ModelInUse;
  vector: QuestionVector;
}

/** A question waits so long for its own vector: the first one starts a process and loads the model. */
const questionMs = 8_000;
/** While everything is being indexed the processors have more to do, and the answer is only one of what there is. */
const indexingMs = 2_000;
/** An editor that was opened just now: of a large index the vectors are not there for seconds, and words are at once. */
const startingMs = 300;
/**
 * So few chunks without a vector are those of files that were saved a moment ago: where somebody embeds them anyway, an
 * answer does not wait for it. The ranking takes them to be as near as their words make likely.
 */
const justSaved = { chunks: 64, share: 0.05 };

/** Null after this time, or once the signal is given. */
const nullAfter = (ms: number, signal: AbortSignal | undefined): Promise<null> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    timer.unref();
    signal?.addEventListener('abort', () => resolve(null), { once: true });
  });

/** Questions to the model that answers. */
export function createAskByMeaning(options: AskByMeaningOptions) {
  const {
    store,
    models,
    inBackground,
    timeBoxMs,
    isHeld,
    isIndexing,
    signal: ending,
    open,
    fill,
    hasStarted,
    hasFailed,
    onFailure,
    log,
  } = options;

  /** Behind the answers, where somebody goes on in the background. */
  const filled = (): Promise<void> => {
    const filling = fill();
    return inBackground ? Promise.resolve() : filling;
  };

  /** Makes what there is ready for a question; whatever is in the way, there is an answer by words. */
  async function prepare(): Promise<void> {
    try {
      await open();
    } catch (error) {
      onFailure('embedding failed', error);
      return;
    }
    if (models.earlier === null) return;
    await filled();
    if (inBackground) return;
    await changeWhenCovered(models, ending, log).catch((error: unknown) =>
      log('model not changed', { reason: (error as Error).message }),
    );
  }

  /** A question that comes in a moment: its vector is made meanwhile, where no model has to be opened for it. */
  function foresee(query: string): void {
    const model = models.answering;
    if (model === null || query.trim() === '' || hasFailed() || !hasStarted()) return;
    void model.use(() => model.questions.of(query));
  }

  async function vectorOf({ questions }: ModelInUse, query: string): Promise<Float32Array | null> {
    // The process starts while vectors are looked up.
    const [vector] = await Promise.all([questions.of(query), filled()]);
    return vector;
  }

  /** The model stays as it is until the work has ended. Null when it does not answer in time. */
  async function ask<T>(
    query: string,
    signal: AbortSignal | undefined,
    work: (asked: Asked | null) => Promise<T>,
  ): Promise<T> {
    if (query.trim() === '' || (hasFailed() && models.earlier === null)) return work(null);
    if (inBackground && !hasStarted()) {
      await Promise.race([fill(), nullAfter(startingMs, signal)]);
      if (!hasStarted()) return work(null);
    }
    const tooLate = nullAfter(inBackground && isIndexing() ? indexingMs : questionMs, signal);
    await Promise.race([prepare(), tooLate]);
    const model = models.answering;
    if (model === null) return work(null);
    return model.use(async () => {
      const values = await Promise.race([vectorOf(model, query), tooLate]);
      const isUsable = values !== null && !(hasFailed() && model === models.wanted);
      return work(isUsable ? { model, vector: { model: model.fingerprint, values } } : null);
    });
  }

  /** Whether the answer is worth waiting for vectors of its candidates. */
  function lacksVectors(model: ModelInUse): boolean {
    const lacking = lackingOf(model);
    const { chunks } = model.supply.counts;
    const few = inBackground && !isHeld() ? Math.min(justSaved.chunks, chunks * justSaved.share) : 0;
    return timeBoxMs > 0 && lacking > few;
  }

  /** Embeds the best candidates that have no vector, as many as the time box holds. */
  async function embedInTime(model: ModelInUse, ranked: readonly RankedChunk[], signal?: AbortSignal): Promise<void> {
    const signals = [AbortSignal.timeout(timeBoxMs), ending, ...(signal === undefined ? [] : [signal])];
    try {
      await embedCandidates(model.supply, ranked, AbortSignal.any(signals));
    } catch (error) {
      if (model === models.wanted) onFailure('candidates not embedded', error);
      else models.giveUpEarlier((error as Error).message);
    }
  }

  function search(
    query: string,
    request: RankRequest,
    signal?: AbortSignal,
  ): Promise<{ ranked: RankedChunk[]; byMeaning: boolean }> {
    return ask(query, signal, async (asked) => {
      if (asked === null) return { ranked: await store.search(query, byWordsAlone(request)), byMeaning: false };
      const { model, vector } = asked;
      if (lacksVectors(model)) {
        const firstLook = { ...byWordsAlone(request), limit: candidateDepth, explain: false };
        await embedInTime(model, candidatesAmong(await store.search(query, firstLook)), signal);
      }
      const byMeaning = model.supply.counts.embedded > 0;
      const weights = request.weights(byMeaning ? model.fingerprint : byWords);
      return { ranked: await store.search(query, { ...request, weights, vector }), byMeaning };
    });
  }

  return { foresee, ask, search };
}
