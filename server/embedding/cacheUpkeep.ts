import { open, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
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
  type KeptRow,
  listSegments,
  maxSegmentBytes,
  removeLeftovers,
  removeSegment,
  rowBytes,
  rowsFile,
  sealedSegmentName,
  type SegmentFiles,
  type SegmentWriter,
  wordsOf,
} from './cacheSegment.ts';
import { createKeyTable } from './keyTable.ts';

/** Of the layout of the folder. A version that this program does not know is left alone. */
const formatVersion = 'v1';

const embeddingsFolder = (cacheDir: string): string => path.join(cacheDir, 'embeddings');

export const modelFolder = (cacheDir: string, fingerprint: string): string =>
  path.join(embeddingsFolder(cacheDir), formatVersion, fingerprint);

/** Beside the folder: which model it was (rememberedModels.ts). */
export const noteOfModel = (folder: string): string => `${folder}.json`;

export interface CacheStatus {
  dir: string;
  bytes: number;
  /** Kept by other versions of the program; not counted in `bytes`. */
  otherFormats: string[];
  models: {
    fingerprint: string;
    /** Kept vectors; one that was kept by two processes at once counts twice. */
    vectors: number;
    bytes: number;
    segments: number;
    /** ISO 8601. */
    lastUsedAt: string;
  }[];
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
}

const bytesOf = ({ keysBytes, rowsBytes }: SegmentFiles): number => keysBytes + rowsBytes;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** What is kept, without opening it. */
export async function cacheStatus(cacheDir: string): Promise<CacheStatus> {
  const formats = await foldersIn(embeddingsFolder(cacheDir));
  const models: CacheStatus['models'] = [];
  for (const fingerprint of await foldersIn(path.join(embeddingsFolder(cacheDir), formatVersion))) {
    const segments = await listSegments(modelFolder(cacheDir, fingerprint));
    if (segments.length === 0) continue;
    models.push({
      fingerprint,
      vectors: sum(segments.map(({ keysBytes }) => Math.floor(keysBytes / keyBytes))),
      bytes: sum(segments.map(bytesOf)),
      segments: segments.length,
      lastUsedAt: new Date(Math.max(...segments.map(({ usedAt }) => usedAt))).toISOString(),
    });
  }
  return {
    dir: embeddingsFolder(cacheDir),
    bytes: sum(models.map(({ bytes }) => bytes)),
    otherFormats: formats.filter((name) => name !== formatVersion).sort(),
    models: models.sort((a, b) => (a.lastUsedAt < b.lastUsedAt ? 1 : -1)),
  };
}

export interface PruneOptions {
  /** What was used least recently goes until all models together take no more than this. */
  maxBytes?: number;
  /** Models whose fingerprint is not among these go entirely. */
  keepModels?: readonly string[];
  /** Everything goes, also what a running process writes (it begins anew). */
  all?: boolean;
}

export interface PruneReport {
  segments: number;
  bytes: number;
}

/** Makes the cache smaller. What a running process writes to stays, but for `all`. */
export async function pruneCache(
  cacheDir: string,
  { maxBytes = Infinity, keepModels, all = false }: PruneOptions,
): Promise<PruneReport> {
  const pruned = { segments: 0, bytes: 0 };
  const kept: (SegmentFiles & { dir: string })[] = [];
  const remove = async (dir: string, segment: SegmentFiles): Promise<void> => {
    await removeSegment(dir, segment.base);
    pruned.segments++;
    pruned.bytes += bytesOf(segment);
  };
  const fingerprints = await foldersIn(path.join(embeddingsFolder(cacheDir), formatVersion));
  for (const fingerprint of fingerprints) {
    const dir = modelFolder(cacheDir, fingerprint);
    const unused = keepModels !== undefined && !keepModels.includes(fingerprint);
    for (const segment of await listSegments(dir)) {
      if (all || (unused && !segment.growing)) await remove(dir, segment);
      else kept.push({ ...segment, dir });
    }
  }
  let total = sum(kept.map(bytesOf));
  for (const segment of kept.sort((a, b) => a.usedAt - b.usedAt)) {
    if (total <= maxBytes) break;
    if (segment.growing) continue;
    await remove(segment.dir, segment);
    total -= bytesOf(segment);
  }
  if (pruned.segments > 0) await removeEmptyFolders(fingerprints.map((each) => modelFolder(cacheDir, each)));
  return pruned;
}

async function removeEmptyFolders(dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    try {
      await rmdir(dir);
      await rm(noteOfModel(dir), { force: true });
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EBUSY'].includes(errorCode(error) ?? '')) throw error;
    }
  }
}

interface MergeOptions {
  dimensions: number;
  /** So many segments that nobody writes to are few enough. */
  keep: number;
  /** Asked between segments; a merge that is stopped changes nothing. */
  stop?: () => boolean;
}

