import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { isRunning } from '../system/isRunning.ts';
import { checksum } from './checksum.ts';

/**
 * A segment is two files that only grow: BASE.rows with a vector after the other (halves, padded to whole words), and
 * BASE.keys with a record of seven words a row: the digest (4), the number of the row, the checksum of its bytes, and
 * the checksum of the record itself. The row is written first. A record that is torn or damaged is passed over, and
 * costs that vector alone. Words are in the order of the machine, which is little-endian wherever the product runs.
 */
export const keyWords = 7;
export const keyBytes = keyWords * 4;
/** So that a record of zeros, as a lost block reads, is not a valid one. */
const keySeed = 0x636b_6579;

export const rowBytes = (dimensions: number): number => Math.ceil(dimensions / 2) * 4;

/** A segment grows to this many bytes of rows, then the next one begins. */
export const maxSegmentBytes = 64 * 2 ** 20;

/** A segment of another machine (a shared home folder) counts as done when it has not grown or been used for so long. */
const foreignDoneMs = 7 * 24 * 3600_000;

const hostTag = createHash('sha256').update(hostname()).digest('hex').slice(0, 6);
const timeTag = (): string => Date.now().toString(36).padStart(9, '0');
const randomTag = (): string => randomBytes(4).toString('hex');

/** Of a segment that this process writes: when, where, who. */
export const ownSegmentName = (): string => `${timeTag()}-${hostTag}-${process.pid}-${randomTag()}`;
/** Of a segment that nobody writes any more. */
export const sealedSegmentName = (): string => `${timeTag()}-sealed-${randomTag()}`;

const namePattern = /^[0-9a-z]+-(?:sealed|([0-9a-f]{6})-(\d+))-[0-9a-f]+$/;

export interface SegmentFiles {
  /** Name without ending. */
  base: string;
  keysBytes: number;
  rowsBytes: number;
  /** When it was last written to or read from, in ms. */
  usedAt: number;
  /** Its process may still write to it. */
  growing: boolean;
}

export const keysFile = (dir: string, base: string): string => path.join(dir, `${base}.keys`);
export const rowsFile = (dir: string, base: string): string => path.join(dir, `${base}.rows`);

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function mayGrow(base: string, usedAt: number): boolean {
  const [, host, pid] = namePattern.exec(base) ?? [];
  if (host === undefined || pid === undefined) return false;
  return host === hostTag ? isRunning(Number(pid)) : Date.now() - usedAt < foreignDoneMs;
}

/** Size and time of a file; undefined when there is none. */
async function measure(file: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The segments of a folder, oldest first; none when there is no such folder. Files of other names are left alone. */
export async function listSegments(dir: string): Promise<SegmentFiles[]> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
  const bases = names.filter((name) => name.endsWith('.keys')).map((name) => name.slice(0, -'.keys'.length));
  const segments = await Promise.all(
    bases
      .filter((base) => namePattern.test(base))
      .sort()
      .map(async (base) => {
        const [keys, rows] = await Promise.all([measure(keysFile(dir, base)), measure(rowsFile(dir, base))]);
        if (keys === undefined) return undefined;
        const usedAt = keys.mtimeMs;
        return {
          base,
          keysBytes: keys.size,
          rowsBytes: rows?.size ?? 0,
          usedAt,
          growing: mayGrow(base, usedAt),
        };
      }),
  );
  return segments.filter((segment) => segment !== undefined);
}

/** Files that a killed process left and that belong to no segment: rows without keys, halves of a merge. */
export async function removeLeftovers(dir: string): Promise<void> {
  const names = new Set(await readdir(dir));
  for (const name of names) {
    const base = /^(.+)\.(?:rows|(?:rows|keys)\.new)$/.exec(name)?.[1];
    if (base === undefined || !namePattern.test(base) || names.has(`${base}.keys`)) continue;
    const file = path.join(dir, name);
    const found = await measure(file);
    // A young one may be in the making: its keys come a moment later.
    if (found !== undefined && Date.now() - found.mtimeMs > 3600_000 && !mayGrow(base, found.mtimeMs))
      await rm(file, { force: true });
  }
}

/** Keys go first: a row without a key is only space, a key without a row is a promise broken. */
export async function removeSegment(dir: string, base: string): Promise<void> {
  await rm(keysFile(dir, base), { force: true });
  await rm(rowsFile(dir, base), { force: true });
}

/** The words of `bytes`, which are copied only where they do not lie on a word. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const whole = bytes.byteLength - (bytes.byteLength % 4);
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, whole / 4);
  return new Uint32Array(Uint8Array.from(bytes.subarray(0, whole)).buffer);
}

/** Is the record at `words[at]` one that was written as it stands? */
export const isSound = (words: Uint32Array, at: number): boolean =>
  checksum(words, at, keyWords - 1, keySeed) === words[at + keyWords - 1];

/** Writes the record of a row at `words[at]`. */
export function writeKey(words: Uint32Array, at: number, digest: Uint32Array, row: number, rowChecksum: number): void {
  words.set(digest.subarray(0, 4), at);
  words[at + 4] = row;
  words[at + 5] = rowChecksum;
  words[at + 6] = checksum(words, at, keyWords - 1, keySeed);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

export interface KeptRow {
  /** Four words. */
  digest: Uint32Array;
  /** `rowBytes` long. */
  row: Uint8Array;
  rowChecksum: number;
}

export interface SegmentWriter {
  readonly rows: number;
  /** Numbers of the rows are given in order. On a failure nothing of the batch counts, and the files are cut back. */
  append(batch: readonly KeptRow[]): Promise<void>;
  /** Waits until the disk has what was written. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Begins a segment; `ending` is put behind the names of its files, e.g. while it is not yet to be seen. */
export async function createSegment(dir: string, base: string, ending = ''): Promise<SegmentWriter> {
  const rowsHandle = await open(rowsFile(dir, base) + ending, 'wx');
  let keysHandle: FileHandle;
  try {
    keysHandle = await open(keysFile(dir, base) + ending, 'wx');
  } catch (error) {
    await rowsHandle.close();
    await rm(rowsFile(dir, base) + ending, { force: true });
    throw error;
  }
  let rows = 0;
  let bytes = 0;
  return {
    get rows() {
      return rows;
    },
    async append(batch) {
      const keys = new Uint32Array(batch.length * keyWords);
      for (const [index, { digest, rowChecksum }] of batch.entries())
        writeKey(keys, index * keyWords, digest, rows + index, rowChecksum);
      const body = Buffer.concat(batch.map(({ row }) => row));
      try {
        await writeAll(rowsHandle, body, bytes);
        await writeAll(keysHandle, new Uint8Array(keys.buffer), rows * keyBytes);
      } catch (error) {
        await Promise.allSettled([keysHandle.truncate(rows * keyBytes), rowsHandle.truncate(bytes)]);
        throw error;
      }
      rows += batch.length;
      bytes += body.byteLength;
    },
    async sync() {
      await rowsHandle.datasync();
      await keysHandle.datasync();
    },
    async close() {
      await Promise.all([rowsHandle.close(), keysHandle.close()]);
    },
  };
}
