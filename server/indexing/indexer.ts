import { setTimeout as sleep } from 'node:timers/promises';
import type { SkippedRecord, FileStamp } from '../store/types.ts';
import type { Store } from '../store/index.ts';
import type { DiscoveredFile, DiscoveryBatch } from './discovery/discover.ts';
import { createTwinFinder } from './findTwins.ts';
import type { ParseOutcome, ParseRequest } from './parseProtocol.ts';
import type { ParsePool } from './parsePool.ts';

/** What one run has seen so far; the numbers behind progress and report. */
export interface RunCounts {
  filesSeen: number;
  filesDone: number;
  filesRead: number;
  /** Of those, the ones whose text was taken apart: neither known nor the copy of a known one. */
  filesParsed: number;
  chunks: number;
  added: number;
  changed: number;
  removed: number;
  unchanged: number;
}

export interface IndexRunOptions {
  store: Store;
  pool: ParsePool;
  discover: () => AsyncIterable<DiscoveryBatch>;
  signal: AbortSignal;
  force: boolean;
  onCounts: (counts: RunCounts, phase: 'discovering' | 'indexing' | 'saving') => void;
  onNotes: (notes: readonly string[]) => void;
}

/** Bytes and files of a batch: large enough that messages cost little, small enough for progress and cancel. */
const batchBytes = 384 * 1024;
const batchFiles = 32;
/** Batches in flight for each parse worker; bounds memory. */
const inFlight = 6;

export const sameStamp = (a: FileStamp, b: FileStamp): boolean =>
  a.size === b.size && a.mtimeMs === b.mtimeMs && a.inode === b.inode;

/**
 * One pass over the workspace: discover, compare stamps, analyse what differs, remove what is gone.
 * A file whose stamp is known is not opened. Stopped by the signal it keeps what is done and removes nothing.
 */
