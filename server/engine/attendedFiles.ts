import type { ParsePool } from '../indexing/parsePool.ts';
import { sameStamp } from '../indexing/indexer.ts';
import type { Store } from '../store/index.ts';
import type { FileStamp } from '../store/types.ts';

export interface AttendedFilesOptions {
  store: Store;
  pool: () => ParsePool;
  /** True while an index run goes on. */
  isIndexing: () => boolean;
  /** From the end of an index run until files are parsed. */
  startMs?: number;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** The files before the user's eyes: the next one to be saved is one of them. */
export interface AttendedFiles {
  attend(paths: readonly string[]): void;
  /** An index run has ended. */
  indexed(): void;
  /** These were saved, and the parser has seen them for it. */
  saved(paths: readonly string[]): void;
  /** Resolves when the parser has seen what it is to see. Never rejects. */
  settled(): Promise<void>;
  /** Nothing is begun any more, and what fails from now on fails for that. */
  close(): void;
}

/** What an editor shows side by side, and what was shown shortly before. */
const mostFiles = 8;
/** After a start the first question comes first; nobody saves a file so soon. */
const defaultStartMs = 2_000;

/**
 * Has the parser ready for the next save: its thread is there, the grammar is loaded and compiled, and the tree of the
 * file is kept, so that only what was changed is parsed.
 */
export function createAttendedFiles({
  store,
  pool,
  isIndexing,
  startMs = defaultStartMs,
  log,
}: AttendedFilesOptions): AttendedFiles {
  /** Newest last; the stamp with which the parser has seen the file, if it has. */
  const files = new Map<string, FileStamp | null>();
  /** Of those, the ones whose stamp changed when they were saved. */
  const saved = new Set<string>();
  let preparing: Promise<void> = Promise.resolve();
  let closed = false;
  let start: NodeJS.Timeout | undefined;

  async function parseUnseen(): Promise<void> {
    if (closed || store.role !== 'writer') return;
    const known = await store.knownPaths([...files.keys()]);
    for (const { path, file } of known) if (file !== null && saved.delete(path)) files.set(path, file);
    // Only what is indexed: what is ignored or hidden is not looked at.
    const unseen = known.flatMap(({ path, file }) => {
      const seen = files.get(path) ?? null;
      return file === null || (seen !== null && sameStamp(seen, file)) ? [] : [{ path, file }];
    });
    // After a run one thread is left, and this is the one that saved files go to; during it there is enough to do.
    if (closed || isIndexing() || unseen.length === 0) return;
    for (const { path, file } of unseen) if (files.has(path)) files.set(path, file);
    const requests = unseen.map(({ path, file }) => ({ path, stamp: file, knownHash: null }));
    await pool().parse(requests, { keepTrees: true });
  }

  function prepare(): void {
    preparing = preparing.then(parseUnseen).catch((error: unknown) => {
      // Saved files are parsed as a whole then.
      if (!closed) log('open files could not be prepared', { message: String(error) });
    });
  }

  return {
    attend(paths) {
      for (const each of paths) {
        const seen = files.get(each) ?? null;
        files.delete(each);
        files.set(each, seen);
      }
      for (const oldest of files.keys()) {
        if (files.size <= mostFiles) break;
        files.delete(oldest);
        saved.delete(oldest);
      }
      prepare();
    },
    indexed() {
      clearTimeout(start);
      start = setTimeout(prepare, startMs);
      start.unref();
    },
    saved(paths) {
      for (const each of paths) if (files.has(each)) saved.add(each);
    },
    settled: () => preparing,
    close() {
      closed = true;
      clearTimeout(start);
    },
  };
}
