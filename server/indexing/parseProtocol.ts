import type { Occurrence } from '../../core/graph/types.ts';
import type { AnalyzedFile, FileCopy, FileStamp, SkippedRecord } from '../store/types.ts';

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
  /** Files of the index with as many bytes: if this one has the content of one of them, it is not parsed again. */
  twins?: readonly Twin[];
}

/** A file of the index that another one may be a copy of. */
export interface Twin {
  path: string;
  hash: string;
}

export interface ParseJob {
  id: number;
  files: ParseRequest[];
  purpose: ParsePurpose;
  maxFileKb: number;
  parseTimeoutMs: number;
}

export interface ParsePurpose {
  /** Only where these names stand is asked for, in files that are still what the index knows. */
  find?: readonly string[];
  /** The files are being worked on: the worker goes on from their trees when they have changed. */
  keepTrees?: boolean;
}

export type ParseOutcome =
  | { kind: 'analyzed'; file: AnalyzedFile; notes: string[] }
  | { kind: 'same'; path: string; stamp: FileStamp }
  /** The content of another file of the index, moved or copied. */
  | { kind: 'copy'; copy: FileCopy }
  /** Answer to `find`; null for a file whose content is not what the index knows. */
  | { kind: 'found'; path: string; occurrences: Occurrence[] | null }
  | { kind: 'skipped'; record: SkippedRecord };

export interface ParseReply {
  id: number;
  outcomes: ParseOutcome[];
}
