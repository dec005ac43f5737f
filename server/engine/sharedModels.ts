import type { ReadyModel } from '../embedding/types.ts';
import type { EmbeddingParts } from './embeddings.ts';

/** Models that are open, each once, however many use it. */
export interface SharedModels {
  /** Opens it, or joins those who have it open. */
  take(model: ReadyModel): Promise<EmbeddingParts>;
  /** Closed with the last one who gives it back. */
  giveBack(fingerprint: string): Promise<void>;
  close(): Promise<void>;
}

/** `onClose` hears of each that is about to be closed. */
export function createSharedModels(
  open: (model: ReadyModel) => Promise<EmbeddingParts>,
  onClose: (parts: EmbeddingParts) => void,
): SharedModels {
  const models = new Map<string, { users: number; parts: Promise<EmbeddingParts> }>();

  async function closeParts(parts: EmbeddingParts): Promise<void> {
    onClose(parts);
    await parts.embedder.close();
    await parts.cache.close();
  }

  return {
    async take(model) {
      const { fingerprint } = model;
      const joined = models.get(fingerprint);
      if (joined !== undefined) {
        joined.users++;
        return joined.parts;
      }
      const parts = open(model);
      models.set(fingerprint, { users: 1, parts });
      try {
        return await parts;
      } catch (error) {
        if (models.get(fingerprint)?.parts === parts) models.delete(fingerprint);
        throw error;
      }
    },

    async giveBack(fingerprint) {
      const entry = models.get(fingerprint);
      if (entry === undefined) return;
      entry.users--;
      if (entry.users > 0) return;
      models.delete(fingerprint);
      await closeParts(await entry.parts);
    },

    async close() {
      const all = [...models.values()];
      models.clear();
      // What cannot be opened is told to whoever wants it.
      await Promise.all(all.map(({ parts }) => parts.then(closeParts, () => undefined)));
    },
  };
}
