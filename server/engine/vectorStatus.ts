import { AppError } from '../../core/errors.ts';
import type { Embeddings } from './embeddings.ts';
import type { ModelChange } from './modelChange.ts';
import type { ModelInUse } from './modelInUse.ts';
import type { ModelState } from './models.ts';
import type { VectorStatus } from './types.ts';

export interface VectorStatusParts {
  state: VectorStatus['state'];
  reason: string | null;
  embeddings: Embeddings | undefined;
  models: ModelChange | null;
  /** Chunks get their vectors without being asked for. */
  inBackground: boolean;
  /** Null while it cannot be said honestly. */
  secondsFor: (chunks: number) => number | null;
}

/** Chunks that have no vector of this model and may get one. */
export const lackingOf = ({ supply: { counts, failed } }: ModelInUse): number =>
  Math.max(0, counts.chunks - counts.embedded - failed);

function nextStepOf({ state, embeddings, models, inBackground }: VectorStatusParts): string | null {
  const model = embeddings?.state ?? null;
  if (model !== null && model.state !== 'ready') return model.nextStep;
  if (models === null || models.earlier === null) return null;
  if (state === 'failed') return 'Run `contextkit index --embed` to try again, or name another model.';
  // Nobody embeds in the background of a command.
  return inBackground || state !== 'starting' ? null : 'Run `contextkit index --embed` to embed what it lacks.';
}

const idOf = (model: ModelState | null): string | null =>
  model === null ? null : model.state === 'ready' ? model.model.spec.id : model.id;

/** Null when there is nothing that could be held back. */
const holdOf = ({ state, embeddings }: VectorStatusParts): VectorStatus['hold'] =>
  state === 'embedding' ? (embeddings?.hold ?? null) : null;

function secondsLeft(parts: VectorStatusParts): number | null {
  const wanted = parts.models?.wanted ?? null;
  if (parts.state !== 'embedding' || wanted === null || holdOf(parts)?.level === 'pause') return null;
  return parts.secondsFor(lackingOf(wanted));
}

export function describeVectors(parts: VectorStatusParts): VectorStatus {
  const { state, reason, embeddings, models } = parts;
  const hold = holdOf(parts);
  const wanted = models?.wanted ?? null;
  const counted = wanted ?? models?.earlier ?? null;
  return {
    state: hold?.level === 'pause' ? 'paused' : state,
    model: idOf(embeddings?.state ?? null),
    answering: models?.earlier?.id ?? null,
    reason: reason ?? embeddings?.note ?? null,
    nextStep: nextStepOf(parts),
    ...(counted === null ? { embedded: 0, chunks: 0 } : counted.supply.counts),
    failed: counted?.supply.failed ?? 0,
    etaSeconds: secondsLeft(parts),
    hold,
  };
}

export function missingModel({ state, reason, nextStep }: VectorStatus): AppError {
  if (state === 'off')
    return new AppError('invalid_input', 'embeddings are switched off', {
      hint: 'Set `embeddings: on` in .contextkit/config.yaml, or leave out --no-embed.',
    });
  const hint = nextStep === null ? {} : { hint: nextStep };
  return new AppError('model_missing', reason ?? 'there is no embedding model', hint);
}