export async function runIndexing(options: IndexRunOptions): Promise<{ counts: RunCounts; skipped: SkippedRecord[] }> {
  const { store, pool, signal, force } = options;
  const counts: RunCounts = {
    filesSeen: 0,
    filesDone: 0,
    filesRead: 0,
    filesParsed: 0,
    chunks: 0,
    added: 0,
    changed: 0,
    removed: 0,
    unchanged: 0,
  };
  const known = new Map((await store.knownFiles()).map((file) => [file.path, file]));
  const skippedBefore = new Map((await store.skippedFiles()).map((record) => [record.path, record]));
  const twinsOf = createTwinFinder(known.values());
  const seen = new Set<string>();
  const skipped: SkippedRecord[] = [];
  const running = new Set<Promise<void>>();
  let phase: 'discovering' | 'indexing' = 'discovering';
  let failure: Error | undefined;
  let batch: ParseRequest[] = [];
  let bytes = 0;
  const waiting: ParseRequest[][] = [];

  const settle = async (outcomes: readonly ParseOutcome[]): Promise<void> => {
    const analyzed = outcomes.flatMap((outcome) => (outcome.kind === 'analyzed' ? [outcome.file] : []));
    const touched = outcomes.flatMap((outcome) =>
      outcome.kind === 'same' ? [{ path: outcome.path, ...outcome.stamp }] : [],
    );
    for (const outcome of outcomes) if (outcome.kind === 'skipped') skipped.push(outcome.record);
    for (const outcome of outcomes)
      if (outcome.kind === 'analyzed' && outcome.notes.length > 0) options.onNotes(outcome.notes);
    const copies = outcomes.flatMap((outcome) => (outcome.kind === 'copy' ? [outcome.copy] : []));
    const missed = copies.length > 0 ? await store.copy(copies) : [];
    // What they were copies of has changed meanwhile.
    if (missed.length > 0)
      start(
        missed.map(({ path, size, mtimeMs, inode }) => ({ path, stamp: { size, mtimeMs, inode }, knownHash: null })),
      );
    counts.filesDone += outcomes.length - missed.length;
    counts.filesRead += outcomes.length;
    counts.filesParsed += analyzed.length;
    counts.added += copies.length - missed.length;
    counts.unchanged += touched.length;
    for (const file of analyzed) {
      counts.chunks += file.chunkCount;
      if (known.has(file.path)) counts.changed++;
      else counts.added++;
    }
    options.onCounts(counts, phase);
    if (analyzed.length > 0) await store.put(analyzed);
    if (touched.length > 0) await store.touch(touched);
  };

  const start = (files: ParseRequest[]): void => {
    const work: Promise<void> = pool
      .parse(files)
      .then(async (outcomes) => {
        if (!signal.aborted) await settle(outcomes);
      })
      .catch((error: unknown) => {
        failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        running.delete(work);
        pump();
      });
    running.add(work);
  };

  /** Only so many batches are read at a time; the walk goes on meanwhile, so that the total is known early. */
  const pump = (): void => {
    while (running.size < inFlight && waiting.length > 0 && failure === undefined && !signal.aborted)
      start(waiting.shift()!);
  };

  const flush = (): void => {
    if (batch.length === 0) return;
    waiting.push(batch);
    batch = [];
    bytes = 0;
    pump();
  };

  const take = (file: DiscoveredFile): void => {
    seen.add(file.path);
    counts.filesSeen++;
    const before = known.get(file.path);
    const left = skippedBefore.get(file.path);
    if (!force && before !== undefined && sameStamp(before, file)) {
      counts.filesDone++;
      counts.unchanged++;
      return;
    }
    if (!force && left !== undefined && sameStamp(left, file) && remembered(left)) {
      counts.filesDone++;
      skipped.push(left);
      return;
    }
    const { size, mtimeMs, inode } = file;
    const twins = force || before !== undefined ? [] : twinsOf(file);
    batch.push({
      path: file.path,
      stamp: { size, mtimeMs, inode },
      knownHash: force ? null : (before?.hash ?? null),
      ...(twins.length > 0 ? { twins } : {}),
    });
    bytes += size;
    if (batch.length >= batchFiles || bytes >= batchBytes) flush();
  };

  try {
    for await (const found of options.discover()) {
      signal.throwIfAborted();
      skipped.push(...found.skipped);
      if (failure !== undefined) throw failure;
      for (const file of found.files) take(file);
      // The first batch goes out at once so that a first answer need not wait for the whole walk.
      if (running.size === 0) flush();
      options.onCounts(counts, phase);
    }
    flush();
    phase = 'indexing';
    while (running.size > 0) {
      await Promise.race([...running, sleep(100)]);
      signal.throwIfAborted();
      options.onCounts(counts, phase);
    }
    if (failure !== undefined) throw failure;
  } finally {
    // Never leave a write behind: the store is whole after each batch.
    await Promise.allSettled(running);
  }
  signal.throwIfAborted();
  const gone = [...known.keys()].filter((path) => !seen.has(path));
  const turned = skipped
    .filter((record) => known.has(record.path) && seen.has(record.path))
    .map((record) => record.path);
  const removed = [...new Set([...gone, ...turned])];
  counts.removed = removed.length;
  if (removed.length > 0) await store.remove(removed);
  const isAsBefore =
    counts.filesRead === 0 && removed.length === 0 && sameSkips(skipped, skippedBefore) && (await wasCompleted(store));
  // The index on disk is written whole: not for nothing.
  if (isAsBefore) return { counts, skipped };
  options.onCounts(counts, 'saving');
  // The store takes much memory for a moment: not on top of that of workers that have nothing to do any more.
  await pool.rest();
  await store.replaceSkipped(skipped);
  await store.markComplete();
  return { counts, skipped };
}

const wasCompleted = async (store: Store): Promise<boolean> => (await store.counts()).generation > 0;

export const sameSkip = (a: SkippedRecord, b: SkippedRecord): boolean =>
  sameStamp(a, b) && a.reason === b.reason && a.detail === b.detail;

function sameSkips(now: readonly SkippedRecord[], before: ReadonlyMap<string, SkippedRecord>): boolean {
  return (
    now.length === before.size &&
    now.every((record) => {
      const known = before.get(record.path);
      return known !== undefined && sameSkip(known, record);
    })
  );
}

/** Reasons that were found by reading the file: with an equal stamp they still hold. */
function remembered({ reason }: SkippedRecord): boolean {
  return (
    reason === 'binary' ||
    reason === 'minified' ||
    reason === 'generated' ||
    reason === 'timeout' ||
    reason === 'crashed'
  );
}
