/** Messages between the thread of PGlite and the one that uses it. */

export interface PgliteSettings {
  /** An existing folder. */
  dataDir: string;
}

export type ToWorker =
  { kind: 'open'; connection: number } | { kind: 'data'; connection: number; bytes: Uint8Array } | { kind: 'close' };

export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'data'; connection: number; bytes: Uint8Array }
  | { kind: 'closed' }
  | { kind: 'failed'; message: string };
