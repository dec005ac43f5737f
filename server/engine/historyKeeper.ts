import { isAppError } from '../../core/errors.ts';
import type { HistorySource } from '../history/gitHistory.ts';
import type { Store } from '../store/index.ts';

export interface HistoryKeeper {
  /** Reads what is new unless that is going on already; never rejects. */
  refresh(): Promise<void>;
  /** The same, but not twice within half a minute: for events that come often and seldom mean a commit. */
  refreshSometimes(): void;
  /** Why the history is not used or may be old; null when all is well, and where there simply is none. */
  readonly note: string | null;
  /** Resolves when no read is going on. */
  settled(): Promise<void>;
  /** Waits for a read that is going on, a few seconds at most. */
  close(): Promise<void>;
}

const betweenLooksMs = 30_000;
const graceMs = 5_000;

/** Keeps the history in the store at what is checked out. It runs beside everything else and holds nothing up. */
export function createHistoryKeeper({
  store,
  source,
  log,
}: {
  store: Store;
  source: HistorySource;
  log: (event: string, fields: Record<string, unknown>) => void;
}): HistoryKeeper {
  const abort = new AbortController();
  let running: Promise<void> | undefined;
  let lookedAt = -Infinity;
  let note: string | null = null;

  async function bringUpToDate(): Promise<void> {
    const known = await store.history();
    const update = await source.read(known, abort.signal);
    note = update.kind === 'none' ? (update.note ?? null) : null;
    if (update.kind === 'unchanged' || (update.kind === 'none' && known === null)) return;
    await store.putHistory(update.kind === 'none' ? null : update);
    log('history read', { kind: update.kind, commits: update.kind === 'none' ? 0 : update.commits.length });
  }

  /** Answers do without: what went wrong is told by the status. A bug is told as well, and by the log. */
  function noteFailure(error: unknown): void {
    if (abort.signal.aborted) return;
    const { message } = error as Error;
    note = isAppError(error) ? message : `the git history could not be read: ${message}`;
    log('history failed', { message });
  }

  function refresh(): Promise<void> {
    if (abort.signal.aborted) return Promise.resolve();
    lookedAt = performance.now();
    running ??= bringUpToDate()
      .catch(noteFailure)
      .finally(() => (running = undefined));
    return running;
  }

  return {
    refresh,
    refreshSometimes() {
      if (performance.now() - lookedAt > betweenLooksMs) void refresh();
    },
    get note() {
      return note;
    },
    async settled() {
      await running;
    },
    async close() {
      const timer = setTimeout(() => abort.abort(), graceMs);
      await running;
      clearTimeout(timer);
      abort.abort();
    },
  };
}
