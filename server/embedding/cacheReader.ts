import { type FileHandle, open, utimes } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checksum } from './checksum.ts';
import {
  errorCode,
  isSound,
  keyBytes,
  keysFile,
  keyWords,
  listSegments,
  rowBytes,
  rowsFile,
  wordsOf,
} from './cacheSegment.ts';
import { unitOfHalves } from './float16.ts';
import { createKeyTable, type RowPlace } from './keyTable.ts';

export interface CacheReaderOptions {
  dir: string;
  dimensions: number;
  /** How long what other processes have added may go unnoticed, in ms. */
  lookAgainMs: number;
  log: (event: string, fields: Record<string, unknown>) => void;
}

export interface KnownSegment {
  readonly number: number;
  base: string;
  /** Written by this process, which tells of each row itself. */
  own: boolean;
  /** Its files are no longer there. */
  gone: boolean;
  /** Bytes of its keys that are in the table. */
  loadedBytes: number;
  touchedAt: number;
}

export interface FoundVector {
  /** Position among the digests that were asked for. */
  index: number;
  vector: Float32Array;
}

/** What is kept in the segments of a folder, by whomever. `words` are digests, four words each. */
export interface CacheReader {
  /** Sees what is there now, unless that was done a moment ago. */
  look(now?: boolean): Promise<void>;
  /** Is the digest at `words[at]` kept, as far as is known? */
  holds(words: Uint32Array, at: number): boolean;
  /** Vectors of the digests that are there, by their position. */
  read(words: Uint32Array): Promise<FoundVector[]>;
  /** A segment that this process begins to write. */
  addOwn(base: string): KnownSegment;
  addRow(words: Uint32Array, at: number, place: RowPlace): void;
  /** The segment is not written any more and has this name now. */
  sealOwn(segment: KnownSegment, base: string, keysBytes: number): Promise<void>;
  /** Why nothing can be read; null while all is well. */
  readonly problem: string | null;
  close(): Promise<void>;
}

interface Wanted extends RowPlace {
  index: number;
}

const sliceMs = 8;
/** Records between two looks at the clock. */
const sliceRecords = 256;
const touchEveryMs = 3600_000;
const maxHandles = 16;
/** Rows so near to each other are read at once, up to a megabyte. */
const gapRows = 8;
const readBytes = 2 ** 20;
/** The segment of a row that turned out damaged. */
const nowhere: KnownSegment = { number: 0, base: '', own: false, gone: true, loadedBytes: 0, touchedAt: 0 };

/** Cuts wanted rows, ascending, into those that are read at once. */
function runsOf(wanted: readonly Wanted[], maxRows: number): Wanted[][] {
  const runs: Wanted[][] = [];
  for (const each of wanted) {
    const run = runs.at(-1);
    if (run !== undefined && each.row - run.at(-1)!.row <= gapRows && each.row - run[0]!.row < maxRows) run.push(each);
    else runs.push([each]);
  }
  return runs;
}

/** Open files of rows, the least recently opened closed first. */
function createHandles(dir: string) {
  const handles = new Map<string, FileHandle>();
  const drop = async (base: string): Promise<void> => {
    const handle = handles.get(base);
    handles.delete(base);
    await handle?.close();
  };
  return {
    drop,
    async get(base: string): Promise<FileHandle> {
      const known = handles.get(base);
      if (known !== undefined) return known;
      const handle = await open(rowsFile(dir, base), 'r');
      if (handles.has(base)) {
        // Another question has opened it meanwhile.
        await handle.close();
        return handles.get(base)!;
      }
      handles.set(base, handle);
      return handle;
    },
    /** Between questions only: a file is not closed under a reader. */
    async trim(): Promise<void> {
      for (const base of [...handles.keys()].slice(0, Math.max(0, handles.size - maxHandles))) await drop(base);
    },
    async close(): Promise<void> {
      for (const base of [...handles.keys()]) await drop(base);
    },
  };
}

