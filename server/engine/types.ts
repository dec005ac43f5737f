import type { Embeddings } from './embeddings.ts';
import type { ChunkedBy, CodeSymbol, FileRole, LineRange, SkipReason } from '../../core/model.ts';
import type { GraphDirection } from '../../core/graph/callTree.ts';
import type { RankingOverrides } from '../../core/rank/tunableWeights.ts';
import type { RankingSettings, WeightsReport } from '../../core/rank/tunedWeights.ts';
import type { RankingWeights } from '../../core/rank/weights.ts';
import type { PackDifference } from '../../core/pack/comparePacks.ts';
import type { PackPart } from '../../core/pack/packParts.ts';
import type { ScorePart } from '../../core/rank/types.ts';
import type { NameMatch } from '../../core/symbols/matchName.ts';
import type { GraphAnswer, GraphEdge, GraphSymbol, ReferenceRow } from '../store/types.ts';

export type { GraphAnswer, GraphDirection, GraphEdge, GraphSymbol, NameMatch, ReferenceRow, ScorePart };
export type { PackDifference, PackPart };
export type { OnBattery } from './politeness.ts';
export type { RankingSettings, WeightsReport };

/** What a host may ask of the engine. `openEngine()` in ./index.ts is the only way to get one. */
export interface Engine {
  readonly root: string;
  readonly indexDir: string;
  /** 'writer' holds the lock; 'reader' answers from what the writer publishes. */
  readonly role: 'writer' | 'reader';

  /** Brings the whole index up to date. Concurrent calls share one run. */
  index(options?: IndexOptions): Promise<IndexReport>;
  /** These paths (relative, '/') were created, changed, deleted or renamed; resolves once they are searchable. */
  update(paths: readonly string[], options?: { signal?: AbortSignal }): Promise<UpdateReport>;
  /** Another commit was checked out: brings up to date what may differ by it, or everything where git cannot tell. */
  followHead(options?: { signal?: AbortSignal }): Promise<UpdateReport>;
  select(request: SelectRequest): Promise<SelectResult>;
  /** Ranked ranges only: no packing, no text. The batch mode of the CLI. */
  rank(query: string, options?: RankOptions): Promise<RankedRange[]>;
  symbols(request: SymbolRequest): Promise<FoundSymbol[]>;
  /** Who calls a definition, and what it calls. */
  graph(request: GraphRequest): Promise<GraphAnswer>;
  /** Where a definition is used: calls, types, values, imports. */
  references(request: ReferenceRequest): Promise<ReferenceAnswer>;
  readonly packs: Packs;
  /** Gives every chunk a vector; resolves when that is done. Rejects with `model_missing` or what else is in the way. */
  embed(options?: { signal?: AbortSignal; onProgress?: (status: VectorStatus) => void }): Promise<VectorStatus>;
  /** These files (relative, '/') are before the user's eyes: they get their vectors first. */
  attend(paths: readonly string[]): void;
  /** This question comes in a moment: its vector is made while something else is waited for. */
  foresee(query: string): void;
  /** Hears of vectors that are made, and why they are not. Returns the unsubscribe function. */
  onVectors(listener: (status: VectorStatus) => void): () => void;
  status(): Promise<EngineStatus>;
  why(path: string, query?: string): Promise<WhyReport>;
  /** Reads what git has that the index does not know yet; resolves once it counts. `index` starts this beside its run. */
  refreshHistory(): Promise<void>;
  /** Paths that are on disk otherwise than in the index: what `index` would look at, without changing anything. */
  outdated(options?: { signal?: AbortSignal }): Promise<string[]>;
  /** Every indexed file, sorted. */
  paths(): Promise<string[]>;
  /** Every progress event of this engine, also of runs that others started. Returns the unsubscribe function. */
  onProgress(listener: (progress: IndexProgress) => void): () => void;
  /**
   * Lets others write until `index` or `update` is called again: for a host that answers now and then and does not follow
   * the folder meanwhile. False while something is being indexed or linked; nothing to do for a reader.
   */
  giveWay(): Promise<boolean>;
  /** Writes what is not yet on disk, ends the workers, releases the lock. Idempotent. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Absolute path of the workspace folder. */
  root: string;
  /** Where index.db lives; default `<root>/.contextkit`. */
  indexDir?: string;
  /** 'write' fails with index_locked when somebody else writes; 'auto' then becomes a reader. Default 'auto'. */
  access?: 'auto' | 'write' | 'read';
  settings?: Partial<EngineSettings>;
  /** What people call the program that opens it: others that find the index locked are told. */
  program?: string;
  /** Loads what `select` needs while an index that exists is opened: for a process that starts in order to ask. */
  preload?: boolean;
  /**
   * How long an answer may wait, after a whole run, for finding out which files use which (milliseconds). By default as
   * long as it takes: then the same files give the same answer.
   */
  linkWaitMs?: number;
  /** The process stays and will call `followHead`: what is checked out is worth knowing. */
  follow?: boolean;
  /** Parse workers; default: cores, at least 1, at most 4. */
  parseWorkers?: number;
  /** The model that this folder is searched with besides words; shared by all folders of a host. None by default. */
  embeddings?: Embeddings;
  /** Chunks without a vector get one whenever there is time; else only what a question needs is embedded. */
  embedInBackground?: boolean;
  /** How long a question may wait for vectors of its best candidates, in ms; default 1,000, 0 for not at all. */
  embedTimeBoxMs?: number;
  /** Events and fields; never source text or queries. */
  log?: (event: string, fields: Record<string, unknown>) => void;
}

