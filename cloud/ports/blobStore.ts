import type { OrgId } from './organization.ts';

export interface BlobInfo {
  /** As it was put. */
  path: string;
  bytes: number;
}

export interface BlobPage {
  blobs: BlobInfo[];
  /** Passed as `after` for what follows; null at the end. */
  next: string | null;
}

/**
 * Bytes by path, each organization with a tree of its own below `orgs/{org}/`. Paths are relative to it, have `/`
 * between their segments, and hold only letters, digits, `.`, `_`, `-` and `/`; no segment is `.`, `..` or empty.
 * What is put becomes visible as a whole.
 */
export interface BlobStore {
  put(org: OrgId, path: string, content: Uint8Array): Promise<void>;
  /** Undefined where there is none. */
  get(org: OrgId, path: string): Promise<Uint8Array | undefined>;
  head(org: OrgId, path: string): Promise<BlobInfo | undefined>;
  /** Those whose path starts with `prefix` (a folder ends with `/`), in the order of their paths. */
  list(org: OrgId, prefix: string, options?: { after?: string; limit?: number }): Promise<BlobPage>;
  /** Nothing happens where there is none. */
  delete(org: OrgId, paths: readonly string[]): Promise<void>;
  /** All whose path starts with `prefix`, a folder. @returns how many. */
  deleteFolder(org: OrgId, prefix: string): Promise<number>;
  /** A link that gives the blob to whoever has it, for so long; undefined where the store has no such thing. */
  presign(org: OrgId, path: string, seconds: number): Promise<string | undefined>;
  health(): Promise<void>;
  close(): Promise<void>;
}

export class BlobStoreError extends Error {
  /** It may work later: no connection, busy, out of space. */
  readonly isUnavailable: boolean;

  constructor(message: string, options: { isUnavailable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BlobStoreError';
    this.isUnavailable = options.isUnavailable;
  }
}
