import type { BlobStore } from '../../ports/blobStore.ts';
import type { OrgId } from '../../ports/organization.ts';

/** Of a part before it is packed: large enough to pack well, small enough to be held in memory by many at once. */
const partBytes = 4 * 1024 * 1024;

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(bytes).body!.pipeThrough(transform);
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/**
 * Writes a stream of bytes as blobs of some megabytes, each packed by itself (gzip): one after the other they are a file
 * that every gunzip unpacks, and no host needs to hold all of it.
 */
export class PartWriter {
  readonly #blobs: BlobStore;
  readonly #org: OrgId;
  readonly #pathOf: (part: number) => string;
  readonly #sizes: number[] = [];
  #pending: Uint8Array[] = [];
  #bytes = 0;

  constructor(blobs: BlobStore, org: OrgId, pathOf: (part: number) => string) {
    this.#blobs = blobs;
    this.#org = org;
    this.#pathOf = pathOf;
  }

  async add(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#pending.push(piece);
      this.#bytes += piece.length;
      if (this.#bytes >= partBytes) await this.#flush();
    }
  }

  /** @returns how long each part is. */
  async end(): Promise<number[]> {
    if (this.#bytes > 0) await this.#flush();
    return this.#sizes;
  }

  async #flush(): Promise<void> {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pending) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#pending = [];
    this.#bytes = 0;
    const packed = await through(all, new CompressionStream('gzip'));
    await this.#blobs.put(this.#org, this.#pathOf(this.#sizes.length), packed);
    this.#sizes.push(packed.length);
  }
}

/** The store has lost a part, or has another one in its place. */
export class PartLost extends Error {
  constructor(path: string) {
    super(`the part ${path} of a snapshot is not what was written`);
    this.name = 'PartLost';
  }
}

/** @throws {PartLost} {BlobStoreError} */
export async function readPart(
  blobs: BlobStore,
  org: OrgId,
  path: string,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await blobs.get(org, path);
  if (packed?.length !== size) throw new PartLost(path);
  return new Uint8Array(packed);
}

/** What was written, unpacked, part by part. @throws {PartLost} {BlobStoreError} */
export async function* unpackParts(
  blobs: BlobStore,
  org: OrgId,
  pathOf: (part: number) => string,
  sizes: readonly number[],
): AsyncGenerator<Uint8Array, void> {
  for (const [part, size] of sizes.entries()) {
    const packed = await readPart(blobs, org, pathOf(part), size);
    let bytes: Uint8Array;
    try {
      bytes = await through(packed, new DecompressionStream('gzip'));
    } catch (error) {
      if (error instanceof TypeError) throw new PartLost(pathOf(part)); // the Web's way to say that it is no gzip
      throw error;
    }
    yield bytes;
  }
}
