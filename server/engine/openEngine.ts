import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { gitHistory, type HistorySource } from '../history/gitHistory.ts';
import { discoverFiles } from '../indexing/discovery/discover.ts';
import { createParsePool, type ParsePool } from '../indexing/parsePool.ts';
import { outdatedPaths } from '../indexing/outdatedPaths.ts';
import { growHeapsSlowly } from '../system/growHeapsSlowly.ts';
import { databaseName, openStore, type Store } from '../store/index.ts';
import { analysisVersion } from '../../core/records/analysisVersion.ts';
import { assetsDir } from './assets.ts';
import { createAnswers } from './answers.ts';
import { createAttendedFiles } from './attendedFiles.ts';
import { describeStatus } from './describeStatus.ts';
import { createHistoryKeeper } from './historyKeeper.ts';
import { openPacks } from './openPacks.ts';
import { createPackStore } from './packStore.ts';
import { createCheckoutKeeper } from './checkoutKeeper.ts';
import { createIndexRuns } from './indexRuns.ts';
import { createKeptSources } from './keptSources.ts';
import { createSourceReader } from './sourceReader.ts';
import { openTokenCounter, type TokenCounter } from '../tokens/tokenCounter.ts';
import { weightsOf, weightsReport } from './rankingWeights.ts';
import { createVectorKeeper } from './vectorKeeper.ts';
import type { Engine, EngineOptions, EngineSettings, IndexOptions, IndexProgress, VectorStatus } from './types.ts';

export const defaultSettings: EngineSettings = {
  maxFileKb: 1024,
  exclude: [],
  include: [],
  parseTimeoutMs: 10_000,
  ranking: {},
};

const defaultIndexFolder = '.contextkit';
const defaultTimeBoxMs = 1_000;
const maxParseWorkers = 4;

