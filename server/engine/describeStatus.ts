import type { Store } from '../store/index.ts';
import type { EngineStatus, IndexProgress, VectorStatus, WeightsReport } from './types.ts';

export interface StatusParts {
  root: string;
  indexDir: string;
  store: Store;
  running: boolean;
  progress: IndexProgress | null;
  vectors: VectorStatus;
  weights: WeightsReport;
  /** What workers reported, e.g. a grammar that cannot be loaded. */
  notes: readonly string[];
}

function stateOf(running: boolean, counts: { files: number; lastIndexedAt: string | null }): EngineStatus['state'] {
  if (running) return 'indexing';
  return counts.files === 0 && counts.lastIndexedAt === null ? 'empty' : 'ready';
}

/** Everything the engine knows of its index, with each skipped path and its reason. */
export async function describeStatus({
  root,
  indexDir,
  store,
  running,
  progress,
  vectors,
  weights,
  notes,
}: StatusParts): Promise<EngineStatus> {
  const counts = await store.counts();
  const history = await store.history();
  const skipped = await store.skippedFiles();
  return {
    root,
    indexDir,
    role: store.role,
    state: stateOf(running, counts),
    files: counts.files,
    chunks: counts.chunks,
    symbols: counts.symbols,
    lines: counts.lines,
    languages: counts.languages,
    skipped: skipped.map(({ path, reason, detail }) => ({ path, reason, detail })),
    truncatedChunks: counts.truncatedChunks,
    filesWithSyntaxErrors: counts.filesWithSyntaxErrors,
    diskBytes: counts.diskBytes,
    generation: counts.generation,
    lastIndexedAt: counts.lastIndexedAt,
    history: history === null ? null : { commits: history.commits, head: history.head },
    vectors,
    weights,
    repairs: [...store.repairs, ...notes],
    progress,
    writer: store.writer,
  };
}
