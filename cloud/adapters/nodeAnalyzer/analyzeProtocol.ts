import type { SourceAnalysis, SourceText } from '../../ports/sourceAnalyzer.ts';

/** Messages between the platform and a thread that analyses texts. */

export interface AnalyzeWorkerData {
  assetsFolder: string;
  parseTimeoutMs: number;
  /** One Int32: index of the file being worked on, -1 when idle. Tells which one the thread died on. */
  position: SharedArrayBuffer;
}

export interface AnalyzeJob {
  id: number;
  files: readonly SourceText[];
}

export interface AnalyzeReply {
  id: number;
  analyses: SourceAnalysis[];
}
