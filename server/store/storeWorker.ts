/**
 * The worker thread that owns index.db: SQL, search and checkpoints. Calls are answered in order. After a write it
 * publishes a checkpoint by itself.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import { AppError, serializeError } from '../../core/errors.ts';
import { checkDatabase } from './checkDatabase.ts';
import { removeStaleTemporaries, replaceFile, setAside } from './checkpoint.ts';
import { CheckpointPace } from './checkpointPace.ts';
import type { CommitChanges } from '../../core/history/types.ts';
import { answerGraph, referencePlaces, referencesAmong } from '../../core/graph/graphAnswers.ts';
import { IndexDatabase, NewerSchemaError } from './indexDatabase.ts';
import { LinkPace } from './linkPace.ts';
import { runFor } from './slices.ts';
import type {
  SentHistory,
  StoreCalls,
  StoreNotice,
  StoreReply,
  StoreRequest,
  StoreWorkerData,
} from './storeProtocol.ts';
import { VectorTable } from '../../core/vectors/vectorTable.ts';
import { collectGarbage } from '../system/collectGarbage.ts';
import { releaseMemory } from '../system/releaseMemory.ts';
import { readLock } from '../system/writerLock.ts';

if (parentPort === null) throw new Error('storeWorker runs as a worker thread only');
const port = parentPort;
const { wasmFile, scanFile, file, analysisVersion, linkWaitMs } = workerData as StoreWorkerData;
const folder = path.dirname(file);

/** Quiet before the links of saved files are resolved again: saves come in bursts, and answers do not wait for it. */
const linkMs = 3_000;
/** Reading the graph for a few saved files may take long in a large index: less than a twentieth of the time. */
const linkShare = 20;
/** Linking that worked longer has left much behind. */
const muchLinkingMs = 2_000;
/** Long work is done in slices of this length; requests are answered in between. */
const sliceMs = 15;

let sql: SqlJsStatic;
let database: IndexDatabase | undefined;
/** Id of our lock; null for a reader and for a writer without a disk. */
let lockId: string | null = null;
/** Vectors beside the index, a table a model, by fingerprint. They outlive a database that is read again. */
const vectors = new Map<string, VectorTable>();
let loadedStamp = '';
/** What is in memory is what is on disk under that stamp, or comes from it. */
let isLoadedWhole = false;
let unsaved = false;
let timer: NodeJS.Timeout | undefined;
let linkTimer: NodeJS.Timeout | undefined;
/** How long the last linking worked. */
let linkTookMs = 0;
const linkPace = new LinkPace();
let isLinking = false;
/** Questions that wait for the links, each with the time at which it waits no longer. */
let held: { request: StoreRequest; timer: NodeJS.Timeout | undefined }[] = [];
/** No index run is in the middle of its work. */
let isSettled = true;
/** The checkpoint that is on its way to the disk. */
let writing: Promise<void> | undefined;
const checkpointPace = new CheckpointPace();

function open(): IndexDatabase {
  if (database === undefined) throw new Error('the store is not open');
  return database;
}