/** Before anything is written: an index folder made below a root that is not there would bring it to life. */
function assertFolder(root: string): void {
  const stats = statSync(root, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  const what = stats === undefined ? 'there is no such folder' : 'this is not a folder';
  throw new AppError('root_unreadable', `${what}: ${root}`, { hint: 'Give the folder to index.' });
}

/** The store, and with `preload` the token counter, which starts while the store is being read. */
async function openParts({
  indexDir,
  access = 'auto',
  preload = false,
  linkWaitMs,
  program,
  log,
}: EngineOptions & Required<Pick<EngineOptions, 'indexDir' | 'log'>>): Promise<{
  store: Store;
  counter: TokenCounter | undefined;
}> {
  // Not while everything is being indexed: its memory would come on top of the parsers'.
  const counter = preload && existsSync(path.join(indexDir, databaseName)) ? openTokenCounter(assetsDir) : undefined;
  try {
    const waits = {
      ...(linkWaitMs === undefined ? {} : { linkWaitMs }),
      ...(program === undefined ? {} : { program }),
    };
    return { store: await openStore({ indexDir, access, assetsDir, analysisVersion, ...waits, log }), counter };
  } catch (error) {
    await counter?.close();
    throw error;
  }
}

/** Opens the index of a workspace folder. Nothing is indexed yet: call `index()`. */
export async function openEngine(options: EngineOptions & { history?: HistorySource }): Promise<Engine> {
  const root = path.resolve(options.root);
  assertFolder(root);
  const indexDir = path.resolve(options.indexDir ?? path.join(root, defaultIndexFolder));
  const settings = { ...defaultSettings, ...options.settings };
  const log = options.log ?? (() => undefined);
  const { store, counter: preloaded } = await openParts({ ...options, indexDir, log });
  // Not before: what is read from the index is there to stay, and to look for garbage in it takes a tenth of the time.
  growHeapsSlowly();
  let counter = preloaded;

  let pool: ParsePool | undefined;
  let closing: Promise<void> | undefined;
  let latest: IndexProgress | null = null;
  const notes = new Set<string>();
  const listeners = new Set<(progress: IndexProgress) => void>();
  const background = new Set<Promise<unknown>>();

  const openPool = (): ParsePool =>
    (pool ??= createParsePool({
      assetsDir,
      root,
      workers: Math.max(1, options.parseWorkers ?? Math.min(maxParseWorkers, availableParallelism())),
      maxFileKb: settings.maxFileKb,
      parseTimeoutMs: settings.parseTimeoutMs,
      log,
    }));
  const openCounter = (): TokenCounter => (counter ??= openTokenCounter(assetsDir));
  const reader = createSourceReader({ root, maxFileKb: settings.maxFileKb, pool: openPool });
  const kept = createKeptSources({ root });
  const history = createHistoryKeeper({ store, source: options.history ?? gitHistory(root), log });
  const vectorListeners = new Set<(status: VectorStatus) => void>();
  const vectors = createVectorKeeper({
    store,
    root,
    maxFileKb: settings.maxFileKb,
    embeddings: options.embeddings,
    inBackground: options.embedInBackground ?? false,
    timeBoxMs: options.embedTimeBoxMs ?? defaultTimeBoxMs,
    isIndexing: () => runs.running,
    onStatus: (status) => vectorListeners.forEach((listener) => listener(status)),
    log,
  });
  const packs = createPackStore({ indexDir, log });
  const discover = (signal: AbortSignal) => discoverFiles({ root, indexDir, settings, signal });

  function assertOpen(): void {
    if (closing !== undefined) throw new AppError('cancelled', 'the engine is closed');
  }

  function publish(progress: IndexProgress): void {
    latest = progress.phase === 'done' ? null : progress;
    for (const listener of listeners) listener(progress);
  }

  const runs = createIndexRuns({
    root,
    indexDir,
    settings,
    store,
    pool: openPool,
    discover,
    history,
    checkout: options.follow === true ? createCheckoutKeeper({ root, log }) : undefined,
    assertOpen,
    onNotes: (found) => found.forEach((note) => notes.add(note)),
    onProgress: publish,
    onIndexed(paths) {
      vectors.refresh(paths);
      if (paths === undefined) attended.indexed();
      else attended.saved(paths);
    },
  });
  const attended = createAttendedFiles({ store, pool: openPool, isIndexing: () => runs.running, log });

  /** Files that an answer found changed are indexed again behind it. */
  function updateStale(paths: string[]): void {
    if (store.role !== 'writer' || runs.running) return;
    const work: Promise<unknown> = engine
      .update(paths)
      .catch((error: unknown) => log('stale files could not be updated', { error: String(error) }))
      .finally(() => background.delete(work));
    background.add(work);
  }

  const engine: Engine = {
    ...createAnswers({
      root,
      indexDir,
      settings,
      weights: weightsOf(settings.ranking),
      store,
      reader,
      kept,
      pool: openPool,
      counter: openCounter,
      packs,
      vectors,
      partial: () => runs.running,
      onStale: updateStale,
      assertOpen,
    }),
    packs: openPacks(packs),
    root,
    indexDir,
    get role() {
      return store.role;
    },

    async index({ signal, onProgress, force = false }: IndexOptions = {}) {
      const stop = onProgress === undefined ? undefined : engine.onProgress(onProgress);
      try {
        return await runs.index({ signal, force });
      } finally {
        stop?.();
      }
    },
    update: (paths, how) => runs.update(paths, how),
    followHead: (how) => runs.followHead(how),

    async refreshHistory() {
      assertOpen();
      runs.assertWriter();
      await history.refresh();
    },

    async outdated({ signal } = {}) {
      assertOpen();
      await store.refreshIfChanged();
      return outdatedPaths(store, () => discover(signal ?? new AbortController().signal), signal);
    },

    async paths() {
      assertOpen();
      await store.refreshIfChanged();
      return (await store.paths()).sort();
    },

    async status() {
      assertOpen();
      await store.refreshIfChanged();
      await vectors.look();
      return describeStatus({
        root,
        indexDir,
        store,
        running: runs.running,
        progress: latest,
        vectors: vectors.status(),
        weights: weightsReport(settings.ranking, vectors.answering),
        notes: [...notes, ...(history.note === null ? [] : [history.note])],
      });
    },

    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async embed({ signal, onProgress = () => undefined } = {}) {
      assertOpen();
      const stop = engine.onVectors(onProgress);
      await vectors.embedAll(signal).finally(stop);
      return vectors.status();
    },

    attend(paths) {
      vectors.attend(paths);
      attended.attend(paths);
    },

    foresee: (query) => vectors.foresee(query),

    onVectors(listener) {
      vectorListeners.add(listener);
      return () => vectorListeners.delete(listener);
    },

    async giveWay() {
      assertOpen();
      const isBusy = (): boolean => runs.running || background.size > 0;
      if (!isBusy()) await history.settled();
      return !isBusy() && store.giveWay();
    },

    close() {
      closing ??= (async () => {
        attended.close();
        await runs.stop();
        await vectors.close();
        await history.close();
        await Promise.allSettled(background);
        packs.flush();
        kept.clear();
        await pool?.close();
        await counter?.close();
        await store.close();
      })();
      return closing;
    },
  };
  return engine;
}