export interface EngineSettings {
  /** Larger files are not indexed. */
  maxFileKb: number;
  /** Extra ignore patterns (gitignore syntax), after every ignore file. */
  exclude: string[];
  /** Only these folders or globs (gitignore syntax); empty means all. */
  include: string[];
  parseTimeoutMs: number;
  /** Weights of the ranking that this repository sets for itself. */
  ranking: RankingSettings;
}

export interface RankOptions {
  /** Default 200. */
  limit?: number;
  /** Set on top of those of the settings. */
  ranking?: RankingOverrides;
  signal?: AbortSignal;
  /** Any weight of the ranking, in place of its own: for measuring what each is worth. */
  weights?: Partial<RankingWeights>;
}

export interface IndexOptions {
  signal?: AbortSignal;
  onProgress?: (progress: IndexProgress) => void;
  /** Read and parse everything again. */
  force?: boolean;
}

export type IndexPhase = 'discovering' | 'indexing' | 'saving' | 'done';

export interface IndexProgress {
  phase: IndexPhase;
  /** Files looked at so far / known so far; the total is exact once `phase` is 'indexing'. */
  filesDone: number;
  filesTotal: number;
  chunks: number;
  filesPerSecond: number;
  /** Seconds to the end, null while it cannot be said honestly. */
  etaSeconds: number | null;
  /** The file that has kept a worker busy for more than a second, if any. */
  slowFile: string | null;
}

export interface IndexReport {
  files: number;
  chunks: number;
  symbols: number;
  added: number;
  changed: number;
  removed: number;
  unchanged: number;
  skipped: SkippedFile[];
  durationMs: number;
  /** Files whose content was read in this run; 0 for an unchanged warm start. */
  filesRead: number;
  /** Of those, the ones that were taken apart: not those whose content the index has, under this path or another. */
  filesParsed: number;
}

export interface UpdateReport {
  indexed: string[];
  removed: string[];
  skipped: SkippedFile[];
  /** Paths whose stamps were asked for. */
  filesLookedAt: number;
  filesRead: number;
  filesParsed: number;
  durationMs: number;
}

export interface SkippedFile {
  path: string;
  reason: SkipReason;
  /** The rule and where it stands, a size, an error message. */
  detail: string;
}

export type PackFormat = 'markdown' | 'xml' | 'json' | 'plain';
export type PackMode = 'full' | 'map';

