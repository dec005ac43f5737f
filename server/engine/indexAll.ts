import { runIndexing, type IndexRunOptions, type RunCounts } from '../indexing/indexer.ts';
import { createProgressMeter } from './progress.ts';
import type { IndexPhase, IndexProgress, IndexReport } from './types.ts';

export interface IndexAllOptions extends Omit<IndexRunOptions, 'onCounts'> {
  /** The last one is `done`, whatever became of the run. */
  onProgress: (progress: IndexProgress) => void;
}

/** One index run over the whole folder, with progress and a report. */
export async function indexAll({ onProgress, ...options }: IndexAllOptions): Promise<IndexReport> {
  const { store, pool } = options;
  const started = performance.now();
  const meter = createProgressMeter();
  let counts: RunCounts | undefined;
  const tell = (phase: IndexPhase): void => {
    if (counts === undefined) return;
    const { filesDone, filesSeen, chunks } = counts;
    onProgress(meter.measure({ phase, filesDone, filesTotal: filesSeen, chunks, slowFile: pool.slowFile() ?? null }));
  };
  try {
    const run = await runIndexing({
      ...options,
      onCounts: (now, phase) => {
        counts = now;
        tell(phase);
      },
    });
    const { files, chunks, symbols } = await store.counts();
    const { added, changed, removed, unchanged, filesRead, filesParsed } = run.counts;
    const durationMs = Math.round(performance.now() - started);
    const done = { added, changed, removed, unchanged, filesRead, filesParsed };
    return { files, chunks, symbols, ...done, skipped: run.skipped, durationMs };
  } finally {
    // Also after a run that was stopped; nobody waits for it.
    void pool.rest();
    tell('done');
  }
}
