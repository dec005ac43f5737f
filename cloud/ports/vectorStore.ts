import type { OrgId } from './organization.ts';

export interface StoredVector {
  projectId: string;
  /** Of the text that was embedded: 32 hexadecimal digits. Equal texts of a project have one vector. */
  digest: string;
  /** As many floats as the store was made for, of length 1. */
  vector: Float32Array;
}

export interface NearestQuery {
  projectId: string;
  vector: Float32Array;
  /** 1 to 1,000. */
  limit: number;
}

export interface Neighbour {
  digest: string;
  /** Cosine, 1 for the same direction. */
  similarity: number;
}

export interface VectorPage {
  vectors: StoredVector[];
  /** Passed as `after` for what follows; null at the end. */
  next: string | null;
}

/**
 * The vectors of each organization, apart from those of all others (`org_{uuid}`, or rows that only it sees).
 *
 * Search is exact: the nearest are the nearest. Upserts and deletions are visible to searches that begin after they
 * have resolved. Vectors know nothing of files and revisions: those know the digests.
 * All methods throw {@link VectorStoreError}; a vector of other dimensions, or with a number that is not finite, is a
 * RangeError before anything is written.
 */
export interface VectorStore {
  readonly dimensions: number;
  /** Makes room for an organization. Does nothing where there is; room for other dimensions is an error. */
  ensure(org: OrgId): Promise<void>;
  /** Everything of an organization, the room itself included. */
  drop(org: OrgId): Promise<void>;
  /** Adds or replaces. */
  upsert(org: OrgId, vectors: readonly StoredVector[]): Promise<void>;
  delete(org: OrgId, projectId: string, digests: readonly string[]): Promise<void>;
  deleteProject(org: OrgId, projectId: string): Promise<void>;
  /** Best first; equal ones in the order of their digests. Empty for an organization or a project without vectors. */
  nearest(org: OrgId, query: NearestQuery): Promise<Neighbour[]>;
  /** The vectors of these texts of a project, as far as there are any, in any order. At most 1,000 are asked for. */
  find(org: OrgId, projectId: string, digests: readonly string[]): Promise<StoredVector[]>;
  /** All vectors of a project page by page, in an order that stays while nothing is written. */
  read(org: OrgId, projectId: string, options?: { after?: string; limit?: number }): Promise<VectorPage>;
  count(org: OrgId, projectId?: string): Promise<number>;
  health(): Promise<void>;
  close(): Promise<void>;
}

export class VectorStoreError extends Error {
  /** It may work later: no connection, busy, out of space. */
  readonly isUnavailable: boolean;
  /** The project was deleted, or never was; not every store knows. */
  readonly isProjectMissing: boolean;

  constructor(message: string, options: { isUnavailable: boolean; isProjectMissing?: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VectorStoreError';
    this.isUnavailable = options.isUnavailable;
    this.isProjectMissing = options.isProjectMissing ?? false;
  }
}