export interface SelectRequest {
  /** May be empty for a map: it then shows the whole. */
  query: string;
  /** o200k tokens; 500 to 100,000; default 8,000. The pack never exceeds it. */
  budget?: number;
  format?: PackFormat;
  mode?: PackMode;
  /** Only files under these folders or matching these globs (gitignore syntax). */
  sources?: string[];
  /** At most so many chunks in the pack. */
  limit?: number;
  explain?: boolean;
  /** False ranks by words alone, at once; by default vectors take part where there are any. */
  byMeaning?: boolean;
  /** Also what the chosen code calls and names by type: short definitions whole, others as signatures. */
  includeImports?: boolean;
  /** Ids of packs and of ranges (`SelectedChunk.id`) that the conversation holds: what has not changed is left out. */
  have?: string[];
  /** The same, remembered: everything that was given under this name before. */
  session?: string;
  signal?: AbortSignal;
}

export interface SelectResult {
  /** The pack, ready for a prompt, in the asked format. */
  context: string;
  chunks: SelectedChunk[];
  metadata: SelectMetadata;
}

export interface SelectedChunk extends LineRange {
  /** Place and digest of the content; for `SelectRequest.have`. */
  id: string;
  path: string;
  language: string;
  scope: string;
  content: string;
  score: number;
  /** o200k tokens of the content. */
  tokens: number;
  symbols: string[];
  /** Only with `explain`: named parts of the score, in the order they were applied. */
  parts?: ScorePart[];
}

export interface SelectMetadata {
  tokensUsed: number;
  budget: number;
  filesIncluded: number;
  /** Ranked ranges that did not fit the budget or the limit. */
  leftOut: number;
  /** Files that changed after they were indexed and were chunked again for this answer. */
  refreshed: string[];
  processingMs: number;
  /** True while an index run is going on: later answers may be better. */
  partial: boolean;
  /** True when vectors took part in the ranking. */
  byMeaning: boolean;
  /** Hex id of the pack's content, whatever the format: same input, same id. */
  packId: string;
  /** Ranked ranges that are left out because the conversation holds them, unchanged. */
  held: number;
  /** Ranges shown again because they have changed since the conversation got them. */
  renewed: number;
}

/** A pack as it is remembered: places and digests, no text. */
export interface PackManifest {
  id: string;
  mode: PackMode;
  format: PackFormat;
  budget: number;
  tokensUsed: number;
  /** ISO time. */
  savedAt: string;
  /** In the pack's own order, best file first. */
  parts: PackPart[];
}

/** What a conversation holds. */
export interface SavedSession {
  name: string;
  /** ISO time. */
  savedAt: string;
  /** Oldest first. */
  parts: PackPart[];
}

/** A pack by the id under which it is remembered (or the beginning of it), or as the text of a file that holds it. */
export type PackSource = { id: string } | { name: string; text: string };

export interface PackComparison extends PackDifference {
  first: { id: string; parts: number };
  second: { id: string; parts: number };
}

/** What is remembered of packs and conversations. */
export interface Packs {
  /** Latest first. */
  list(): PackManifest[];
  find(id: string): PackManifest;
  compare(first: PackSource, second: PackSource): PackComparison;
  /** Latest first. */
  sessions(): SavedSession[];
  /** False when there is no such session. */
  forget(session: string): boolean;
}

export interface RankedRange extends LineRange {
  path: string;
  score: number;
}

export interface SymbolRequest {
  name: string;
  /**
   * `exact`: the whole name, in any letter case. `prefix`: also names that begin with it. `any` (the default): also
   * beginnings of the name's words (`gUP` for getUrlParts), parts, names with a typo, and letters in order.
   */
  match?: 'exact' | 'prefix' | 'any';
  limit?: number;
}

export interface FoundSymbol extends CodeSymbol {
  path: string;
  match: NameMatch;
}

export interface GraphRequest {
  /** A name, or `Type.member`. */
  symbol: string;
  /** Only definitions in this file or folder. */
  path?: string;
  /** Hops, 1 to 10; default 1. */
  depth?: number;
  /** Default both. */
  direction?: GraphDirection;
  /** At most so many edges in each direction of a definition; default 200. */
  limit?: number;
}

