import { type FileHandle, mkdir, open, readFile, rename, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checksum } from './checksum.ts';
import {
  createSegment,
  errorCode,
  isSound,
  keyBytes,
  keysFile,
  keyWords,
  listSegments,
  maxSegmentBytes,
  ownSegmentName,
  rowBytes,
  rowsFile,
  sealedSegmentName,
  type SegmentFiles,
  type SegmentWriter,
  wordsOf,
} from './cacheSegment.ts';
import { mergeSegments, modelFolder, pruneCache } from './cacheUpkeep.ts';
import { encodeHalves, unitOfHalves } from './float16.ts';
import { createKeyTable, type RowPlace } from './keyTable.ts';
import type { EmbeddingCache } from './types.ts';

export interface EmbeddingCacheOptions {
  /** The user's cache folder. */
  cacheDir: string;
  model: { fingerprint: string; dimensions: number };
  /** Most bytes that the embeddings of all models may take together. */
  maxBytes: number;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** How long what other processes have added may go unnoticed, in ms. */
  lookAgainMs?: number;
  /** How long nothing is written after a failure to write, in ms. */
  retryMs?: number;
}

interface LoadedSegment {
  number: number;
  base: string;
  /** Bytes of its keys that are in the table. */
  loadedBytes: number;
  /** Its files are no longer there. */
  gone: boolean;
  touchedAt: number;
}

interface Wanted extends RowPlace {
  /** Position among the digests that were asked for. */
  index: number;
}

interface Waiting {
  digest: Uint32Array;
  row: Uint8Array;
  done: () => void;
}

const sliceMs = 8;
const touchEveryMs = 3600_000;
const syncAfterMs = 2_000;
const openHandles = 16;
/** Rows so near to each other are read at once, up to a megabyte. */
const gapRows = 8;
const readBytes = 2 ** 20;
/** After so many bytes written, the budget is looked at again. */
const tidyEveryBytes = 32 * 2 ** 20;
/** So many segments of processes that have ended are few enough to be left alone. */
const maxLooseSegments = 12;
/** Number of the segment that is nowhere: a row that turned out damaged. */
const nowhere = 0;

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EACCES: 'no permission',
  EPERM: 'no permission',
};

function describeProblem(dir: string, error: unknown): string {
  const code = errorCode(error);
  const reason = code === undefined ? undefined : reasons[code];
  const detail = reason === undefined ? (error as Error).message : `${reason} (${code})`;
  return `embeddings are not kept: ${dir} cannot be written: ${detail}`;
}

/**
 * Vectors by digest, in segments that only grow (see cacheSegment.ts). Each process writes to segments of its own and
 * reads those of all: nobody waits for a lock. Never fails for the disk's sake: `problem` says what is wrong.
 */
export async function openEmbeddingCache(options: EmbeddingCacheOptions): Promise<EmbeddingCache> {
  const cache = createCache(options);
  await cache.prepare();
  return cache;
}

