import { selfTest } from './embedGaps.ts';
import type { EarlierModel, EmbeddingParts, Embeddings } from './embeddings.ts';
import { createModelInUse, type ModelInUse, type ModelInUseOptions } from './modelInUse.ts';

/** `onEmbedded` and `onFailure` hear of the model that is wanted. */
export interface ModelChangeOptions extends Omit<ModelInUseOptions, 'parts'> {
  embeddings: Embeddings;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/**
 * The model that is wanted and, while its vectors are being made, the one that the index was embedded with before: that
 * one goes on answering as long as its files can be opened. Each has a table of vectors of its own; questions are
 * embedded by the one that answers, so that vectors of two models never meet.
 */
export interface ModelChange {
  /** Null where it cannot be used. */
  readonly wanted: ModelInUse | null;
  /** Answers in place of the wanted one; null when nothing is being changed. */
  readonly earlier: ModelInUse | null;
  readonly answering: ModelInUse | null;
  /** Finds out what is wanted now and what the index was embedded with. */
  open(): Promise<void>;
  /** Whether the wanted model knows all that the earlier one knows. */
  isCovered(): Promise<boolean>;
  /**
   * The wanted model answers from now on, if it passes its self-test; the vectors of the earlier one are forgotten.
   * Returns what is wrong, null when nothing is.
   */
  finish(signal: AbortSignal): Promise<string | null>;
  /** The earlier model can answer no more: words and what there is of the wanted one do. */
  giveUpEarlier(why: string): void;
  /** Notes in the index who answers, for the processes that come after. */
  note(): Promise<void>;
  close(): Promise<void>;
}

export function createModelChange(options: ModelChangeOptions): ModelChange {
  const { store, embeddings, onEmbedded, onFailure, log } = options;
  /** One call at a time, and nothing else changes meanwhile. */
  let opening: Promise<void> = Promise.resolve();
  let isOpening = false;
  let wanted: ModelInUse | null = null;
  let earlier: { model: ModelInUse; held: EarlierModel } | null = null;
  /** Models whose vectors are known to be those of their texts: each saved file would cost a run of the model else. */
  const trusted = new WeakSet<ModelInUse>();
  /** Models that are being let go. */
  const leaving = new Set<Promise<void>>();

  function letGo(model: ModelInUse, held?: EarlierModel): void {
    const work: Promise<void> = model
      .close()
      .then(() => held?.giveBack())
      .catch((error: unknown) => log('model not closed', { message: (error as Error).message }))
      .finally(() => leaving.delete(work));
    leaving.add(work);
  }

  const isInUse = (model: ModelInUse): boolean => model === wanted || model === earlier?.model;

  /** A model that is in use already keeps what it has made. */
  async function modelOf(parts: EmbeddingParts, used: readonly ModelInUse[]): Promise<ModelInUse> {
    const present = used.find(({ supply }) => supply.parts === parts);
    if (present !== undefined) return present;
    // The table of one that is on its way out has the same name.
    await Promise.all(leaving);
    const model: ModelInUse = createModelInUse({
      ...options,
      parts,
      onEmbedded() {
        if (model === wanted) onEmbedded();
      },
      onFailure(error) {
        if (model === wanted) onFailure(error);
        else if (model === earlier?.model) change.giveUpEarlier((error as Error).message);
      },
    });
    await model.supply.open();
    return model;
  }

  /** The model that the index was embedded with, unless it is the wanted one or can no longer be had. */
  async function openEarlier(parts: EmbeddingParts | null): Promise<EarlierModel | null> {
    const fingerprint = await store.answeringModel();
    if (fingerprint === null || fingerprint === parts?.model.fingerprint) return null;
    const found = await embeddings.earlier(fingerprint);
    if ('parts' in found) return found;
    log('earlier model cannot answer', { fingerprint, reason: found.gone });
    return null;
  }

  async function reopen(): Promise<void> {
    const before = { wanted, earlier };
    const used = [wanted, earlier?.model ?? null].filter((model) => model !== null);
    const parts = await embeddings.parts();
    const held = await openEarlier(parts);
    try {
      const next = parts === null ? null : await modelOf(parts, used);
      earlier = held === null ? null : { model: await modelOf(held.parts, used), held };
      wanted = next;
    } catch (error) {
      await held?.giveBack();
      throw error;
    }
    // Held by this call as well, or wanted again.
    if (before.earlier !== null && isInUse(before.earlier.model)) await before.earlier.held.giveBack();
    else if (before.earlier !== null) letGo(before.earlier.model, before.earlier.held);
    if (before.wanted !== null && !isInUse(before.wanted)) letGo(before.wanted);
  }

  const change: ModelChange = {
    get wanted() {
      return wanted;
    },
    get earlier() {
      return earlier?.model ?? null;
    },
    get answering() {
      return earlier?.model ?? wanted;
    },

    open() {
      isOpening = true;
      const work = opening.then(reopen).finally(() => {
        if (opening === settled) isOpening = false;
      });
      const settled = work.catch(() => undefined);
      opening = settled;
      return work;
    },

    async isCovered() {
      if (earlier === null || wanted === null) return false;
      const { embedded } = earlier.model.supply.counts;
      if (wanted.supply.counts.embedded < embedded) return false;
      return store.vectorsCover({ model: wanted.fingerprint, other: earlier.model.fingerprint });
    },

    async finish(signal) {
      const next = wanted;
      if (next === null) return null;
      const { supply } = next;
      if (!trusted.has(next)) {
        const { tested, fault } = await selfTest({ store, supply, signal });
        if (fault !== null) return fault;
        if (tested) trusted.add(next);
      }
      const { counts, failed } = supply;
      if (earlier !== null && counts.embedded === 0 && earlier.model.supply.counts.embedded > 0)
        return `the model gave no vector for any of ${failed.toLocaleString('en-US')} texts`;
      // Another one may be wanted by now.
      if (wanted !== next || isOpening) return null;
      const done = earlier;
      earlier = null;
      await change.note();
      if (done === null) return null;
      log('model changed', { from: done.model.id, to: next.id });
      letGo(done.model, done.held);
      return null;
    },

    giveUpEarlier(why) {
      if (earlier === null || isOpening || options.signal.aborted) return;
      log('earlier model cannot answer', { fingerprint: earlier.model.fingerprint, reason: why });
      const { model, held } = earlier;
      earlier = null;
      letGo(model, held);
    },

    async note() {
      const { answering } = change;
      if (answering === null || store.role !== 'writer') return;
      await store.putAnsweringModel({ model: answering.fingerprint });
    },

    async close() {
      await Promise.all([...leaving, wanted?.questions.settled(), earlier?.model.questions.settled()]);
      await earlier?.held.giveBack();
      earlier = null;
    },
  };
  return change;
}
