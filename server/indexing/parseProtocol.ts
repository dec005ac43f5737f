import type { Occurrence } from '../../core/graph/types.ts';
import type { AnalyzedFile, FileStamp, SkippedRecord } from '../store/types.ts';

/** What a parse worker is started with. */
export interface ParseWorkerData {
  assetsDir: string;
  root: string;
  /** One Int32: index in the running job of the file being worked on, -1 when idle. Tells who crashed or hangs. */
  position: SharedArrayBuffer;
}

export interface ParseRequest {
  path: string;
  stamp: FileStamp;
  /** What the index knows; equal content is not parsed again. */
  knownHash: string | null;
}

export interface ParseJob {
  id: number;
  files: ParseRequest[];
  maxFileKb: number;
  parseTimeoutMs: number;
  /** Only where these names stand is asked for, in files that are still what the index knows. */
  find?: readonly string[];
}

export type ParseOutcome =
  | { kind: 'analyzed'; file: AnalyzedFile; notes: string[] }
  | { kind: 'same'; path: string; stamp: FileStamp }
  /** Answer to `find`; null for a file whose content is not what the index knows. */
  | { kind: 'found'; path: string; occurrences: Occurrence[] | null }
  | { kind: 'skipped'; record: SkippedRecord };

export interface ParseReply {
  id: number;
  outcomes: ParseOutcome[];
}