function createCache({
  cacheDir,
  model,
  maxBytes,
  log,
  lookAgainMs = 1_000,
  retryMs = 60_000,
}: EmbeddingCacheOptions): EmbeddingCache & { prepare(): Promise<void> } {
  const dir = modelFolder(cacheDir, model.fingerprint);
  const rowSize = rowBytes(model.dimensions);
  const table = createKeyTable();
  const segments: LoadedSegment[] = [{ number: nowhere, base: '', loadedBytes: 0, gone: true, touchedAt: 0 }];
  const byBase = new Map<string, LoadedSegment>();
  const handles = new Map<string, FileHandle>();
  let own: { writer: SegmentWriter; segment: LoadedSegment } | undefined;
  let problem: string | null = null;
  let retryAt = 0;
  let waiting: Waiting[] = [];
  let writing: Promise<void> = Promise.resolve();
  let looking: Promise<void> | undefined;
  let lookedAt = -Infinity;
  let tidying: Promise<void> = Promise.resolve();
  let writtenSinceTidy = 0;
  let syncTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function failed(error: unknown): void {
    problem = describeProblem(dir, error);
    retryAt = Date.now() + retryMs;
    log('embedding cache cannot be written', {
      dir,
      code: errorCode(error) ?? null,
      message: (error as Error).message,
    });
  }

  function addSegment(base: string): LoadedSegment {
    const segment = { number: segments.length, base, loadedBytes: 0, gone: false, touchedAt: 0 };
    segments.push(segment);
    byBase.set(base, segment);
    return segment;
  }

  async function dropSegment(segment: LoadedSegment): Promise<void> {
    segment.gone = true;
    byBase.delete(segment.base);
    const handle = handles.get(segment.base);
    handles.delete(segment.base);
    await handle?.close();
    if (own?.segment !== segment) return;
    const { writer } = own;
    own = undefined;
    await writer.close();
  }

  function place(words: Uint32Array, at: number): RowPlace | undefined {
    const found = table.find(words, at);
    return found === undefined || segments[found.segment]!.gone ? undefined : found;
  }

  /** Puts the keys that a segment has more than before into the table, in slices. */
  async function loadKeys(segment: LoadedSegment, keysSize: number): Promise<void> {
    const end = keysSize - (keysSize % keyBytes);
    if (end <= segment.loadedBytes) return;
    const words = wordsOf((await readKeys(segment)).subarray(segment.loadedBytes, end));
    let unsound = 0;
    let until = performance.now() + sliceMs;
    for (let at = 0; at + keyWords <= words.length; at += keyWords) {
      if (!isSound(words, at)) unsound++;
      else if (place(words, at) === undefined)
        table.set(words, at, { segment: segment.number, row: words[at + 4]!, checksum: words[at + 5]! });
      if ((at & 0xff) === 0 && performance.now() > until) {
        await nextTurn();
        until = performance.now() + sliceMs;
      }
    }
    segment.loadedBytes += words.length * 4;
    if (unsound > 0) log('embedding cache: damaged keys passed over', { segment: segment.base, count: unsound });
  }

  async function readKeys(segment: LoadedSegment): Promise<Uint8Array> {
    try {
      return await readFile(keysFile(dir, segment.base));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      // Merged or pruned since it was listed.
      await dropSegment(segment);
      return new Uint8Array(0);
    }
  }

  async function lookAgain(): Promise<void> {
    let listed: SegmentFiles[];
    try {
      listed = await listSegments(dir);
      const bases = new Set(listed.map(({ base }) => base));
      for (const segment of [...byBase.values()]) if (!bases.has(segment.base)) await dropSegment(segment);
      for (const { base, keysBytes } of listed) {
        const segment = byBase.get(base) ?? addSegment(base);
        if (segment !== own?.segment) await loadKeys(segment, keysBytes);
      }
    } catch (error) {
      log('embedding cache cannot be read', { dir, message: (error as Error).message });
      problem ??= `kept embeddings cannot be read: ${(error as Error).message}`;
    }
    lookedAt = performance.now();
  }

  /** Sees what is there now, unless that was done a moment ago. */
  function look(now = false): Promise<void> {
    if (looking === undefined && !now && performance.now() - lookedAt < lookAgainMs) return Promise.resolve();
    looking ??= lookAgain().finally(() => (looking = undefined));
    return looking;
  }

  async function handleOf(base: string): Promise<FileHandle> {
    const known = handles.get(base);
    if (known !== undefined) return known;
    const handle = await open(rowsFile(dir, base), 'r');
    handles.set(base, handle);
    for (const [oldest, old] of handles) {
      if (handles.size <= openHandles) break;
      handles.delete(oldest);
      await old.close();
    }
    return handle;
  }

  /** Tells the pruning that this segment is of use. */
  function touch(segment: LoadedSegment): void {
    const now = Date.now();
    if (now - segment.touchedAt < touchEveryMs) return;
    segment.touchedAt = now;
    utimes(keysFile(dir, segment.base), new Date(now), new Date(now)).catch((error: unknown) =>
      // Only the order of pruning suffers, e.g. on a read-only disk.
      log('embedding cache: time of use not noted', { segment: segment.base, code: errorCode(error) ?? null }),
    );
  }

  /** Reads the rows from `first.row` to `last.row` of a segment at once; gives the sound ones among those wanted. */
  async function readRun(segment: LoadedSegment, run: readonly Wanted[]) {
    const from = run[0]!.row;
    const buffer = new Uint8Array((run.at(-1)!.row - from + 1) * rowSize);
    const handle = await handleOf(segment.base);
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, from * rowSize);
    const found: { index: number; vector: Float32Array }[] = [];
    for (const { index, row, checksum: expected } of run) {
      const start = (row - from) * rowSize;
      const whole = start + rowSize <= bytesRead;
      if (whole && checksum(wordsOf(buffer), start / 4, rowSize / 4) === expected)
        found.push({ index, vector: unitOfHalves(new Uint16Array(buffer.buffer, start, model.dimensions)) });
    }
    return found;
  }

  async function readSegment(segment: LoadedSegment, wanted: Wanted[]) {
    wanted.sort((a, b) => a.row - b.row);
    const found: { index: number; vector: Float32Array }[] = [];
    const maxRows = Math.max(1, Math.floor(readBytes / rowSize));
    for (let start = 0; start < wanted.length;) {
      let end = start + 1;
      while (
        end < wanted.length &&
        wanted[end]!.row - wanted[end - 1]!.row <= gapRows &&
        wanted[end]!.row - wanted[start]!.row < maxRows
      )
        end++;
      found.push(...(await readRun(segment, wanted.slice(start, end))));
      start = end;
    }
    touch(segment);
    return found;
  }

  /** Rows of the wanted ones that are there; `lost` are those whose segment has gone meanwhile. */
  async function readWanted(wanted: readonly Wanted[], words: Uint32Array) {
    const bySegment = new Map<number, Wanted[]>();
    for (const each of wanted) bySegment.set(each.segment, [...(bySegment.get(each.segment) ?? []), each]);
    const found: { index: number; vector: Float32Array }[] = [];
    const lost: number[] = [];
    for (const [number, those] of bySegment) {
      const segment = segments[number]!;
      try {
        const read = await readSegment(segment, those);
        found.push(...read);
        if (read.length < those.length) forget(segment, those, new Set(read.map(({ index }) => index)), words);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') await dropSegment(segment);
        else log('embedding cache: rows cannot be read', { segment: segment.base, message: (error as Error).message });
        lost.push(...those.map(({ index }) => index));
      }
    }
    return { found, lost };
  }

  /** Rows that are damaged are as if they had never been kept. */
  function forget(segment: LoadedSegment, wanted: readonly Wanted[], sound: Set<number>, words: Uint32Array): void {
    const damaged = wanted.filter(({ index }) => !sound.has(index));
    for (const { index } of damaged) table.set(words, index * 4, { segment: nowhere, row: 0, checksum: 0 });
    log('embedding cache: damaged rows passed over', { segment: segment.base, count: damaged.length });
  }

  function placesOf(words: Uint32Array, indexes: Iterable<number>): Wanted[] {
    const wanted: Wanted[] = [];
    for (const index of indexes) {
      const found = place(words, index * 4);
      if (found !== undefined) wanted.push({ ...found, index });
    }
    return wanted;
  }

  function digestWords(digests: Uint8Array): Uint32Array {
    if (digests.byteLength % 16 !== 0)
      throw new RangeError(`digests are 16 bytes each, not ${digests.byteLength} in all`);
    return wordsOf(digests);
  }

  async function begin(): Promise<NonNullable<typeof own>> {
    await mkdir(dir, { recursive: true });
    const base = ownSegmentName();
    own = { writer: await createSegment(dir, base), segment: addSegment(base) };
    return own;
  }

  /** A full segment gets a name by which others see that it does not grow any more. */
  async function seal({ writer, segment }: NonNullable<typeof own>): Promise<void> {
    own = undefined;
    await writer.sync();
    await writer.close();
    const base = sealedSegmentName();
    const handle = handles.get(segment.base);
    handles.delete(segment.base);
    await handle?.close();
    byBase.delete(segment.base);
    await rename(rowsFile(dir, segment.base), rowsFile(dir, base));
    await rename(keysFile(dir, segment.base), keysFile(dir, base));
    segment.base = base;
    segment.loadedBytes = writer.rows * keyBytes;
    byBase.set(base, segment);
  }

  async function writeBatch(batch: readonly Waiting[]): Promise<void> {
    const seen = new Set<string>();
    const fresh = batch.filter(({ digest }) => {
      const name = digest.join();
      if (seen.has(name) || place(digest, 0) !== undefined) return false;
      seen.add(name);
      return true;
    });
    if (fresh.length === 0) return;
    const { writer, segment } = own ?? (await begin());
    const rows = fresh.map(({ digest, row }) => ({ digest, row, rowChecksum: checksum(wordsOf(row), 0, rowSize / 4) }));
    const first = writer.rows;
    await writer.append(rows);
    for (const [index, { digest, rowChecksum }] of rows.entries())
      table.set(digest, 0, { segment: segment.number, row: first + index, checksum: rowChecksum });
    problem = null;
    writtenSinceTidy += rows.length * (rowSize + keyBytes);
    syncTimer ??= setTimeout(() => void syncSoon(), syncAfterMs).unref();
    if (writer.rows * rowSize >= maxSegmentBytes && own !== undefined) await seal(own);
    if (writtenSinceTidy >= tidyEveryBytes) startTidying();
  }

  async function syncSoon(): Promise<void> {
    syncTimer = undefined;
    try {
      await own?.writer.sync();
    } catch (error) {
      failed(error);
    }
  }

  /** All that waits, in one write. */
  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      if (Date.now() >= retryAt) await writeBatch(batch);
    } catch (error) {
      failed(error);
      await own?.writer.close().catch(() => undefined); // it has failed already, and that is known
      own = undefined;
    }
    for (const { done } of batch) done();
  }

  /** Merges small segments of processes that have ended, and keeps to the budget; beside the work, never in its way. */
  function startTidying(): void {
    writtenSinceTidy = 0;
    tidying = tidying.then(async () => {
      if (closed || problem !== null) return;
      try {
        const merged = await mergeSegments(dir, {
          dimensions: model.dimensions,
          keep: maxLooseSegments,
          stop: () => closed,
        });
        const pruned = await pruneCache(cacheDir, { maxBytes });
        if (merged.segments > 0 || pruned.bytes > 0)
          log('embedding cache tidied', {
            merged: merged.segments,
            dropped: merged.dropped,
            prunedBytes: pruned.bytes,
          });
        if (merged.segments > 0 || pruned.bytes > 0) await look(true);
      } catch (error) {
        log('embedding cache cannot be tidied', { dir, message: (error as Error).message });
      }
    });
  }

  return {
    async prepare() {
      try {
        await mkdir(dir, { recursive: true });
      } catch (error) {
        failed(error);
      }
      await look(true);
      startTidying();
    },
    async get(digests) {
      const words = digestWords(digests);
      await look();
      const { found, lost } = await readWanted(placesOf(words, Array(words.length / 4).keys()), words);
      if (lost.length > 0) {
        await look(true);
        found.push(...(await readWanted(placesOf(words, lost), words)).found);
      }
      return found.sort((a, b) => a.index - b.index);
    },
    async has(digests) {
      const words = digestWords(digests);
      await look();
      return Array.from({ length: words.length / 4 }, (_, index) => place(words, index * 4) !== undefined);
    },
    async put(digest, vector) {
      if (digest.byteLength !== 16) throw new RangeError(`a digest is 16 bytes, not ${digest.byteLength}`);
      if (vector.length !== model.dimensions)
        throw new RangeError(`a vector of this model has ${model.dimensions} numbers, not ${vector.length}`);
      if (!vector.every(Number.isFinite)) throw new RangeError('a vector that is not finite is not kept');
      if (closed) throw new Error('the embedding cache is closed');
      const row = new Uint8Array(rowSize);
      row.set(new Uint8Array(encodeHalves(vector).buffer));
      return new Promise((done) => {
        waiting.push({ digest: new Uint32Array(Uint8Array.from(digest).buffer), row, done });
        if (waiting.length === 1) writing = writing.then(() => nextTurn()).then(flush);
      });
    },
    get problem() {
      return problem;
    },
    async close() {
      if (closed) return;
      closed = true;
      await writing;
      await tidying;
      await looking;
      clearTimeout(syncTimer);
      await syncSoon();
      await own?.writer.close();
      own = undefined;
      for (const handle of handles.values()) await handle.close();
      handles.clear();
    },
  };
}
