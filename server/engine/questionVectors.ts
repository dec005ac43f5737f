type Vector = Float32Array | null;

/** Vectors of the latest questions. */
export interface QuestionVectors {
  /** Never rejects: null when there is none. */
  of(query: string): Promise<Vector>;
  forget(): void;
  /** Resolves when none is being made any more. */
  settled(): Promise<void>;
}

const remembered = 64;

/** Remembers them, also while they are being made: the same question is asked again for its map. */
export function createQuestionVectors(
  make: (query: string) => Promise<Vector>,
  onFailure: (error: unknown) => void,
): QuestionVectors {
  const vectors = new Map<string, Promise<Vector>>();
  return {
    of(query) {
      const known = vectors.get(query);
      if (known !== undefined) return known;
      const vector = make(query).catch((error: unknown) => {
        vectors.delete(query);
        onFailure(error);
        return null;
      });
      vectors.set(query, vector);
      if (vectors.size > remembered) vectors.delete(vectors.keys().next().value!);
      return vector;
    },
    forget: () => vectors.clear(),
    async settled() {
      await Promise.all(vectors.values());
    },
  };
}
