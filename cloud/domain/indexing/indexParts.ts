import type { BlobStore } from '../../ports/blobStore.ts';
import type { Database } from '../../ports/database.ts';
import type { Embedder } from '../../ports/embedder.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { SourceAnalyzer } from '../../ports/sourceAnalyzer.ts';
import type { VectorStore } from '../../ports/vectorStore.ts';

/** What the index service stands on. */
export interface IndexParts {
  database: Database;
  blobs: BlobStore;
  vectors: VectorStore;
  analyzer: SourceAnalyzer;
  /** For projects whose clients send no vectors; undefined: these are searched by words. */
  embedder: Embedder | undefined;
  metrics: Metrics;
  log: Log;
  /** What no revision holds is removed so long after somebody counted on it last. */
  garbageAfterMs: number;
  /** A job may be due: workers of this server need not wait for their next look. */
  wakeWorkers: () => void;
}

/** All blobs of a project. */
export const projectFolder = (projectId: string): string => `projects/${projectId}/`;

/** All snapshots of a project; below it a folder for each, and in that one for each try to make it. */
export const snapshotsFolder = (projectId: string): string => `${projectFolder(projectId)}snapshots/`;

/** The blob of a text. */
export const contentPath = (projectId: string, hash: string): string => `${projectFolder(projectId)}files/${hash}`;
