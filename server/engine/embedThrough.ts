import { embedGaps, type EmbedGapsOptions } from './embedGaps.ts';
import type { ModelChange } from './modelChange.ts';

export interface EmbedThroughOptions extends Omit<EmbedGapsOptions, 'supply' | 'first' | 'isOutdated'> {
  models: ModelChange;
  /** Files to begin with, as of now. */
  first: () => readonly string[];
  /** A pass begins; true for one after another that was outdated before it ended. */
  onPass: () => void;
  isOutdated: () => boolean;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Ends the change of the model if the wanted one knows what the earlier one knows. */
export async function changeWhenCovered(
  models: ModelChange,
  signal: AbortSignal,
  log: EmbedThroughOptions['log'],
): Promise<void> {
  if (!(await models.isCovered())) return;
  const fault = await models.finish(signal);
  if (fault !== null) log('model not changed', { reason: fault });
}

/**
 * Gives every chunk a vector of the wanted model, in as many passes as it takes; that model answers as soon as it knows
 * what the one before knew. Returns what is wrong with the vectors, null when nothing is.
 */
export async function embedThrough(options: EmbedThroughOptions): Promise<string | null> {
  const { models, store, first, signal, isHeld, isOutdated, onBatch, onPass, log } = options;
  const { supply } = models.wanted!;
  let changing: Promise<void> | undefined;
  let triedAt = -1;

  /** What is in the way of a change is told at the end. */
  function changeSoon(): void {
    const { earlier } = models;
    const { embedded } = supply.counts;
    if (earlier === null || embedded < earlier.supply.counts.embedded || embedded === triedAt) return;
    triedAt = embedded;
    changing ??= changeWhenCovered(models, signal, log)
      .catch((error: unknown) => log('model not changed', { reason: (error as Error).message }))
      .finally(() => (changing = undefined));
  }

  do {
    onPass();
    await embedGaps({
      store,
      supply,
      first: first(),
      signal,
      isHeld,
      isOutdated,
      onBatch() {
        onBatch();
        changeSoon();
      },
    }).finally(() => changing);
    signal.throwIfAborted();
    await supply.recount();
  } while (isOutdated());
  const fault = await models.finish(signal);
  signal.throwIfAborted();
  return fault;
}