/** Tells one state of index.db from the next; '' when there is none. */
function stampOfFile(): string {
  try {
    const { size, mtimeMs, ino } = fs.statSync(file);
    return `${size} ${mtimeMs} ${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return '';
    throw error;
  }
}

function newer(error: NewerSchemaError): AppError {
  return new AppError('index_newer', `this index was written by a newer version of ContextKit: ${error.message}`, {
    hint: 'Update ContextKit, or use another folder with --index-dir.',
    cause: error,
  });
}

function unreadable(error: unknown): AppError {
  const { code } = error as NodeJS.ErrnoException;
  return new AppError('index_unwritable', `the index cannot be read: ${file} (${String(code)})`, {
    hint: 'Check the permissions of the folder, or use another one with --index-dir.',
    cause: error,
  });
}

/** The database in the file, or an empty one with the reason why the file was no good. */
function load(): { loaded: IndexDatabase; damage: string | null } {
  const stamp = stampOfFile();
  loadedStamp = stamp;
  isLoadedWhole = false;
  if (stamp === '') return { loaded: new IndexDatabase(sql, { bytes: null, analysisVersion }), damage: null };
  try {
    const bytes = fs.readFileSync(file);
    if (bytes.length === 0) throw new Error('the file is empty');
    const loaded = new IndexDatabase(sql, { bytes, analysisVersion });
    isLoadedWhole = true;
    return { loaded, damage: null };
  } catch (error) {
    if (error instanceof NewerSchemaError) throw newer(error);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw unreadable(error);
    return { loaded: new IndexDatabase(sql, { bytes: null, analysisVersion }), damage: message };
  }
}

/** The bytes of index.db; null when there is none. */
function readIndex(): Uint8Array | null {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(error);
  }
}

/** Writes what is not on disk yet, after what is being written. */
async function checkpoint(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  // Whoever began it is told how it ended.
  while (writing !== undefined) await writing.catch(() => undefined);
  if (!unsaved || lockId === null) return;
  writing = publish();
  try {
    await writing;
  } finally {
    writing = undefined;
  }
}

/** The bytes are taken at once; the disk, which may take its time, is waited for beside other calls. */
async function publish(): Promise<void> {
  const started = performance.now();
  const held = (): boolean => readLock(path.join(folder, 'index.lock'))?.id === lockId;
  try {
    const bytes = open().export();
    unsaved = false;
    checkpointPace.began();
    const published = await replaceFile(file, bytes, held).finally(() => releaseMemory(bytes.buffer as ArrayBuffer));
    if (!published)
      throw new AppError('index_locked', 'another process has taken over this index', { hint: 'Start again.' });
  } catch (error) {
    unsaved = true;
    throw describeWriteError(error);
  }
  loadedStamp = stampOfFile();
  isLoadedWhole = true;
  const ended = performance.now();
  checkpointPace.ended(ended, ended - started);
}

function describeWriteError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be too large for this system',
    EROFS: 'the disk is read-only',
    EACCES: 'no permission',
    EPERM: 'no permission',
    ENOENT: 'the folder is gone',
    EIO: 'the disk reports an error',
  };
  if (code === undefined || reasons[code] === undefined) return error;
  return new AppError('index_unwritable', `the index cannot be saved to ${folder}: ${reasons[code]} (${code})`, {
    hint: 'Make room or give another folder with --index-dir. The index saved last is whole.',
    cause: error,
  });
}

/** After every change. */
function scheduleCheckpoint(): void {
  unsaved = true;
  if (lockId === null) return;
  const inMs = checkpointPace.changed(performance.now());
  if (inMs === null && timer !== undefined) return;
  clearTimeout(timer);
  timer = later(checkpoint, inMs ?? 0);
}

function tell(error: unknown): void {
  const notice: StoreNotice = { notice: serializeError(error) };
  port.postMessage(notice);
}

/** Runs in the background: a failure is told, not thrown. */
function later(work: () => void | Promise<void>, ms: number): NodeJS.Timeout {
  return setTimeout(() => {
    Promise.resolve().then(work).catch(tell);
  }, ms);
}

/** Runs in slices until it is done; a failure is told, not thrown. */
function inSlices(slice: () => boolean, finished: () => void): void {
  setImmediate(() => {
    try {
      if (slice()) finished();
      else inSlices(slice, finished);
    } catch (error) {
      tell(error);
      finished();
    }
  });
}

/** Resolves links in the background, until all are or an index run begins. */
function startLinking(): void {
  clearTimeout(linkTimer);
  if (isLinking || !isSettled || database?.hasUnlinked !== true) return;
  isLinking = true;
  let workedMs = 0;
  let did = false;
  inSlices(
    () => {
      if (!isSettled || database === undefined) return true;
      const started = performance.now();
      const before = database.toLink;
      const done = database.linkFor(sliceMs);
      did = true;
      const tookMs = performance.now() - started;
      workedMs += tookMs;
      linkPace.note(tookMs, Math.max(0, before - database.toLink));
      return done;
    },
    () => {
      isLinking = false;
      linkTookMs = workedMs;
      if (workedMs > muchLinkingMs) collectGarbage();
      if (did && database !== undefined) scheduleCheckpoint();
      releaseHeld();
    },
  );
}

function scheduleLinking(): void {
  clearTimeout(linkTimer);
  linkTimer = later(startLinking, Math.max(linkMs, linkTookMs * linkShare));
}

function releaseHeld(): void {
  const now = held;
  held = [];
  for (const { request, timer: end } of now) {
    clearTimeout(end);
    enqueue(request);
  }
}

/**
 * A question after a whole run waits for the links, but never longer than the host wants; where they will not be there
 * in that time it does not wait at all.
 */
function holdForLinks(request: StoreRequest): boolean {
  if (request.call !== 'search' || !isSettled || database?.isLinkingDue !== true || linkWaitMs <= 0) return false;
  if (linkPace.expectedMs(database.toLink) > linkWaitMs) {
    startLinking();
    return false;
  }
  const entry: (typeof held)[number] = { request, timer: undefined };
  if (Number.isFinite(linkWaitMs)) {
    entry.timer = setTimeout(() => {
      held = held.filter((each) => each !== entry);
      enqueue(request);
    }, linkWaitMs);
  }
  held.push(entry);
  startLinking();
  return true;
}

const graphCalls: ReadonlySet<StoreRequest['call']> = new Set([
  'graph',
  'referencePlaces',
  'referencesAmong',
  'map',
  'uses',
]);

/** Answers from the graph wait until it is read; others are answered meanwhile. */
function prepareGraph(request: StoreRequest): boolean {
  if (!graphCalls.has(request.call) || database === undefined) return false;
  const from = database;
  const steps = request.call === 'map' ? from.openEdges() : from.openGraph();
  if (runFor(steps, sliceMs)) return false;
  inSlices(
    () => database !== from || runFor(steps, sliceMs),
    () => enqueue(request),
  );
  return true;
}

let scanModule: WebAssembly.Module | undefined;
const compiledScan = (): WebAssembly.Module => (scanModule ??= new WebAssembly.Module(fs.readFileSync(scanFile)));

const commitsOf = ({ commits }: SentHistory): CommitChanges[] =>
  commits === '' ? [] : commits.split('\n').map((line) => JSON.parse(line) as CommitChanges);

type Handler<Name extends keyof StoreCalls> = (
  input: StoreCalls[Name]['in'],
) => StoreCalls[Name]['out'] | Promise<StoreCalls[Name]['out']>;

const handlers: { [Name in keyof StoreCalls]: Handler<Name> } = {
  open({ lockId: id }) {
    lockId = id;
    if (id !== null) removeStaleTemporaries(folder, path.basename(file));
    // Nobody has written since this was read or written here.
    if (database !== undefined && isLoadedWhole && stampOfFile() === loadedStamp) return { repairs: [] };
    database?.close();
    const { loaded, damage } = load();
    database = loaded;
    database.attachVectors(vectors);
    if (damage === null) return { repairs: [] };
    const kept = id === null ? '' : ` It was kept as ${setAside(file)}.`;
    return { repairs: [`The index was damaged (${damage}) and is being made anew.${kept}`] };
  },
  check() {
    const bytes = readIndex();
    return bytes === null
      ? { state: 'missing', faults: [], bytes: 0, files: 0, generation: 0, future: [] }
      : checkDatabase(sql, bytes);
  },
  refresh() {
    if (lockId !== null || stampOfFile() === loadedStamp) return false;
    const { loaded, damage } = load();
    // A writer replaces the file whole: damage means that it is not ours to judge; keep what we have.
    if (damage !== null) return false;
    database?.close();
    database = loaded;
    database.attachVectors(vectors);
    return true;
  },
  knownFiles: () => open().knownFiles(),
  paths: () =>
    open()
      .knownFiles()
      .map(({ path: each }) => each),
  knownPaths: (paths) => open().knownPaths(paths),
  skippedFiles: () => open().skippedFiles(),
  put(files) {
    isSettled = false;
    open().dropLinking();
    open().apply({ put: files });
    scheduleCheckpoint();
    return null;
  },
  copy(files) {
    const missed = open().copy(files);
    scheduleCheckpoint();
    scheduleLinking();
    return missed;
  },
  touch(stamps) {
    open().apply({ touch: stamps });
    scheduleCheckpoint();
    return null;
  },
  remove(paths) {
    open().apply({ remove: paths });
    scheduleCheckpoint();
    return null;
  },
  replaceSkipped(records) {
    open().replaceSkipped(records);
    scheduleCheckpoint();
    return null;
  },
  applyUpdate(update) {
    open().apply(update);
    scheduleCheckpoint();
    scheduleLinking();
    return null;
  },
  search({ query, ...options }) {
    if (isSettled && open().linkBeforeAnswer()) scheduleCheckpoint();
    return open().search(query, options);
  },
  filesInfo: (paths) => open().filesInfo(paths),
  filesNow: (wanted) => open().filesNow(wanted),
  findSymbols: (request) => open().findSymbols(request),
  graph: (request) => answerGraph(open().graphParts(), request),
  referencePlaces(request) {
    const { paths, ...places } = referencePlaces(open().graphParts(), request);
    return { ...places, files: paths.map((each) => open().stampOf(each)!) };
  },
  referencesAmong: ({ definitions, found }) => referencesAmong(open().graphParts(), definitions, found),
  history: () => open().history(),
  putHistory(sent) {
    open().putHistory(sent === null ? null : { ...sent, commits: commitsOf(sent) });
    scheduleCheckpoint();
    return null;
  },
  map: (request) => open().map(request),
  uses: (ranges) => open().uses(ranges),
  openVectors({ model, dimensions }) {
    if (!vectors.has(model)) {
      vectors.set(model, new VectorTable(compiledScan(), dimensions));
      open().attachVectors(vectors);
    }
    return open().vectorCounts(model);
  },
  closeVectors({ model }) {
    vectors.delete(model);
    return null;
  },
  answeringModel: () => open().answeringModel(),
  putAnsweringModel({ model }) {
    if (open().answeringModel() === model) return null;
    open().putAnsweringModel(model);
    scheduleCheckpoint();
    return null;
  },
  vectorCounts: ({ model }) => open().vectorCounts(model),
  vectorsCover: ({ model, other }) => open().vectorsCover(model, other),
  filesToEmbed: ({ model, first }) => open().filesToEmbed(model, first),
  chunkGaps: ({ model, paths }) => open().chunkGaps(model, paths),
  nearest: ({ vector, count }) => open().nearest(vector, count),
  vectorSample: ({ model }) => open().vectorSample(model),
  putVectors: (given) => open().putVectors(given),
  chunksToEmbed: ({ model, ranges }) => open().chunksToEmbed(model, ranges),
  counts() {
    const stamp = stampOfFile();
    return { ...open().counts(), diskBytes: stamp === '' ? 0 : Number(stamp.split(' ')[0]) };
  },
  async markComplete() {
    open().markComplete();
    // What comes next takes memory: the bytes for the disk, and the graph.
    collectGarbage();
    isSettled = true;
    unsaved = true;
    await checkpoint();
    startLinking();
    return null;
  },
  async checkpoint() {
    await checkpoint();
    return null;
  },
  async giveWay() {
    // Links that are being resolved would be resolved once more by who comes next.
    if (isLinking) return false;
    await checkpoint();
    clearTimeout(timer);
    timer = undefined;
    lockId = null;
    return true;
  },
  async close() {
    try {
      // The next process answers at once. Not after a run that was stopped: whoever stopped it does not want to wait.
      // A few saved files are linked in the quiet of the next one.
      if (lockId !== null && isSettled && database?.isLinkingDue === true && database.linkFiles()) unsaved = true;
      await checkpoint();
    } finally {
      clearTimeout(timer);
      clearTimeout(linkTimer);
      database?.close();
      database = undefined;
    }
    return null;
  },
};

/** Does a call. What it then waits for, the disk, does not hold up the calls behind it. */
async function answer({ id, call, input }: StoreRequest): Promise<void> {
  const fail = (error: unknown): void => port.postMessage({ id, error: serializeError(error) } satisfies StoreReply);
  try {
    sql ??= await initSqlJs({ wasmBinary: fs.readFileSync(wasmFile) as unknown as ArrayBuffer });
    const output = (handlers[call] as (given: unknown) => unknown)(input);
    const give = (given: unknown): void => port.postMessage({ id, output: given } satisfies StoreReply);
    if (output instanceof Promise) output.then(give, fail);
    else give(output);
  } catch (error) {
    fail(error);
  }
}

// One after the other, so that no call sees another half done.
let last: Promise<void> = Promise.resolve();
function enqueue(request: StoreRequest): void {
  last = last.then(() => answer(request));
}
port.on('message', (request: StoreRequest) => {
  if (!holdForLinks(request) && !prepareGraph(request)) enqueue(request);
});
