/**
 * A snapshot: one revision of an index as a stream of bytes. It begins with a line that names the format, then come
 * blocks: kind (1 byte), length (4 bytes, little endian), that many bytes, and 32 bytes of a SHA-256 over the 32 bytes of
 * the block before and this block so far. So each block vouches for all before it, and the last one is the digest of the
 * whole: no reader needs all of it at once, and none takes a part for the whole.
 *
 * The blocks: one header (JSON), files in the order of the bytes of their paths, vectors, one end (JSON).
 */

export const formatName = 'contextkit snapshot ';
export const formatVersion = 1;

export const blockKinds = { header: 1, files: 2, vectors: 3, end: 4 } as const;
export const digestBytes = 32;
/** Kind and length. */
export const frameBytes = 5;
/** A block ends with the first entry beyond this. */
export const blockBytes = 512 * 1024;
/** What says that it is longer is no block. */
export const mostBlockBytes = 256 * 1024 * 1024;
/** Of the text of a chunk. */
export const chunkDigestBytes = 16;

/** SHA-256, 32 bytes; each platform has its own way to it. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

export interface SnapshotHeader {
  projectId: string;
  branch: string;
  revision: number;
  /** SHA-256 over the lines `path NUL content-hash LF` of all files. */
  rootHash: string;
  /** Records of another version say other things about the same text. */
  analysisVersion: string;
  /** Null: there are no vectors. */
  embeddingModel: string | null;
  /** Of each vector; 0 where there are none. */
  dimensions: number;
  files: number;
  chunks: number;
}

export interface SnapshotFile {
  path: string;
  /** SHA-256 of the bytes, 64 hexadecimal digits. */
  contentHash: string;
  bytes: number;
  /** Why it is not searched; null: it is. */
  skipped: { reason: string; detail: string } | null;
  language: string;
  role: string;
  chunkedBy: string;
  lineCount: number;
  syntaxErrors: boolean;
  chunkCount: number;
  symbolCount: number;
  /** As `encodeChunks` writes them. */
  chunks: Uint8Array;
  /** As `encodeSymbols` writes them. */
  symbols: Uint8Array;
  /** As `encodeLinks` writes them. */
  links: Uint8Array;
  /** As `encodeOwnWords` writes them. */
  words: Uint8Array;
  /** 16 bytes of each chunk: by them its vector is found. */
  digests: Uint8Array;
}

export interface SnapshotVector {
  /** 16 bytes. */
  digest: Uint8Array;
  vector: Float32Array;
}

export interface SnapshotEnd {
  files: number;
  chunks: number;
  vectors: number;
}

/** The bytes are no snapshot, not all of one, or not what was written. */
export class SnapshotError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SnapshotError';
  }
}
