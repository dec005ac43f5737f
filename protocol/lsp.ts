import * as z from 'zod';
import { budgetLimits, packFormats, packModes } from './settings.ts';

/** For those who handle messages without knowing zod. */
export type Schema = z.ZodType;
export type Received<S extends Schema> = z.output<S>;
export type Sent<S extends Schema> = z.input<S>;

/** A custom message of the language server: its method and the shapes of both ways. */
export interface Message<Params extends z.ZodType, Result extends z.ZodType> {
  method: string;
  params: Params;
  result: Result;
}

function message<Params extends z.ZodType, Result extends z.ZodType>(
  method: string,
  params: Params,
  result: Result,
): Message<Params, Result> {
  return { method, params, result };
}

const count = z.number().int().min(0);
const line = z.number().int().min(1);

/** A range of an answer. `uri` is what the editor opens, `path` what people read. */
const selectedRange = z.object({
  uri: z.string(),
  path: z.string(),
  folder: z.string(),
  startLine: line,
  endLine: line,
  language: z.string(),
  scope: z.string(),
  content: z.string(),
  tokens: count,
  score: z.number(),
  symbols: z.array(z.string()),
});

const selectResult = z.object({
  context: z.string(),
  ranges: z.array(selectedRange),
  tokensUsed: count,
  budget: count,
  filesIncluded: count,
  leftOut: count,
  processingMs: z.number(),
  partial: z.boolean(),
  /** Vectors took part in the ranking. */
  byMeaning: z.boolean(),
});

const skipped = z.object({ path: z.string(), reason: z.string(), detail: z.string() });

const progress = z.object({
  phase: z.enum(['discovering', 'indexing', 'saving', 'done']),
  filesDone: count,
  filesTotal: count,
  chunks: count,
  filesPerSecond: z.number(),
  etaSeconds: z.number().nullable(),
  slowFile: z.string().nullable(),
});

const embeddingHold = z.object({
  reason: z.enum(['user', 'battery', 'typing', 'memory']),
  level: z.enum(['pause', 'slow']),
});

/** How far a folder is embedded, or why it is not. */
const vectorStatus = z.object({
  state: z.enum(['off', 'starting', 'no_model', 'embedding', 'paused', 'ready', 'stopped', 'failed']),
  model: z.string().nullable(),
  /** Answers while `model` is not ready. */
  answering: z.string().nullable(),
  reason: z.string().nullable(),
  nextStep: z.string().nullable(),
  embedded: count,
  chunks: count,
  failed: count,
  etaSeconds: z.number().nullable(),
  /** Why embedding is paused or slowed down. */
  hold: embeddingHold.nullable(),
});

/** Which weights the answers of a folder are ranked with. */
const weightsReport = z.object({
  inForce: z.enum(['default', 'set', 'tuned']),
  unused: z.string().nullable(),
  nextStep: z.string().nullable(),
});

const folderStatus = z.object({
  name: z.string(),
  root: z.string(),
  indexDir: z.string(),
  state: z.enum(['empty', 'indexing', 'ready', 'damaged', 'failed']),
  problem: z.string().nullable(),
  hint: z.string().nullable(),
  files: count,
  chunks: count,
  symbols: count,
  lines: count,
  languages: z.array(z.object({ language: z.string(), files: count })),
  skipped: z.array(skipped),
  repairs: z.array(z.string()),
  diskBytes: count,
  vectors: vectorStatus,
  weights: weightsReport,
  lastIndexedAt: z.string().nullable(),
  progress: progress.nullable(),
});

/** The embedding model: where it is, or why there is none. */
const modelState = z.object({
  state: z.enum(['ready', 'missing', 'unusable', 'downloading']),
  id: z.string(),
  /** Where it was found; null unless it is ready. */
  from: z.enum(['directory', 'package', 'cache']).nullable(),
  dir: z.string().nullable(),
  dimensions: count.nullable(),
  bytes: count.nullable(),
  /** Why it cannot be used, and what the user can do; null when it is ready. */
  reason: z.string().nullable(),
  nextStep: z.string().nullable(),
  /** What a download would fetch, where known. */
  downloadBytes: count.nullable(),
});

/** The right code for a question, packed into a budget, over all workspace folders. */
export const selectMessage = message(
  'contextkit/select',
  z.strictObject({
    query: z.string(),
    budget: z.number().int().min(budgetLimits.least).max(budgetLimits.most).optional(),
    format: z.enum(packFormats).optional(),
    mode: z.enum(packModes).optional(),
    /** False asks for what words alone find, at once. */
    byMeaning: z.boolean().optional(),
  }),
  selectResult,
);

