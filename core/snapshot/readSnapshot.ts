import { decodeChunkRanges } from '../records/fileRecords.ts';
import { ByteReader } from '../records/varint.ts';
import {
  blockKinds,
  chunkDigestBytes,
  digestBytes,
  formatName,
  formatVersion,
  frameBytes,
  mostBlockBytes,
  SnapshotError,
  type Sha256,
  type SnapshotEnd,
  type SnapshotFile,
  type SnapshotHeader,
  type SnapshotVector,
} from './snapshotFormat.ts';

export type SnapshotItem =
  | { kind: 'header'; header: SnapshotHeader }
  | { kind: 'file'; file: SnapshotFile }
  | { kind: 'vector'; vector: SnapshotVector }
  /** Only now is it certain that it is all there, and as it was written. */
  | { kind: 'end'; end: SnapshotEnd; digest: Uint8Array };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const tooEarly = (): SnapshotError => new SnapshotError('The snapshot ends too early: it is not all there.');

/** Bytes as they come, taken as they are needed. */
class ByteSource {
  readonly #source: AsyncIterator<Uint8Array>;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** So many bytes after some room that is left free. Fewer are an error. */
  async take(count: number, room = 0): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    for (let lacking = count; lacking > 0;) {
      const piece = this.#pending.length > 0 ? this.#pending : await this.#next();
      if (piece === undefined) throw tooEarly();
      const taken = piece.subarray(0, lacking);
      this.#pending = piece.subarray(taken.length);
      pieces.push(taken);
      lacking -= taken.length;
    }
    // Made only now: a length that is a lie costs no room.
    const bytes = new Uint8Array(room + count);
    let at = room;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#pending.length === 0) {
      const piece = await this.#next();
      if (piece === undefined) return true;
      this.#pending = piece;
    }
    return false;
  }

  /** Whoever reads no further says so, so that nothing stays open. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#source.next();
    return next.done === true ? undefined : next.value;
  }
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, at) => byte === b[at]);

/** Version 1, 2, 3, … up to a line's end. */
async function readName(source: ByteSource): Promise<Uint8Array<ArrayBuffer>> {
  const name = await source.take(encoder.encode(formatName).length);
  if (decoder.decode(name) !== formatName) throw new SnapshotError('This is no snapshot of an index.');
  let version = '';
  for (let digit = await source.take(1); digit[0] !== 10; digit = await source.take(1)) {
    version += decoder.decode(digit);
    if (!/^\d{1,6}$/.test(version)) throw new SnapshotError('This is no snapshot of an index.');
  }
  if (version !== String(formatVersion)) {
    throw new SnapshotError(`The snapshot is of format ${version}; this version reads format ${formatVersion}.`);
  }
  return new Uint8Array(encoder.encode(`${formatName}${formatVersion}\n`));
}

interface Block {
  kind: number;
  payload: Uint8Array;
  digest: Uint8Array;
}

async function* readBlocks(source: ByteSource, sha256: Sha256): AsyncGenerator<Block, void> {
  let before = await sha256(await readName(source));
  for (let number = 1; ; number++) {
    const frame = await source.take(frameBytes);
    const length = new DataView(frame.buffer).getUint32(1, true);
    if (length > mostBlockBytes)
      throw new SnapshotError(`The snapshot was altered: block ${number} has no such length.`);
    const bytes = await source.take(length + digestBytes, digestBytes + frameBytes);
    bytes.set(before);
    bytes.set(frame, digestBytes);
    const end = bytes.length - digestBytes;
    const digest = await sha256(bytes.subarray(0, end));
    if (!isSame(digest, bytes.subarray(end))) {
      throw new SnapshotError(`The snapshot was altered: block ${number} does not have its digest.`);
    }
    before = digest;
    yield { kind: frame[0]!, payload: bytes.subarray(digestBytes + frameBytes, end), digest };
    if (frame[0] === blockKinds.end) return;
  }
}

type Shape<T> = { [Key in keyof T]: (value: unknown) => boolean };

const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const headerShape: Shape<SnapshotHeader> = {
  projectId: isText,
  branch: isText,
  revision: isCount,
  rootHash: isText,
  analysisVersion: isText,
  embeddingModel: (value) => value === null || isText(value),
  dimensions: (value) => isCount(value) && (value as number) <= 65_536,
  files: isCount,
  chunks: isCount,
};

const endShape: Shape<SnapshotEnd> = { files: isCount, chunks: isCount, vectors: isCount };

function readJson<T>(bytes: Uint8Array, shape: Shape<T>, what: string): T {
  const value = JSON.parse(decoder.decode(bytes)) as unknown;
  if (typeof value !== 'object' || value === null) throw new SnapshotError(`${what} is no object.`);
  for (const key of Object.keys(shape) as (keyof T & string)[]) {
    if (!shape[key]((value as Record<string, unknown>)[key])) throw new SnapshotError(`${what} has no proper ${key}.`);
  }
  return value as T;
}

function decodeFile(input: ByteReader): SnapshotFile {
  const path = input.text();
  const contentHash = input.text();
  const bytes = input.number();
  const flags = input.number();
  const skipped = (flags & 1) === 0 ? null : { reason: input.text(), detail: input.text() };
  const [language, role, chunkedBy] = [input.text(), input.text(), input.text()];
  const [lineCount, chunkCount, symbolCount] = [input.number(), input.number(), input.number()];
  const packed = (): Uint8Array => input.bytes(input.number());
  return {
    path,
    contentHash,
    bytes,
    skipped,
    language,
    role,
    chunkedBy,
    lineCount,
    syntaxErrors: (flags & 2) !== 0,
    chunkCount,
    symbolCount,
    chunks: packed(),
    symbols: packed(),
    links: packed(),
    words: packed(),
    digests: packed(),
  };
}

