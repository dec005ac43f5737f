import {
  cacheFolder,
  createEmbedPool,
  defaultProcesses,
  missingRuntime,
  openEmbeddingCache,
  readRetryMark,
  recallModel,
  rememberModel,
} from '../embedding/index.ts';
import { availableParallelism } from 'node:os';
import type { Embedder, EmbeddingCache, ReadyModel } from '../embedding/types.ts';
import type { PowerOptions } from '../system/powerSource.ts';
import { assetsDir } from './assets.ts';
import { findModel, type ModelSettings, type ModelState } from './models.ts';
import { createPoliteness, type OnBattery } from './politeness.ts';
import { createSharedModels } from './sharedModels.ts';
import type { EmbeddingHold } from './types.ts';

/** What is needed to embed with one model. */
export interface EmbeddingParts {
  model: ReadyModel;
  embedder: Embedder;
  cache: EmbeddingCache;
}

/** A model that was wanted before. */
export interface EarlierModel {
  parts: EmbeddingParts;
  /** Gives it back; its processes end when nobody has it any more. */
  giveBack(): Promise<void>;
}

/** The embedding model and its processes, one for all folders of a host. */
export interface Embeddings {
  /** Null until the model has been looked for. */
  readonly state: ModelState | null;
  /** Looks for the model, once; null when there is none that can be used, which `state` explains. */
  parts(): Promise<EmbeddingParts | null>;
  /** The model of this fingerprint, which was wanted once, or why it cannot be had any more, in a sentence. */
  earlier(fingerprint: string): Promise<EarlierModel | { gone: string }>;
  /** Looks again: a model was brought or taken away. */
  refresh(): Promise<void>;
  /**
   * Hears of every model that comes or goes. The one before is closed once all listeners are done, but for those who
   * have taken it by `earlier`. Returns the unsubscribe function.
   */
  onChange(listener: () => Promise<void>): () => void;
  /** Hears of every change of `hold`, and when what could not be done is worth trying again. Returns the unsubscribe function. */
  onPace(listener: (event: 'hold' | 'retry') => void): () => void;
  /** Holds back what nobody waits for; questions go on. */
  pause(): void;
  /** Goes on whatever held it back, and tries anew what could not be done. */
  resume(): void;
  /** An editor got no processor for so many ms of a second in which somebody typed. */
  typing(starvedMs: number): void;
  /** Why embedding is held back; null when it is not. */
  readonly hold: EmbeddingHold | null;
  /** What was done to stay within bounds, in a sentence; null for nothing. */
  readonly note: string | null;
  /** Ends the processes. Idempotent. */
  close(): Promise<void>;
}

export interface EmbeddingsOptions extends ModelSettings {
  /** Most processes; 0 (the default) means cores minus one. */
  processes?: number;
  /** How much of the machine's processors embedding may take in the mean, 1 to 100; default 100. */
  cpuPercent?: number;
  /** Default `continue`. */
  onBattery?: OnBattery;
  /** A process that takes more megabytes is started anew; 0 (the default) for no ceiling. */
  memoryMb?: number;
  /** Where the source of power is read, and how often (ms), if not where this system has it. */
  power?: PowerOptions & { everyMs?: number };
  /** Most megabytes that the embeddings of all repositories may take on the disk; default 2,048. */
  cacheMb?: number;
  log?: (event: string, fields: Record<string, unknown>) => void;
}

const bytesPerMb = 2 ** 20;
/** How often it is looked, after an outage, whether it is over. */
const markEveryMs = 5_000;
/** Of the usual share, where embedding is slowed down. */
const slowShare = 0.25;

