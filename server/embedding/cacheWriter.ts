import { rename } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { makeFolder } from '../system/makeFolder.ts';
import type { CacheReader, KnownSegment } from './cacheReader.ts';
import {
  createSegment,
  errorCode,
  keyBytes,
  keysFile,
  maxSegmentBytes,
  ownSegmentName,
  rowBytes,
  rowsFile,
  sealedSegmentName,
  type SegmentWriter,
  wordsOf,
} from './cacheSegment.ts';
import { checksum } from './checksum.ts';
import { encodeHalves } from './float16.ts';

export interface CacheWriterOptions {
  dir: string;
  dimensions: number;
  /** Learns of each row that is written. */
  reader: CacheReader;
  /** How long nothing is written after a failure to write, in ms. */
  retryMs: number;
  log: (event: string, fields: Record<string, unknown>) => void;
  onWritten: (bytes: number) => void;
}

export interface CacheWriter {
  /** Resolves when the row has been written, or could not be: `problem` says so then. */
  put(digest: Uint8Array, vector: Float32Array): Promise<void>;
  /** Makes the folder; a failure is a problem, not an error. */
  prepare(): Promise<void>;
  readonly problem: string | null;
  close(): Promise<void>;
}

interface Waiting {
  digest: Uint32Array;
  row: Uint8Array;
  done: () => void;
}

/** A power cut loses what was written in the last seconds; a killed process loses nothing. */
const syncAfterMs = 2_000;

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
};

function describeProblem(dir: string, error: unknown): string {
  const code = errorCode(error);
  const reason = code === undefined ? undefined : reasons[code];
  const detail = reason === undefined ? (error as Error).message : `${reason} (${String(code)})`;
  return `embeddings are not kept: ${dir} cannot be written: ${detail}`;
}

/** Of each digest the first, without those that are kept already. */
function newOnes(batch: readonly Waiting[], reader: CacheReader): Waiting[] {
  const seen = new Set<string>();
  return batch.filter(({ digest }) => {
    const name = digest.join();
    if (seen.has(name) || reader.holds(digest, 0)) return false;
    seen.add(name);
    return true;
  });
}

/** Writes to segments of this process alone. What is put in one turn of the event loop is written at once. */
export function createCacheWriter(options: CacheWriterOptions): CacheWriter {
  const { dir, dimensions, reader, retryMs, log } = options;
  const rowSize = rowBytes(dimensions);
  let own: { writer: SegmentWriter; segment: KnownSegment } | undefined;
  let problem: string | null = null;
  let retryAt = 0;
  let waiting: Waiting[] = [];
  let writing: Promise<void> = Promise.resolve();
  let syncTimer: NodeJS.Timeout | undefined;
  let closed = false;

  async function failed(error: unknown): Promise<void> {
    problem = describeProblem(dir, error);
    retryAt = Date.now() + retryMs;
    log('embedding cache cannot be written', { dir, code: errorCode(error) ?? null });
    const { writer } = own ?? {};
    own = undefined;
    try {
      await writer?.close();
    } catch (closing) {
      log('embedding cache: segment not closed', { dir, code: errorCode(closing) ?? null });
    }
  }

  async function ownSegment(): Promise<NonNullable<typeof own>> {
    if (own?.segment.gone === true) {
      // Somebody has emptied the cache.
      const { writer } = own;
      own = undefined;
      await writer.close();
    }
    if (own !== undefined) return own;
    makeFolder(dir);
    const base = ownSegmentName();
    own = { writer: await createSegment(dir, base), segment: reader.addOwn(base) };
    return own;
  }

  /** A full segment gets a name by which others see that it does not grow any more. */
  async function seal({ writer, segment }: NonNullable<typeof own>): Promise<void> {
    own = undefined;
    await writer.sync();
    await writer.close();
    const base = sealedSegmentName();
    await rename(rowsFile(dir, segment.base), rowsFile(dir, base));
    await rename(keysFile(dir, segment.base), keysFile(dir, base));
    await reader.sealOwn(segment, base, writer.rows * keyBytes);
  }

  async function writeBatch(batch: readonly Waiting[]): Promise<void> {
    const fresh = newOnes(batch, reader);
    if (fresh.length === 0) return;
    const target = await ownSegment();
    const { writer, segment } = target;
    const first = writer.rows;
    const rows = fresh.map(({ digest, row }) => ({ digest, row, rowChecksum: checksum(wordsOf(row), 0, rowSize / 4) }));
    await writer.append(rows);
    for (const [index, { digest, rowChecksum }] of rows.entries())
      reader.addRow(digest, 0, { segment: segment.number, row: first + index, checksum: rowChecksum });
    problem = null;
    syncTimer ??= setTimeout(() => {
      writing = writing.then(sync);
    }, syncAfterMs).unref();
    if (writer.rows * rowSize >= maxSegmentBytes) await seal(target);
    options.onWritten(rows.length * (rowSize + keyBytes));
  }

  async function sync(): Promise<void> {
    clearTimeout(syncTimer);
    syncTimer = undefined;
    try {
      await own?.writer.sync();
    } catch (error) {
      await failed(error);
    }
  }

  /** All that waits, in one write. */
  async function flush(): Promise<void> {
    await nextTurn();
    const batch = waiting;
    waiting = [];
    try {
      if (Date.now() >= retryAt) await writeBatch(batch);
    } catch (error) {
      await failed(error);
    }
    for (const { done } of batch) done();
  }

  return {
    async put(digest, vector) {
      if (digest.byteLength !== 16) throw new RangeError(`a digest is 16 bytes, not ${digest.byteLength}`);
      if (vector.length !== dimensions)
        throw new RangeError(`a vector of this model has ${dimensions} numbers, not ${vector.length}`);
      if (!vector.every(Number.isFinite)) throw new RangeError('a vector that is not finite is not kept');
      if (closed) throw new Error('the embedding cache is closed');
      const row = new Uint8Array(rowSize);
      row.set(new Uint8Array(encodeHalves(vector).buffer));
      await new Promise<void>((done) => {
        waiting.push({ digest: wordsOf(Uint8Array.from(digest)), row, done });
        if (waiting.length === 1) writing = writing.then(flush);
      });
    },
    async prepare() {
      try {
        makeFolder(dir);
      } catch (error) {
        await failed(error);
      }
    },
    get problem() {
      return problem;
    },
    async close() {
      closed = true;
      await writing;
      await sync();
      await own?.writer.close();
      own = undefined;
    },
  };
}