export interface MergeReport {
  /** Segments that were made one. */
  segments: number;
  /** Rows that were there twice, or damaged. */
  dropped: number;
}

const lockStaleMs = 10 * 60_000;
/** Rows that are copied at a time. */
const copyRows = 512;

/**
 * Takes `merge.lock`, or says that somebody has it. The lock saves work and nothing more: two merges at once would
 * each write all that they remove, so that rows are only there twice. Hence its age is all that is asked of it.
 */
async function takeMergeLock(file: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await (await open(file, 'wx')).close();
      return true;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    try {
      if (Date.now() - (await stat(file)).mtimeMs < lockStaleMs) return false;
      await rm(file, { force: true });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
  return false;
}

/** The smallest of the segments that nobody writes to, as many as fit into one. */
function mergeable(segments: readonly SegmentFiles[], keep: number): SegmentFiles[] {
  const loose = segments.filter(({ growing, rowsBytes }) => !growing && rowsBytes < maxSegmentBytes / 2);
  if (loose.length <= keep) return [];
  let total = 0;
  const chosen = [...loose]
    .sort((a, b) => a.rowsBytes - b.rowsBytes)
    .filter(({ rowsBytes }) => (total += rowsBytes) <= maxSegmentBytes);
  return chosen.length < 2 ? [] : chosen;
}

/** Makes one segment of many small ones when there are many; rows that are damaged or there twice are dropped. */
export async function mergeSegments(dir: string, { dimensions, keep, stop }: MergeOptions): Promise<MergeReport> {
  const nothing = { segments: 0, dropped: 0 };
  if (mergeable(await listSegments(dir), keep).length === 0) return nothing;
  const lock = path.join(dir, 'merge.lock');
  if (!(await takeMergeLock(lock))) return nothing;
  try {
    const chosen = mergeable(await listSegments(dir), keep);
    if (chosen.length === 0) return nothing;
    await removeLeftovers(dir);
    return await mergeInto(dir, chosen, { dimensions, ...(stop === undefined ? {} : { stop }) });
  } finally {
    await rm(lock, { force: true });
  }
}

async function mergeInto(
  dir: string,
  chosen: readonly SegmentFiles[],
  { dimensions, stop = () => false }: Omit<MergeOptions, 'keep'>,
): Promise<MergeReport> {
  const base = sealedSegmentName();
  const fresh = '.new';
  const writer = await createSegment(dir, base, fresh);
  const seen = createKeyTable();
  let records = 0;
  let finished = false;
  try {
    for (const segment of chosen) {
      if (stop()) break;
      records += await copySegment(dir, segment.base, rowBytes(dimensions), writer, seen);
    }
    finished = !stop();
    if (finished) await writer.sync();
  } finally {
    await writer.close();
    if (!finished)
      for (const file of [keysFile(dir, base), rowsFile(dir, base)]) await rm(file + fresh, { force: true });
  }
  if (!finished) return { segments: 0, dropped: 0 };
  const usedAt = new Date(Math.max(...chosen.map((segment) => segment.usedAt)));
  await utimes(keysFile(dir, base) + fresh, usedAt, usedAt);
  await rename(rowsFile(dir, base) + fresh, rowsFile(dir, base));
  await rename(keysFile(dir, base) + fresh, keysFile(dir, base));
  for (const segment of chosen) await removeSegment(dir, segment.base);
  return { segments: chosen.length, dropped: records - writer.rows };
}

/** Appends the sound rows of a segment that were not yet seen; gives the number of its records. */
async function copySegment(
  dir: string,
  base: string,
  rowSize: number,
  writer: SegmentWriter,
  seen: ReturnType<typeof createKeyTable>,
): Promise<number> {
  const words = wordsOf(await readFile(keysFile(dir, base)));
  const records = Math.floor(words.length / keyWords);
  const rows = await open(rowsFile(dir, base), 'r');
  try {
    for (let record = 0; record < records; record += copyRows) {
      const batch: KeptRow[] = [];
      for (let at = record * keyWords; at < Math.min(records, record + copyRows) * keyWords; at += keyWords) {
        if (!isSound(words, at) || seen.find(words, at) !== undefined) continue;
        const row = new Uint8Array(rowSize);
        const { bytesRead } = await rows.read(row, 0, rowSize, words[at + 4]! * rowSize);
        const rowChecksum = words[at + 5]!;
        if (bytesRead < rowSize || checksum(wordsOf(row), 0, rowSize / 4) !== rowChecksum) continue;
        seen.set(words, at, { segment: 0, row: 0, checksum: rowChecksum });
        batch.push({ digest: words.slice(at, at + 4), row, rowChecksum });
      }
      if (batch.length > 0) await writer.append(batch);
      await nextTurn();
    }
  } finally {
    await rows.close();
  }
  return records;
}