/** Where a container has the power supplies of its machine, the environment says so: CONTEXTKIT_POWER_SUPPLY_DIR. */
function powerOptions(env: NodeJS.ProcessEnv): PowerOptions {
  const supplyDir = env['CONTEXTKIT_POWER_SUPPLY_DIR'] ?? '';
  return supplyDir === '' ? {} : { supplyDir };
}

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
  const { processes = 0, cacheMb = 2_048, log = () => undefined, ...rest } = options;
  const { cpuPercent = 100, onBattery = 'continue', memoryMb = 0, ...settings } = rest;
  const power = { ...powerOptions(settings.env ?? process.env), ...settings.power };
  const listeners = new Set<() => Promise<void>>();
  const paceListeners = new Set<(event: 'hold' | 'retry') => void>();
  let state: ModelState | null = null;
  let current: Promise<EmbeddingParts | null> | undefined;
  /** Of the models that are open. */
  const embedders = new Set<Embedder>();
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const politeness = createPoliteness({
    onBattery,
    power,
    everyMs: power.everyMs,
    isWanted: () => [...embedders].some((each) => each.isWanted),
    onHold() {
      embedders.forEach(keepPace);
      tellPace('hold');
    },
    log,
  });
  const tellPace = (event: 'hold' | 'retry'): void => paceListeners.forEach((listener) => listener(event));

  /** Infinity where all of the machine may be taken, which needs no counting. */
  function coresNow(): number {
    const share = (cpuPercent / 100) * (politeness.hold?.level === 'slow' ? slowShare : 1);
    return share >= 1 ? Infinity : share * availableParallelism();
  }

  function keepPace(of: Embedder): void {
    of.setCores(coresNow());
    if (politeness.hold?.level === 'pause') of.pause();
    else of.resume();
  }

  const cacheDir = (): string => settings.cacheDir ?? cacheFolder(settings.env);

  function retry(): void {
    clearTimeout(retryTimer);
    for (const each of embedders) each.retry();
    tellPace('retry');
  }

  /** After an outage: when its time has come, or sooner when somebody has found that embedding works. */
  function retryLater(ms: number | null): void {
    clearTimeout(retryTimer);
    const [mark, startedAt] = [readRetryMark(cacheDir()), performance.now()];
    const look = (): void => {
      if (readRetryMark(cacheDir()) !== mark) retry();
      else if (ms !== null && performance.now() - startedAt >= ms) tellPace('retry');
      else retryTimer = setTimeout(look, markEveryMs).unref();
    };
    retryTimer = setTimeout(look, markEveryMs).unref();
  }

  async function openParts(model: ReadyModel): Promise<EmbeddingParts> {
    const cache = await openEmbeddingCache({
      cacheDir: cacheDir(),
      model: { fingerprint: model.fingerprint, dimensions: model.spec.dimensions },
      maxBytes: cacheMb * bytesPerMb,
      log,
    });
    const embedder = createEmbedPool({
      model,
      assetsDir,
      processes: processes || defaultProcesses(),
      cores: coresNow(),
      memory: { ceilingBytes: memoryMb === 0 ? Infinity : memoryMb * bytesPerMb },
      onOutage: retryLater,
      onMemory: (isShort) => politeness.memory(isShort),
      log,
    });
    embedders.add(embedder);
    politeness.follow();
    keepPace(embedder);
    // Without a note it answers as well, but not beside a model that is wanted later.
    await rememberModel(cacheDir(), model).catch((error: unknown) =>
      log('model not noted', { reason: (error as Error).message }),
    );
    return { model, embedder, cache };
  }

  const models = createSharedModels(openParts, ({ embedder }) => embedders.delete(embedder));

  async function open(): Promise<EmbeddingParts | null> {
    state = withoutRuntime(await findModel(settings));
    return state.state === 'ready' ? models.take(state.model) : null;
  }

  return {
    get state() {
      return state;
    },
    get hold() {
      return politeness.hold;
    },
    get note() {
      return [...embedders].map(({ note }) => note).find((note) => note !== null) ?? null;
    },
    parts() {
      if (closed) return Promise.resolve(null);
      current ??= open().catch((error: unknown) => {
        current = undefined;
        throw error;
      });
      return current;
    },
    async earlier(fingerprint) {
      const missing = missingRuntime(assetsDir);
      if (missing !== null || closed) return { gone: missing?.message ?? 'embedding has ended' };
      // Also of one that is open: its next process would load whatever lies there now.
      const recalled = await recallModel(fingerprint, { cacheDir: cacheDir(), assetsDir });
      if ('gone' in recalled) return recalled;
      if (closed) return { gone: 'embedding has ended' };
      return { parts: await models.take(recalled.ready), giveBack: () => models.giveBack(fingerprint) };
    },
    async refresh() {
      const before = await current;
      const found = withoutRuntime(await findModel(settings));
      const isSame = found.state === 'ready' && found.model.fingerprint === before?.model.fingerprint;
      state = found;
      if (closed) return;
      if (isSame) {
        // Somebody brought it again: what could not be done with it may be possible now.
        retry();
        return;
      }
      current = undefined;
      await Promise.all([...listeners].map((listener) => listener()));
      if (before !== null && before !== undefined) await models.giveBack(before.model.fingerprint);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onPace(listener) {
      paceListeners.add(listener);
      return () => paceListeners.delete(listener);
    },
    pause: () => politeness.pause(),
    resume() {
      politeness.resume();
      retry();
    },
    typing: (starvedMs) => politeness.typing(starvedMs),
    async close() {
      if (closed) return;
      closed = true;
      clearTimeout(retryTimer);
      politeness.close();
      await models.close();
    },
  };
}
