import {
  cacheFolder,
  createEmbedPool,
  defaultProcesses,
  missingRuntime,
  openEmbeddingCache,
} from '../embedding/index.ts';
import type { Embedder, EmbeddingCache, ReadyModel } from '../embedding/types.ts';
import { assetsDir } from './assets.ts';
import { findModel, type ModelSettings, type ModelState } from './models.ts';

/** What is needed to embed with one model. */
export interface EmbeddingParts {
  model: ReadyModel;
  embedder: Embedder;
  cache: EmbeddingCache;
}

/** The embedding model and its processes, one for all folders of a host. */
export interface Embeddings {
  /** Null until the model has been looked for. */
  readonly state: ModelState | null;
  /** Looks for the model, once; null when there is none that can be used, which `state` explains. */
  parts(): Promise<EmbeddingParts | null>;
  /** Looks again: a model was brought or taken away. */
  refresh(): Promise<void>;
  /** Hears of every model that comes or goes. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  /** Holds back what nobody waits for; questions go on. */
  pause(): void;
  resume(): void;
  readonly paused: boolean;
  /** Ends the processes. Idempotent. */
  close(): Promise<void>;
}

export interface EmbeddingsOptions extends ModelSettings {
  /** Most processes; 0 (the default) means cores minus one. */
  processes?: number;
  /** Most megabytes that the embeddings of all repositories may take on the disk; default 2,048. */
  cacheMb?: number;
  log?: (event: string, fields: Record<string, unknown>) => void;
}

const bytesPerMb = 2 ** 20;

/** Says why nothing can be embedded on this machine, in the terms of a model that cannot be used. */
function withoutRuntime(state: ModelState): ModelState {
  const missing = missingRuntime(assetsDir);
  if (missing === null || state.state !== 'ready') return state;
  return {
    state: 'unusable',
    id: state.model.spec.id,
    reason: missing.message,
    nextStep: missing.hint ?? 'Search by words works without it.',
    downloadBytes: null,
  };
}

/** The model that the settings name, looked for on first use. Without one everything else goes on working. */
export function openEmbeddings(options: EmbeddingsOptions = {}): Embeddings {
  const { processes = 0, cacheMb = 2_048, log = () => undefined, ...settings } = options;
  const listeners = new Set<() => void>();
  let state: ModelState | null = null;
  let current: Promise<EmbeddingParts | null> | undefined;
  let paused = false;
  let closed = false;

  async function open(): Promise<EmbeddingParts | null> {
    state = withoutRuntime(await findModel(settings));
    if (state.state !== 'ready') return null;
    const { model } = state;
    const cache = await openEmbeddingCache({
      cacheDir: settings.cacheDir ?? cacheFolder(settings.env),
      model: { fingerprint: model.fingerprint, dimensions: model.spec.dimensions },
      maxBytes: cacheMb * bytesPerMb,
      log,
    });
    const embedder = createEmbedPool({ model, assetsDir, processes: processes || defaultProcesses(), log });
    if (paused) embedder.pause();
    return { model, embedder, cache };
  }

  async function closeParts(parts: EmbeddingParts | null): Promise<void> {
    await parts?.embedder.close();
    await parts?.cache.close();
  }

  return {
    get state() {
      return state;
    },
    get paused() {
      return paused;
    },
    parts() {
      if (closed) return Promise.resolve(null);
      current ??= open().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      return current;
    },
    async refresh() {
      const before = await current;
      const found = withoutRuntime(await findModel(settings));
      const isSame = found.state === 'ready' && found.model.fingerprint === before?.model.fingerprint;
      state = found;
      if (isSame || closed) return;
      current = undefined;
      for (const listener of listeners) listener();
      await closeParts(before ?? null);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pause() {
      paused = true;
      void current?.then((parts) => parts?.embedder.pause());
    },
    resume() {
      paused = false;
      void current?.then((parts) => parts?.embedder.resume());
    },
    async close() {
      if (closed) return;
      closed = true;
      await closeParts((await current) ?? null);
    },
  };
}
