import { questionText } from '../../core/chunk/embeddingInput.ts';
import { embedPriority } from '../embedding/types.ts';
import { createQuestionVectors, type QuestionVectors } from './questionVectors.ts';
import { createVectorSupply, type VectorSupply, type VectorSupplyOptions } from './vectorSupply.ts';

/** A model with the vectors that it has made of an index and of questions. */
export interface ModelInUse {
  readonly fingerprint: string;
  readonly id: string;
  readonly supply: VectorSupply;
  readonly questions: QuestionVectors;
  /** Work that needs its vectors: until it has ended, they are not forgotten. */
  use<T>(work: () => Promise<T>): Promise<T>;
  /** Forgets its vectors as soon as nobody needs them. */
  close(): Promise<void>;
}

export interface ModelInUseOptions extends VectorSupplyOptions {
  /** A question could not be embedded. */
  onFailure: (error: unknown) => void;
  /** Ends what is being embedded. */
  signal: AbortSignal;
}

export function createModelInUse({ onFailure, signal, ...options }: ModelInUseOptions): ModelInUse {
  const { embedder, model } = options.parts;
  const supply = createVectorSupply(options);
  const users = new Set<Promise<unknown>>();

  const questions = createQuestionVectors(async (query) => {
    const how = { kind: 'query', priority: embedPriority.query, signal } as const;
    const [embedded] = await embedder.embed([questionText(query)], how);
    return embedded === undefined || 'failure' in embedded ? null : embedded.vector;
  }, onFailure);

  return {
    fingerprint: model.fingerprint,
    id: model.spec.id,
    supply,
    questions,
    async use(work) {
      const running = work();
      users.add(running);
      try {
        return await running;
      } finally {
        users.delete(running);
      }
    },
    async close() {
      while (users.size > 0) await Promise.allSettled(users);
      await questions.settled();
      await supply.close();
    },
  };
}
