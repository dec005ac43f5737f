import type { SerializedError } from '../../core/errors.ts';
import type { HistoryChange } from '../../core/history/types.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type {
  AnalyzedFile,
  FileRange,
  FileStamp,
  FoundNames,
  FoundSymbolRow,
  GraphAnswer,
  GraphQuery,
  GraphSymbol,
  KnownFile,
  ReferencePlaces,
  ReferenceQuery,
  ReferenceRow,
  MapAnswer,
  MapRequest,
  SearchRequest,
  SkippedRecord,
  StoreCounts,
  StoredHistory,
  StoredFile,
  StoreUpdate,
  SymbolQuery,
  UsedSymbol,
} from './types.ts';

export interface StoreWorkerData {
  wasmFile: string;
  /** Absolute path of index.db. */
  file: string;
  analysisVersion: number;
  /** How long a question may wait for links that are being resolved; Infinity for as long as it takes. */
  linkWaitMs: number;
}

/** Each call of the store worker: what it is given and what it answers. */
export interface StoreCalls {
  /** Reads index.db. A damaged file is set aside by a writer and answered as empty. */
  open: { in: { lockId: string | null }; out: { repairs: string[] } };
  /** Reads index.db again if it is another file than the one in memory. */
  refresh: { in: null; out: boolean };
  knownFiles: { in: null; out: KnownFile[] };
  paths: { in: null; out: string[] };
  stampOf: { in: string; out: KnownFile | null };
  skippedFiles: { in: null; out: SkippedRecord[] };
  put: { in: AnalyzedFile[]; out: null };
  touch: { in: ({ path: string } & FileStamp)[]; out: null };
  remove: { in: string[]; out: null };
  replaceSkipped: { in: SkippedRecord[]; out: null };
  applyUpdate: { in: StoreUpdate; out: null };
  search: { in: { query: string } & SearchRequest; out: RankedChunk[] };
  filesInfo: { in: string[]; out: StoredFile[] };
  findSymbols: { in: SymbolQuery; out: FoundSymbolRow[] };
  graph: { in: GraphQuery; out: GraphAnswer };
  referencePlaces: { in: ReferenceQuery; out: ReferencePlaces };
  referencesAmong: { in: { definitions: GraphSymbol[]; found: FoundNames[] }; out: ReferenceRow[][] };
  history: { in: null; out: StoredHistory | null };
  /** Null forgets it. */
  putHistory: { in: HistoryChange | null; out: null };
  map: { in: MapRequest; out: MapAnswer };
  uses: { in: FileRange[]; out: UsedSymbol[][] };
  counts: { in: null; out: StoreCounts };
  markComplete: { in: null; out: null };
  checkpoint: { in: null; out: null };
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
