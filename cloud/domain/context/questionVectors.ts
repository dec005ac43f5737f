import { questionText } from '../../../core/chunk/embeddingInput.ts';
import type { Embedder } from '../../ports/embedder.ts';
import { EmbedderError } from '../../ports/embedder.ts';
import type { Log } from '../../ports/log.ts';
import { singleFlight } from './singleFlight.ts';
import { SizedCache } from './sizedCache.ts';

export interface QuestionVectors {
  /** `missing`: why there is none, though the project has a model. Never rejects for what the provider does. */
  of(query: string, model: string): Promise<{ vector: Float32Array } | { missing: 'unknown_model' | 'unavailable' }>;
}

/** A question waits so long for its vector; then words alone answer it. */
const patienceMs = 5_000;
/** After a failure the provider is left alone for so long: questions need not all wait for it. */
const restMs = 10_000;

export interface QuestionVectorOptions {
  /** The embedder of a model; undefined for one that this platform does not run. */
  embedderOf: (model: string) => Embedder | undefined;
  maxBytes: number;
  now: () => number;
  log: Log;
}

/** Vectors of questions, kept by model and text. */
export function questionVectors({ embedderOf, maxBytes, now, log }: QuestionVectorOptions): QuestionVectors {
  const kept = new SizedCache<Float32Array>({ maxBytes });
  const making = singleFlight<Float32Array | undefined>();
  const restingUntil = new Map<string, number>();

  async function make(embedder: Embedder, text: string): Promise<Float32Array | undefined> {
    try {
      const [vector] = await embedder.embed([text], 'question', AbortSignal.timeout(patienceMs));
      if (vector?.length === embedder.dimensions) return vector;
      log('error', 'context.question_not_embedded', { model: embedder.model, reason: 'a vector of another size' });
    } catch (error) {
      const isTimeout = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
      if (!(error instanceof EmbedderError) && !isTimeout) throw error;
      log('warn', 'context.question_not_embedded', { model: embedder.model, reason: error.message });
    }
    restingUntil.set(embedder.model, now() + restMs);
    return undefined;
  }

  return {
    async of(query, model) {
      const embedder = embedderOf(model);
      if (embedder === undefined) return { missing: 'unknown_model' };
      const text = questionText(query);
      const key = `${model}\n${text}`;
      const known = kept.get(key);
      if (known !== undefined) return { vector: known };
      if (now() < (restingUntil.get(model) ?? 0)) return { missing: 'unavailable' };
      const vector = await making(key, () => make(embedder, text));
      if (vector === undefined) return { missing: 'unavailable' };
      kept.set(key, vector, 4 * vector.length + 2 * key.length);
      return { vector };
    },
  };
}