export interface ReferenceRequest {
  /** A name, or `Type.member`. */
  symbol: string;
  /** Only definitions in this file or folder. */
  path?: string;
  /** At most so many references of a definition; default 200. */
  limit?: number;
  signal?: AbortSignal;
}

export interface ReferenceAnswer {
  /** One entry a definition of the name, source files first; so are its references. */
  definitions: {
    symbol: GraphSymbol;
    references: ReferenceRow[];
    /** How many there are, the limit aside: in all, in how many files, and of each kind. */
    total: number;
    files: number;
    kinds: Partial<Record<ReferenceRow['kind'], number>>;
  }[];
  /** Definitions of the name that are not answered, for there are too many. */
  more: number;
  /** Files that have changed since they were indexed: their references are left out. */
  changed: string[];
  /** Files that hold the name and were not looked at, for there are too many. */
  unread: number;
}

export interface EngineStatus {
  root: string;
  indexDir: string;
  role: 'writer' | 'reader';
  state: 'empty' | 'indexing' | 'ready' | 'damaged';
  files: number;
  chunks: number;
  symbols: number;
  lines: number;
  /** Files per language id, largest first. */
  languages: { language: string; files: number }[];
  skipped: SkippedFile[];
  /** Chunks that hold a line longer than the model sees. */
  truncatedChunks: number;
  /** Files whose syntax has errors; they are indexed all the same. */
  filesWithSyntaxErrors: number;
  diskBytes: number;
  generation: number;
  /** ISO time of the last completed run that changed something, null if there was none. */
  lastIndexedAt: string | null;
  /** Commits that the ranking knows of, and the newest of them; null where there is no git history. */
  history: { commits: number; head: string } | null;
  vectors: VectorStatus;
  /** Which weights the answers are ranked with. */
  weights: WeightsReport;
  /** What was repaired when the index was opened, e.g. a damaged file that was set aside. */
  repairs: string[];
  progress: IndexProgress | null;
  writer: { pid: number; host: string; startedAt: string; program: string | null } | null;
}

/** Why embedding is held back, and how: `pause`, for what nobody waits for, or `slow`. */
export interface EmbeddingHold {
  reason: 'user' | 'battery' | 'typing' | 'memory';
  level: 'pause' | 'slow';
}

/** How far a folder is embedded, or why it is not. */
export interface VectorStatus {
  /**
   * off: switched off. starting: the model is being looked for. no_model: there is none that can be used.
   * embedding, paused: under way. ready: all is embedded, and a test question was answered.
   * stopped: interrupted. failed: something is wrong, see `reason`. Search by words works in every state.
   */
  state: 'off' | 'starting' | 'no_model' | 'embedding' | 'paused' | 'ready' | 'stopped' | 'failed';
  /** Id of the model that is used or wanted; null while it has not been looked for. */
  model: string | null;
  /**
   * Id of the model that answers by meaning while the wanted one is not ready: the folder was embedded with it before.
   * Null when the wanted one answers itself, or words alone do.
   */
  answering: string | null;
  /** What is wrong or missing, one sentence; null when all is well. */
  reason: string | null;
  /** What the user can do about it. */
  nextStep: string | null;
  /** Chunks with a vector of `model`; where there is none, of `answering`. */
  embedded: number;
  chunks: number;
  /** Chunks that could not be embedded; they are found by words. */
  failed: number;
  /** Null while it cannot be said honestly. */
  etaSeconds: number | null;
  /** Why embedding is paused or slowed down; null when nothing holds it back, or there is nothing to do. */
  hold: EmbeddingHold | null;
}

export interface WhyReport {
  path: string;
  indexed: boolean;
  /** One sentence for people. */
  summary: string;
  skipped: SkippedFile | null;
  language: string | null;
  role: FileRole | null;
  chunkedBy: ChunkedBy | null;
  syntaxErrors: boolean;
  /** True when the file on disk is not what the index knows. */
  stale: boolean;
  chunks: { startLine: number; endLine: number; tokens: number; scope: string }[];
  symbols: CodeSymbol[];
  /** Only with a query: the rank of the file's best range, null if it is not among the results. */
  ranking: { rank: number | null; of: number; score: number; parts: ScorePart[] } | null;
}