function checkFile(file: SnapshotFile): void {
  const says = `The record of ${JSON.stringify(file.path)}`;
  if (!/^[0-9a-f]{64}$/.test(file.contentHash)) throw new SnapshotError(`${says} has no hash of its content.`);
  if (file.digests.length !== file.chunkCount * chunkDigestBytes) {
    throw new SnapshotError(`${says} has ${file.chunkCount} chunks and not as many digests.`);
  }
  const chunks = file.chunks.length === 0 ? 0 : decodeChunkRanges(file.chunks).flat.length / 3;
  if (chunks !== file.chunkCount) throw new SnapshotError(`${says} has ${chunks} chunks and says ${file.chunkCount}.`);
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  const differs = a.findIndex((byte, at) => byte !== b[at]);
  return differs === -1 ? a.length < b.length : differs < b.length && a[differs]! < b[differs]!;
}

/** What has been read so far, held against what the header and the end say. */
class Reading {
  readonly #counts: SnapshotEnd = { files: 0, chunks: 0, vectors: 0 };
  readonly #lines: string[] = [];
  #header: SnapshotHeader | undefined;
  #lastKind = 0;
  #lastPath: Uint8Array | undefined;

  *items({ kind, payload, digest }: Block): Generator<SnapshotItem> {
    this.#checkOrder(kind);
    if (kind === blockKinds.header) {
      this.#header = readJson(payload, headerShape, 'The header of the snapshot');
      yield { kind: 'header', header: this.#header };
    } else if (kind === blockKinds.files) yield* this.#files(new ByteReader(payload));
    else if (kind === blockKinds.vectors) yield* this.#vectors(new ByteReader(payload));
    else yield { kind: 'end', end: this.#checkedEnd(payload), digest };
  }

  async checkRootHash(sha256: Sha256): Promise<void> {
    const root = toHex(await sha256(new Uint8Array(encoder.encode(this.#lines.join('')))));
    if (root !== this.#header!.rootHash) {
      throw new SnapshotError(`The files of the snapshot come to the root hash ${root}, not to that of its header.`);
    }
  }

  #checkOrder(kind: number): void {
    const isFirst = this.#header === undefined;
    const isKnown = kind >= blockKinds.header && kind <= blockKinds.end;
    if (!isKnown || isFirst !== (kind === blockKinds.header) || kind < this.#lastKind) {
      throw new SnapshotError(`The snapshot has a block of kind ${kind} where none belongs.`);
    }
    this.#lastKind = kind;
  }

  *#files(input: ByteReader): Generator<SnapshotItem> {
    for (let left = input.number(); left > 0; left--) {
      const file = decodeFile(input);
      checkFile(file);
      const path = encoder.encode(file.path);
      if (this.#lastPath !== undefined && !isBefore(this.#lastPath, path)) {
        throw new SnapshotError(`The file ${JSON.stringify(file.path)} of the snapshot is not in its place.`);
      }
      this.#lastPath = path;
      this.#lines.push(`${file.path}\0${file.contentHash}\n`);
      this.#counts.files++;
      this.#counts.chunks += file.chunkCount;
      yield { kind: 'file', file };
    }
  }

  *#vectors(input: ByteReader): Generator<SnapshotItem> {
    const { dimensions } = this.#header!;
    for (let left = input.number(); left > 0; left--) {
      const digest = input.bytes(chunkDigestBytes);
      const bytes = input.bytes(dimensions * 4);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const vector = Float32Array.from({ length: dimensions }, (_, at) => view.getFloat32(at * 4, true));
      this.#counts.vectors++;
      yield { kind: 'vector', vector: { digest, vector } };
    }
  }

  #checkedEnd(payload: Uint8Array): SnapshotEnd {
    const end = readJson(payload, endShape, 'The end of the snapshot');
    const { files, chunks } = this.#header!;
    const said = { ...end, files: [end.files, files], chunks: [end.chunks, chunks], vectors: [end.vectors] };
    for (const what of ['files', 'chunks', 'vectors'] as const) {
      const found = this.#counts[what];
      const other = said[what].find((count) => count !== found);
      if (other !== undefined) throw new SnapshotError(`The snapshot has ${found} ${what} and says ${other}.`);
    }
    return end;
  }
}

/** What a block's writer got wrong, whatever it threw on the way. */
const asSnapshotError = (error: unknown): unknown =>
  error instanceof RangeError || error instanceof SyntaxError
    ? new SnapshotError(`The snapshot cannot be read: ${error.message}.`, error)
    : error;

/**
 * Reads a snapshot that was unpacked (gzip), piece by piece as it comes. Each block is checked before anything of it is
 * given out; that nothing is lacking is known with the last item alone, so what is made of it counts from then on.
 * @throws {SnapshotError}; what the source throws goes through.
 */
export async function* readSnapshot(
  pieces: AsyncIterable<Uint8Array>,
  sha256: Sha256,
): AsyncGenerator<SnapshotItem, void> {
  const source = new ByteSource(pieces);
  const reading = new Reading();
  try {
    for await (const block of readBlocks(source, sha256)) {
      if (block.kind === blockKinds.end) {
        if (!(await source.isAtEnd())) throw new SnapshotError('The snapshot goes on after its end.');
        const items = [...reading.items(block)];
        await reading.checkRootHash(sha256);
        yield* items;
      } else yield* reading.items(block);
    }
  } catch (error) {
    throw asSnapshotError(error);
  } finally {
    await source.close();
  }
}
