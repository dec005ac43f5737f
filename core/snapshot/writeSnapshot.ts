import { ByteWriter } from '../records/varint.ts';
import {
  blockBytes,
  blockKinds,
  chunkDigestBytes,
  digestBytes,
  formatName,
  formatVersion,
  frameBytes,
  type Sha256,
  type SnapshotEnd,
  type SnapshotFile,
  type SnapshotHeader,
  type SnapshotVector,
} from './snapshotFormat.ts';

const encoder = new TextEncoder();

function encodeFile(file: SnapshotFile): Uint8Array {
  const out = new ByteWriter();
  out.text(file.path);
  out.text(file.contentHash);
  out.number(file.bytes);
  out.number((file.skipped === null ? 0 : 1) + (file.syntaxErrors ? 2 : 0));
  if (file.skipped !== null) {
    out.text(file.skipped.reason);
    out.text(file.skipped.detail);
  }
  for (const text of [file.language, file.role, file.chunkedBy]) out.text(text);
  for (const count of [file.lineCount, file.chunkCount, file.symbolCount]) out.number(count);
  for (const packed of [file.chunks, file.symbols, file.links, file.words, file.digests]) {
    out.number(packed.length);
    out.bytes(packed);
  }
  return out.finish();
}

function encodeVector({ digest, vector }: SnapshotVector): Uint8Array {
  const bytes = new Uint8Array(chunkDigestBytes + vector.length * 4);
  bytes.set(digest);
  const view = new DataView(bytes.buffer, chunkDigestBytes);
  for (let at = 0; at < vector.length; at++) view.setFloat32(at * 4, vector[at]!, true);
  return bytes;
}

/** Writes a snapshot block by block: `start`, then `files` and `vectors` as often as there are some, then `end`. */
export class SnapshotWriter {
  readonly #sha256: Sha256;
  readonly #written: SnapshotEnd = { files: 0, chunks: 0, vectors: 0 };
  #digest: Uint8Array = new Uint8Array(digestBytes);

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** Of the last block, and so of everything that was written. */
  get digest(): Uint8Array {
    return this.#digest;
  }

  get written(): Readonly<SnapshotEnd> {
    return this.#written;
  }

  async start(header: SnapshotHeader): Promise<Uint8Array[]> {
    const name = new Uint8Array(encoder.encode(`${formatName}${formatVersion}\n`));
    this.#digest = await this.#sha256(name);
    return [name, await this.#block(blockKinds.header, encoder.encode(JSON.stringify(header)))];
  }

  /** Files follow one another in the order of the bytes of their paths, over all calls. */
  async files(files: readonly SnapshotFile[]): Promise<Uint8Array[]> {
    this.#written.files += files.length;
    for (const { chunkCount } of files) this.#written.chunks += chunkCount;
    return this.#blocks(blockKinds.files, files, encodeFile);
  }

  async vectors(vectors: readonly SnapshotVector[]): Promise<Uint8Array[]> {
    this.#written.vectors += vectors.length;
    return this.#blocks(blockKinds.vectors, vectors, encodeVector);
  }

  async end(): Promise<Uint8Array> {
    return this.#block(blockKinds.end, encoder.encode(JSON.stringify(this.#written)));
  }

  async #blocks<T>(kind: number, entries: readonly T[], encode: (entry: T) => Uint8Array): Promise<Uint8Array[]> {
    const blocks: Uint8Array[] = [];
    let pending: Uint8Array[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const out = new ByteWriter();
      out.number(pending.length);
      for (const each of pending) out.bytes(each);
      blocks.push(await this.#block(kind, out.finish()));
      pending = [];
      bytes = 0;
    };
    for (const entry of entries) {
      const encoded = encode(entry);
      pending.push(encoded);
      bytes += encoded.length;
      if (bytes >= blockBytes) await flush();
    }
    if (pending.length > 0) await flush();
    return blocks;
  }

  async #block(kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const end = digestBytes + frameBytes + payload.length;
    const bytes = new Uint8Array(end + digestBytes);
    bytes.set(this.#digest);
    bytes[digestBytes] = kind;
    new DataView(bytes.buffer).setUint32(digestBytes + 1, payload.length, true);
    bytes.set(payload, digestBytes + frameBytes);
    this.#digest = await this.#sha256(bytes.subarray(0, end));
    bytes.set(this.#digest, end);
    return bytes.subarray(digestBytes);
  }
}
