import type { SerializedError } from '../../core/errors.ts';
import type { DatabaseCheck } from './checkDatabase.ts';
import type { HistoryChange } from '../../core/history/types.ts';
import type { NearChunk, RankedChunk } from '../../core/rank/types.ts';
import type {
  AnalyzedFile,
  ChunkGaps,
  ChunkVectors,
  FileCopy,
  FileNow,
  FileRange,
  FileStamp,
  FileToEmbed,
  FileWanted,
  FoundNames,
  FoundSymbolRow,
  GraphAnswer,
  GraphQuery,
  GraphSymbol,
  KnownFile,
  KnownPath,
  ReferencePlaces,
  ReferenceQuery,
  ReferenceRow,
  MapAnswer,
  MapRequest,
  QuestionVector,
  SearchRequest,
  SkippedRecord,
  StoreCounts,
  StoredHistory,
  StoredFile,
  StoreUpdate,
  SymbolQuery,
  UsedSymbol,
  VectorCounts,
} from './types.ts';

export interface StoreWorkerData {
  wasmFile: string;
  /** vectorScan.wat, compiled. */
  scanFile: string;
  /** Absolute path of index.db. */
  file: string;
  analysisVersion: number;
  /** How long a question may wait for links that are being resolved; Infinity for as long as it takes. */
  linkWaitMs: number;
}

/**
 * The commits as text: thousands of them keep the thread that sends them for tens of milliseconds, as a text they are
 * made in turns and sent at once.
 */
export interface SentHistory extends Omit<HistoryChange, 'commits'> {
  /** A JSON value a line. */
  commits: string;
}

/** Each call of the store worker: what it is given and what it answers. */
export interface StoreCalls {
  /** Reads index.db. A damaged file is set aside by a writer and answered as empty. */
  open: { in: { lockId: string | null }; out: { repairs: string[] } };
  /** A thorough look into index.db, whether it is open or not; nothing is changed. */
  check: { in: null; out: DatabaseCheck };
  /** Reads index.db again if it is another file than the one in memory. */
  refresh: { in: null; out: boolean };
  knownFiles: { in: null; out: KnownFile[] };
  paths: { in: null; out: string[] };
  knownPaths: { in: string[]; out: KnownPath[] };
  skippedFiles: { in: null; out: SkippedRecord[] };
  put: { in: AnalyzedFile[]; out: null };
  /** Gives these files the records of others with the same content; answers with those whose other one has changed. */
  copy: { in: FileCopy[]; out: FileCopy[] };
  touch: { in: ({ path: string } & FileStamp)[]; out: null };
  remove: { in: string[]; out: null };
  replaceSkipped: { in: SkippedRecord[]; out: null };
  applyUpdate: { in: StoreUpdate; out: null };
  search: { in: { query: string } & SearchRequest; out: RankedChunk[] };
  filesInfo: { in: string[]; out: StoredFile[] };
  /** The same, without what the caller holds. */
  filesNow: { in: FileWanted[]; out: FileNow[] };
  findSymbols: { in: SymbolQuery; out: FoundSymbolRow[] };
  graph: { in: GraphQuery; out: GraphAnswer };
  referencePlaces: { in: ReferenceQuery; out: ReferencePlaces };
  referencesAmong: { in: { definitions: GraphSymbol[]; found: FoundNames[] }; out: ReferenceRow[][] };
  history: { in: null; out: StoredHistory | null };
  /** Null forgets it. */
  putHistory: { in: SentHistory | null; out: null };
  map: { in: MapRequest; out: MapAnswer };
  uses: { in: FileRange[]; out: UsedSymbol[][] };
  /** From now on this model's vectors are kept beside the index, in a table of their own. */
  openVectors: { in: { model: string; dimensions: number }; out: VectorCounts };
  /** Forgets a model's vectors. */
  closeVectors: { in: { model: string }; out: null };
  /** Fingerprint of the model that answers by meaning, as the index notes it for the next process; null before there was one. */
  answeringModel: { in: null; out: string | null };
  putAnsweringModel: { in: { model: string }; out: null };
  vectorCounts: { in: { model: string }; out: VectorCounts };
  /** Whether each chunk that has a vector of the other model has one of this model. */
  vectorsCover: { in: { model: string; other: string }; out: boolean };
  /** Files with chunks that have no vector: `first` as they are given, then those that answers need most. */
  filesToEmbed: { in: { model: string; first: string[] }; out: string[] };
  chunkGaps: { in: { model: string; paths: string[] }; out: ChunkGaps };
  /** Vectors of chunks that have changed meanwhile are dropped. */
  putVectors: { in: ChunkVectors; out: VectorCounts };
  /** Chunks whose vectors are nearest to this one, best first. */
  nearest: { in: { vector: QuestionVector; count: number }; out: NearChunk[] };
  /** One chunk that has a vector; null when none has. */
  vectorSample: { in: { model: string }; out: FileToEmbed | null };
  /** The chunks without a vector in these files, or those of them that begin at the lines that are given. */
  chunksToEmbed: { in: { model: string; ranges: { path: string; startLines?: number[] }[] }; out: FileToEmbed[] };
  counts: { in: null; out: StoreCounts };
  markComplete: { in: null; out: null };
  checkpoint: { in: null; out: null };
  giveWay: { in: null; out: boolean };
  close: { in: null; out: null };
}

export type StoreCallName = keyof StoreCalls;

export interface StoreRequest {
  id: number;
  call: StoreCallName;
  input: unknown;
}

export interface StoreReply {
  id: number;
  output?: unknown;
  error?: SerializedError;
}

/** Sent without being asked: a checkpoint in the background failed. */
export interface StoreNotice {
  notice: SerializedError;
}