/** Brings every folder up to date; resolves when all are. */
export const indexMessage = message(
  'contextkit/index',
  z.strictObject({ force: z.boolean().optional() }),
  z.object({
    files: count,
    chunks: count,
    added: count,
    changed: count,
    removed: count,
    skipped: count,
    durationMs: z.number(),
  }),
);

/** Everything known of every folder, with each skipped path. */
export const statusMessage = message(
  'contextkit/status',
  z.strictObject({}),
  z.object({
    folders: z.array(folderStatus),
    /** Null when embeddings are switched off. */
    model: modelState.nullable(),
  }),
);

/** The embedding model, looked for anew; null when embeddings are switched off. */
export const modelMessage = message('contextkit/model', z.strictObject({}), z.object({ model: modelState.nullable() }));

/** Brings the embedding model into the cache; cancelled, it keeps what came so far. */
export const downloadModelMessage = message(
  'contextkit/downloadModel',
  z.strictObject({
    /** Base address of the hub; '' for the usual one. */
    url: z.string().default(''),
    proxy: z.string().default(''),
    noProxy: z.array(z.string()).default([]),
    /** A file with certificates in PEM form. */
    certificates: z.string().default(''),
  }),
  z.object({ model: modelState }),
);

/** Copies the embedding model of a folder into the cache. */
export const importModelMessage = message(
  'contextkit/importModel',
  z.strictObject({ dir: z.string().min(1) }),
  z.object({ model: modelState }),
);

/** Holds the embedding back that nobody waits for, or lets it go on. */
export const pauseMessage = message('contextkit/pause', z.strictObject({ paused: z.boolean() }), z.object({}));

/** Sent by the client: while somebody typed, the editor got no processor for so many ms of a second. */
export const typingNotification = message(
  'contextkit/typing',
  z.strictObject({ starvedMs: z.number().min(0).max(60_000) }),
  z.void(),
);

/** Sent by the client: these files are before the user's eyes, and are embedded first. */
export const attendNotification = message('contextkit/attend', z.strictObject({ uris: z.array(z.string()) }), z.void());

/** Sent by the server while it downloads, at most ten times a second. */
export const downloadNotification = message(
  'contextkit/downloadProgress',
  z.object({
    phase: z.enum(['waiting', 'downloading', 'retrying', 'checking', 'done']),
    file: z.string(),
    bytesDone: count,
    bytesTotal: count.nullable(),
    bytesPerSecond: z.number(),
    etaSeconds: z.number().nullable(),
    note: z.string().nullable(),
  }),
  z.void(),
);

/** Sent by the server while it indexes, at most ten times a second. */
export const progressNotification = message(
  'contextkit/progress',
  z.object({ folder: z.string(), progress }),
  z.void(),
);

/** Sent by the server when counts or problems of a folder have changed. */
export const stateNotification = message(
  'contextkit/state',
  z.object({ folders: z.array(folderStatus.omit({ skipped: true }).extend({ skippedCount: count })) }),
  z.void(),
);

/** What the client says when it starts the server. */
export const initializationOptions = z.object({
  settings: z.record(z.string(), z.unknown()).default({}),
  /** Whether the user trusts the workspace: only then it may name an embedding model. */
  trusted: z.boolean().default(false),
});

export type EmbeddingHold = z.output<typeof embeddingHold>;
export type SelectParams = z.output<typeof selectMessage.params>;
export type SelectAnswer = z.output<typeof selectMessage.result>;
export type SelectedRange = z.output<typeof selectedRange>;
export type IndexAnswer = z.output<typeof indexMessage.result>;
export type StatusAnswer = z.output<typeof statusMessage.result>;
export type FolderStatus = z.output<typeof folderStatus>;
export type FolderState = z.output<typeof stateNotification.params>['folders'][number];
export type ModelState = z.output<typeof modelState>;
export type DownloadParams = z.input<typeof downloadModelMessage.params>;
export type DownloadProgressParams = z.output<typeof downloadNotification.params>;
export type ProgressParams = z.output<typeof progressNotification.params>;

/** LSP error codes of planned failures; `data` then holds { code, hint }. */
export const plannedFailure = -32001;
export const failureData = z.object({ code: z.string(), hint: z.string().optional() });