export function createCacheReader({ dir, dimensions, lookAgainMs, log }: CacheReaderOptions): CacheReader {
  const rowSize = rowBytes(dimensions);
  const table = createKeyTable();
  const segments: KnownSegment[] = [nowhere];
  const byBase = new Map<string, KnownSegment>();
  const handles = createHandles(dir);
  let looking: Promise<void> | undefined;
  let lookedAt = -Infinity;
  let problem: string | null = null;
  /** Questions and looks take turns, so that no file is closed while it is read. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined); // whoever asked hears of it
    return result;
  }

  function addSegment(base: string, own: boolean): KnownSegment {
    const segment = { number: segments.length, base, own, gone: false, loadedBytes: 0, touchedAt: 0 };
    segments.push(segment);
    byBase.set(base, segment);
    return segment;
  }

  async function dropSegment(segment: KnownSegment): Promise<void> {
    segment.gone = true;
    byBase.delete(segment.base);
    await handles.drop(segment.base);
  }

  function placeOf(words: Uint32Array, at: number): RowPlace | undefined {
    const found = table.find(words, at);
    return found === undefined || segments[found.segment]!.gone ? undefined : found;
  }

  /** Puts the keys that a segment has more than before into the table, in slices. */
  async function loadKeys(segment: KnownSegment, keysSize: number): Promise<void> {
    const end = keysSize - (keysSize % keyBytes);
    if (end <= segment.loadedBytes) return;
    const bytes = new Uint8Array(end - segment.loadedBytes);
    const file = await open(keysFile(dir, segment.base), 'r');
    const { bytesRead } = await file.read(bytes, 0, bytes.length, segment.loadedBytes).finally(() => file.close());
    const words = wordsOf(bytes);
    const records = Math.floor(bytesRead / keyBytes);
    let unsound = 0;
    let until = performance.now() + sliceMs;
    for (let record = 0; record < records; record++) {
      const at = record * keyWords;
      // The newest counts: a vector is put again only when the older row was gone or damaged.
      if (isSound(words, at))
        table.set(words, at, { segment: segment.number, row: words[at + 4]!, checksum: words[at + 5]! });
      else unsound++;
      if (record % sliceRecords === 0 && performance.now() > until) {
        await nextTurn();
        until = performance.now() + sliceMs;
      }
    }
    segment.loadedBytes += records * keyBytes;
    if (unsound > 0) log('embedding cache: damaged keys passed over', { segment: segment.base, count: unsound });
  }

  async function lookAgain(): Promise<void> {
    try {
      const listed = await listSegments(dir);
      const bases = new Set(listed.map(({ base }) => base));
      for (const segment of [...byBase.values()]) if (!bases.has(segment.base)) await dropSegment(segment);
      for (const { base, keysBytes } of listed) {
        const segment = byBase.get(base) ?? addSegment(base, false);
        if (segment.own) continue;
        try {
          await loadKeys(segment, keysBytes);
        } catch (error) {
          // Merged or pruned since it was listed.
          if (errorCode(error) !== 'ENOENT') throw error;
          await dropSegment(segment);
        }
      }
      problem = null;
    } catch (error) {
      problem = `kept embeddings cannot be read from ${dir}: ${(error as Error).message}`;
      log('embedding cache cannot be read', { dir, code: errorCode(error) ?? null });
    }
    lookedAt = performance.now();
  }

  function look(now = false): Promise<void> {
    if (looking === undefined && !now && performance.now() - lookedAt < lookAgainMs) return Promise.resolve();
    looking ??= inTurn(lookAgain).finally(() => (looking = undefined));
    return looking;
  }

  /** Tells the pruning that this segment is of use. */
  function touch(segment: KnownSegment): void {
    const now = Date.now();
    if (now - segment.touchedAt < touchEveryMs) return;
    segment.touchedAt = now;
    utimes(keysFile(dir, segment.base), new Date(now), new Date(now)).catch((error: unknown) =>
      // Only the order of pruning suffers, e.g. on a read-only disk.
      log('embedding cache: time of use not noted', { segment: segment.base, code: errorCode(error) ?? null }),
    );
  }

  /** Reads from the first row of a run to its last at once; gives the sound ones among those wanted. */
  async function readRun(handle: FileHandle, run: readonly Wanted[]): Promise<FoundVector[]> {
    const from = run[0]!.row;
    const bytes = new Uint8Array((run.at(-1)!.row - from + 1) * rowSize);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from * rowSize);
    const words = wordsOf(bytes);
    return run.flatMap(({ index, row, checksum: expected }) => {
      const start = (row - from) * rowSize;
      if (start + rowSize > bytesRead || checksum(words, start / 4, rowSize / 4) !== expected) return [];
      return [{ index, vector: unitOfHalves(new Uint16Array(bytes.buffer, start, dimensions)) }];
    });
  }

  async function readSegment(segment: KnownSegment, wanted: readonly Wanted[], words: Uint32Array) {
    const ascending = [...wanted].sort((a, b) => a.row - b.row);
    const handle = await handles.get(segment.base);
    const found: FoundVector[] = [];
    for (const run of runsOf(ascending, Math.max(1, Math.floor(readBytes / rowSize))))
      found.push(...(await readRun(handle, run)));
    touch(segment);
    if (found.length < wanted.length) forget(segment, wanted, new Set(found.map(({ index }) => index)), words);
    return found;
  }

  /** Rows that are damaged are as if they had never been kept. */
  function forget(segment: KnownSegment, wanted: readonly Wanted[], sound: Set<number>, words: Uint32Array): void {
    const damaged = wanted.filter(({ index }) => !sound.has(index));
    for (const { index } of damaged) table.set(words, index * 4, { segment: nowhere.number, row: 0, checksum: 0 });
    log('embedding cache: damaged rows passed over', { segment: segment.base, count: damaged.length });
  }

  /** Rows of the digests at these positions; `lost` are those whose segment has gone meanwhile. */
  async function readAll(words: Uint32Array, indexes: Iterable<number>) {
    const bySegment = new Map<KnownSegment, Wanted[]>();
    for (const index of indexes) {
      const place = placeOf(words, index * 4);
      if (place === undefined) continue;
      const segment = segments[place.segment]!;
      const wanted = bySegment.get(segment);
      if (wanted === undefined) bySegment.set(segment, [{ ...place, index }]);
      else wanted.push({ ...place, index });
    }
    const found: FoundVector[] = [];
    const lost: number[] = [];
    for (const [segment, wanted] of bySegment) {
      try {
        found.push(...(await readSegment(segment, wanted, words)));
      } catch (error) {
        if (errorCode(error) === 'ENOENT') await dropSegment(segment);
        else log('embedding cache: rows cannot be read', { segment: segment.base, code: errorCode(error) ?? null });
        lost.push(...wanted.map(({ index }) => index));
      }
    }
    await handles.trim();
    return { found, lost };
  }

  return {
    look,
    holds: (words, at) => placeOf(words, at) !== undefined,
    async read(words) {
      const { found, lost } = await inTurn(() => readAll(words, Array(words.length / 4).keys()));
      if (lost.length > 0) {
        // They may lie in a merged segment now.
        await look(true);
        found.push(...(await inTurn(() => readAll(words, lost))).found);
      }
      return found.sort((a, b) => a.index - b.index);
    },
    addOwn: (base) => addSegment(base, true),
    addRow: (words, at, place) => table.set(words, at, place),
    sealOwn: (segment, base, keysBytes) =>
      inTurn(async () => {
        await handles.drop(segment.base);
        byBase.delete(segment.base);
        segment.base = base;
        segment.own = false;
        segment.loadedBytes = keysBytes;
        byBase.set(base, segment);
      }),
    get problem() {
      return problem;
    },
    async close() {
      await inTurn(() => handles.close());
    },
  };
}
