import type { Context } from 'hono';
import type { Caller } from '../domain/caller.ts';
import type { ContextService } from '../domain/context/contextService.ts';
import type { Environment } from '../domain/keys/keyFormat.ts';
import type { RequestLimits } from '../domain/limits/requestLimits.ts';
import type { UsageRecorder } from '../domain/usage/usageRecorder.ts';
import type { BlobStore } from '../ports/blobStore.ts';
import type { Database } from '../ports/database.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { HostBytes } from '../ports/hostBytes.ts';
import type { IdentityProvider } from '../ports/identityProvider.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { SourceAnalyzer } from '../ports/sourceAnalyzer.ts';
import type { VectorStore } from '../ports/vectorStore.ts';

/** What the app is made of; each host brings its own. */
export interface AppParts {
  version: string;
  environment: Environment;
  bytes: HostBytes;
  database: Database;
  blobs: BlobStore;
  vectors: VectorStore;
  /** Undefined: vectors come from clients, or projects are searched by words. */
  embedder: Embedder | undefined;
  analyzer: SourceAnalyzer;
  context: ContextService;
  limits: RequestLimits;
  usage: UsageRecorder;
  metrics: Metrics;
  identityProvider: IdentityProvider;
  log: Log;
  /** What a request needs, by name: each resolves when it answers. */
  health: Record<string, () => Promise<void>>;
  /** No new requests are wanted: the server is about to end. */
  isDraining: () => boolean;
  /** Bodies larger than this are refused, in bytes. */
  maxBodyBytes: number;
  /** The same for what is to be indexed. */
  maxIndexBodyBytes: number;
  /** What no revision holds is removed so long after somebody counted on it last. */
  garbageAfterMs: number;
  /** A job of the index may be due. */
  wakeWorkers: () => void;
  /** Asked for in the header `Authorization: Bearer …` of /metrics; undefined: everybody may read it. */
  metricsToken: string | undefined;
}

export interface AppVariables {
  requestId: string;
  /** Set by authentication: there on every route below /v1 but the sign-in. */
  caller: Caller;
}

export interface AppEnv {
  Variables: AppVariables;
}

export type AppContext = Context<AppEnv>;
