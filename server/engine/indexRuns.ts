import { AppError } from '../../core/errors.ts';
import type { DiscoveryBatch } from '../indexing/discovery/discover.ts';
import { askedSeldom } from '../indexing/discovery/gitIgnoreConfig.ts';
import type { ParsePool } from '../indexing/parsePool.ts';
import { updatePaths } from '../indexing/updatePaths.ts';
import type { Store } from '../store/index.ts';
import type { CheckoutKeeper } from './checkoutKeeper.ts';
import type { HistoryKeeper } from './historyKeeper.ts';
import { indexAll } from './indexAll.ts';
import { createSharedRun } from './sharedRun.ts';
import type { Engine, EngineSettings, IndexProgress, IndexReport, UpdateReport } from './types.ts';

export interface IndexRunsOptions {
  root: string;
  indexDir: string;
  settings: EngineSettings;
  store: Store;
  pool: () => ParsePool;
  discover: (signal: AbortSignal) => AsyncIterable<DiscoveryBatch>;
  history: HistoryKeeper;
  /** Undefined where a difference of commits is not worth following. */
  checkout: CheckoutKeeper | undefined;
  assertOpen: () => void;
  onNotes: (notes: readonly string[]) => void;
  onProgress: (progress: IndexProgress) => void;
  /** These files were indexed (all that differed, if none are named). */
  onIndexed: (paths?: readonly string[]) => void;
}

/** All that brings the index up to date; one whole run at a time. */
export interface IndexRuns extends Pick<Engine, 'update' | 'followHead'> {
  index(options: { signal: AbortSignal | undefined; force: boolean }): Promise<IndexReport>;
  assertWriter(): void;
  readonly running: boolean;
  stop(): Promise<void>;
}

/** What a whole run did, told as what an update did. */
const countsOf = ({ added, changed, unchanged, skipped, filesRead, filesParsed }: IndexReport) => ({
  skipped,
  filesLookedAt: added + changed + unchanged,
  filesRead,
  filesParsed,
});

export function createIndexRuns(options: IndexRunsOptions): IndexRuns {
  const { root, indexDir, settings, store, pool, history, checkout, onIndexed } = options;
  const readGitConfig = askedSeldom();
  let forceNext = false;

  const shared = createSharedRun(async (signal) => {
    const force = forceNext;
    forceNext = false;
    void history.refresh();
    const isThrough = checkout?.look();
    const report = await indexAll({
      store,
      pool: pool(),
      discover: () => options.discover(signal),
      signal,
      force,
      onNotes: options.onNotes,
      onProgress: options.onProgress,
    });
    await isThrough?.();
    return report;
  });

  function assertWriter(): void {
    if (store.role === 'writer') return;
    throw new AppError('index_locked', 'another process is writing this index', {
      hint: 'Wait for it, or ask: answers come from what it has written.',
      details: { writer: store.writer },
    });
  }

  async function becomeWriter(): Promise<void> {
    options.assertOpen();
    if (store.role === 'reader') await store.tryBecomeWriter();
    assertWriter();
  }

  /** A look at the whole folder, told as an update. */
  async function rescan(signal: AbortSignal | undefined, started: number): Promise<UpdateReport> {
    const before = new Set(await store.paths());
    const report = await shared.join(signal);
    const after = await store.paths();
    const now = new Set(after);
    onIndexed();
    return {
      indexed: after.filter((each) => !before.has(each)),
      removed: [...before].filter((each) => !now.has(each)),
      ...countsOf(report),
      durationMs: performance.now() - started,
    };
  }

  async function updateOnly(paths: readonly string[], signal: AbortSignal | undefined): Promise<UpdateReport> {
    const started = performance.now();
    const done = await updatePaths({ root, indexDir, settings, store, pool: pool(), readGitConfig, paths, signal });
    if (done.kind === 'rescan') return rescan(signal, started);
    const { indexed, removed } = done.changes;
    if (indexed.length > 0 || removed.length > 0) onIndexed(indexed);
    return { ...done.changes, durationMs: performance.now() - started };
  }

  return {
    assertWriter,
    get running() {
      return shared.running;
    },
    stop: () => shared.stop(),

    async index({ signal, force }) {
      await becomeWriter();
      forceNext ||= force;
      try {
        return await shared.join(signal);
      } finally {
        onIndexed();
      }
    },

    async update(paths, { signal } = {}) {
      await becomeWriter();
      history.refreshSometimes();
      checkout?.touched(paths);
      return updateOnly(paths, signal);
    },

    async followHead({ signal } = {}) {
      await becomeWriter();
      const moved = (await checkout?.moved(signal)) ?? null;
      if (moved === null) return rescan(signal, performance.now());
      void history.refresh();
      const report = await updateOnly(moved.paths, signal);
      moved.done();
      return report;
    },
  };
}
