import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { SkipReason } from '../../../core/model.ts';
import type { FileStamp } from '../../store/types.ts';
import { decodeText, type Encoding } from './decodeText.ts';
import { identityOf, type FileIdentity } from './fileIdentity.ts';
import { findMinified } from '../../../core/roles/findMinified.ts';
import { isFileSystemError } from './gitRepository.ts';
import { stampOf } from './listFolder.ts';
import { describeSystemError, tooLargeDetail } from './skipDetail.ts';

export type SourceRead =
  | {
      kind: 'text';
      /** Without a byte order mark; line ends as in the file. */
      text: string;
      /** SHA-256 of the bytes, hex: with the processor's own instructions the fastest that Node has (1.2 µs/KB). */
      hash: string;
      /** Of exactly these bytes. */
      stamp: FileStamp;
      /** Null when it could change without its times showing it. */
      identity: FileIdentity | null;
      encoding: Encoding;
    }
  | { kind: 'skip'; reason: SkipReason; detail: string; stamp: FileStamp };

const attempts = 3;

/**
 * Time stamps of files move in steps of up to 10 ms (a kernel tick). A file that is written again within the step in
 * which it was read would keep its stamp, so a file that young is left to grow older before it is read.
 */
const stampStepMs = 10;

/**
 * Reads a source file, or says why it is not to be indexed. Synchronous: it runs in the parse workers.
 * `stamp` is what discovery saw; a file that is too large is not opened. What changes while it is read is read again,
 * up to three times. Throws for bugs only.
 */
export function readSource(absolutePath: string, stamp: FileStamp, limits: { maxFileKb: number }): SourceRead {
  const known: FileStamp = { size: stamp.size, mtimeMs: stamp.mtimeMs, inode: stamp.inode };
  const maxBytes = limits.maxFileKb * 1024;
  const tooLarge = (at: FileStamp): SourceRead => skip('too_large', tooLargeDetail(at.size, limits.maxFileKb), at);
  if (known.size > maxBytes) return tooLarge(known);
  let file: number | undefined;
  try {
    // Not blocking, not following: in place of the file there may be a pipe or a link by now.
    file = fs.openSync(
      absolutePath,
      fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0),
    );
    for (let attempt = 0; attempt < attempts; attempt++) {
      const before = fs.fstatSync(file);
      if (!before.isFile()) return skip('not_a_file', 'no longer a regular file', stampOf(before));
      if (before.size > maxBytes) return tooLarge(stampOf(before));
      waitOutStampStep(before.mtimeMs);
      const readAt = Date.now();
      const bytes = readAll(file, before.size);
      const after = fs.fstatSync(file);
      if (bytes !== null && sameContent(before, after)) {
        return interpret(absolutePath, bytes, { stamp: stampOf(after), identity: identityOf(after, readAt) });
      }
    }
    return skip('unreadable', 'changed while being read', known);
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    if (error.code === 'ELOOP') return skip('not_a_file', 'a symbolic link by now', known);
    return skip('unreadable', describeSystemError(error), known);
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

const skip = (reason: SkipReason, detail: string, stamp: FileStamp): SourceRead => ({
  kind: 'skip',
  reason,
  detail,
  stamp,
});

const sameContent = (a: fs.Stats, b: fs.Stats): boolean =>
  a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

function waitOutStampStep(mtimeMs: number): void {
  const age = Date.now() - mtimeMs;
  // A stamp from a clock ahead of ours would have us wait for ever.
  if (Math.abs(age) < stampStepMs) Atomics.wait(neverNotified, 0, 0, stampStepMs - Math.max(age, 0));
}

/** All bytes of the file, or null if it no longer has `size` of them. */
function readAll(file: number, size: number): Buffer | null {
  // One byte more shows growth.
  const buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const read = fs.readSync(file, buffer, length, buffer.length - length, length);
    if (read === 0) break;
    length += read;
  }
  return length === size ? buffer.subarray(0, size) : null;
}

function interpret(
  absolutePath: string,
  bytes: Buffer,
  seen: { stamp: FileStamp; identity: FileIdentity | null },
): SourceRead {
  const { stamp } = seen;
  const decoded = decodeText(bytes);
  if (decoded === null) return skip('binary', 'no text in any known encoding', stamp);
  const minified = findMinified(absolutePath, decoded.text);
  if (minified !== null) return skip('minified', minified, stamp);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { kind: 'text', ...decoded, hash, ...seen };
}
