import type { ChunkedBy, FileRole } from '../../../core/model.ts';
import type { OrgId } from '../../ports/organization.ts';

/** What a project's index is at a moment: everything that is visible became so with this revision, at once. */
export interface Revision {
  projectId: string;
  branch: string;
  /** Goes up by one with every change of the index. */
  number: number;
  /** SHA-256 over paths and content hashes: 64 hexadecimal digits. */
  rootHash: string;
  /** The model that the vectors of the project come from, as `Embedder.model`; null: words alone. */
  model: string | null;
  /** Goes up whenever vectors of the project come or go, which they do between revisions. */
  vectorGeneration: number;
}

export interface ListedFile {
  path: string;
  /** SHA-256 of its content, 64 hexadecimal digits. */
  contentHash: string;
  /** Equal keys, equal records: of the path, the content and the version of the analysis. */
  recordKey: string;
}

/** A file of a revision, with its record packed as in the local index (`core/records`). */
export interface FileRow extends ListedFile {
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  chunks: Uint8Array;
  symbols: Uint8Array;
  links: Uint8Array;
  /** As `encodeOwnWords` writes them: a record that stands by itself, whatever else the project has. */
  words: Uint8Array;
  /** 16 bytes a chunk. */
  digests: Uint8Array;
}

/** A revision with its files that are searched. */
export interface ReadRevision {
  revision: Revision;
  files: ListedFile[];
  /** Of those files whose records the reader did not have. */
  rows: FileRow[];
}

/** What the index service knows of projects. */
export interface RevisionSource {
  /** Undefined for a project, or a branch of it, that was never indexed. Without a branch: the one indexed last. */
  current(org: OrgId, projectId: string, branch: string | undefined): Promise<Revision | undefined>;
  /** The revision that is current, from one state of the database; undefined where there is none. */
  read(
    org: OrgId,
    projectId: string,
    branch: string,
    knownRecords: ReadonlySet<string>,
  ): Promise<ReadRevision | undefined>;
}

/** Vectors by the digests of what they stand for. */
export interface VectorSource {
  /**
   * Those of the digests (32 hexadecimal digits each) that are known, page by page.
   * @throws {ApiError} unavailable, where the store does not answer now
   */
  read(
    org: OrgId,
    projectId: string,
    digests: ReadonlySet<string>,
  ): AsyncIterable<readonly { digest: string; vector: Float32Array }[]>;
}

/** What files hold, by the hash of their content. */
export interface TextSource {
  /** Decoded; undefined where nothing of that hash is kept. */
  read(org: OrgId, projectId: string, contentHash: string): Promise<string | undefined>;
}

/**
 * What was worked out of a branch and can be worked out again: which files use which. It spares the next server that
 * opens the project resolving all of it.
 */
export interface DerivedStore {
  get(org: OrgId, projectId: string, branch: string): Promise<Uint8Array | undefined>;
  put(org: OrgId, projectId: string, branch: string, bytes: Uint8Array): Promise<void>;
}
