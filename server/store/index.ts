import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, deserializeError } from '../../core/errors.ts';
import type { CommitChanges, HistoryChange } from '../../core/history/types.ts';
import { inTurns } from '../../core/inTurns.ts';
import { makeFolder } from '../system/makeFolder.ts';
import { thread } from '../system/thread.ts';
import type { DatabaseCheck } from './checkDatabase.ts';
import type {
  SentHistory,
  StoreCallName,
  StoreCalls,
  StoreNotice,
  StoreReply,
  StoreWorkerData,
} from './storeProtocol.ts';
import type { SearchRequest, StoreUpdate } from './types.ts';
import { isWriterLock, readLock, takeLock, type LockOwner, type WriterLock } from '../system/writerLock.ts';

export type * from './types.ts';
export type { DatabaseCheck } from './checkDatabase.ts';
export { setAside } from './checkpoint.ts';
export { describeLock, isWriterLock, takeLock, type LockState } from '../system/writerLock.ts';

/** In the index folder. */
export const databaseName = 'index.db';

export interface StoreOptions {
  /** Folder of index.db; made when missing, if this becomes the writer. */
  indexDir: string;
  access: 'auto' | 'write' | 'read';
  /** Folder of the worker bundle and of sql-wasm.wasm. */
  assetsDir: string;
  analysisVersion: number;
  /** As in `StoreWorkerData`; default Infinity: the same index gives the same answer. */
  linkWaitMs?: number;
  /** What people call the program that opens it: for others that find it locked. */
  program?: string;
  log: (event: string, fields: Record<string, unknown>) => void;
}

type Out<Name extends StoreCallName> = Promise<StoreCalls[Name]['out']>;

/** The index of one workspace folder. Writes are rejected with index_locked for readers. */
export interface Store {
  readonly role: 'writer' | 'reader';
  /** False when the folder cannot be written: the index then lives in memory only. */
  readonly persisted: boolean;
  /** Who writes, if that is somebody else. */
  readonly writer: { pid: number; host: string; startedAt: string; program: string | null } | null;
  /** What was found wrong and mended, in sentences. */
  readonly repairs: string[];
  /** A reader whose writer has gone takes its place; false if there is (still) another one. */
  tryBecomeWriter(): Promise<boolean>;
  /**
   * A writer with nothing to write saves what it has and becomes a reader, so that others can write. False while it is
   * still finding out which files use which.
   */
  giveWay(): Promise<boolean>;
  /** A reader looks for a newer generation. */
  refreshIfChanged(): Promise<boolean>;
  knownFiles(): Out<'knownFiles'>;
  paths(): Out<'paths'>;
  knownPaths(paths: string[]): Out<'knownPaths'>;
  skippedFiles(): Out<'skippedFiles'>;
  put(files: StoreCalls['put']['in']): Out<'put'>;
  copy(files: StoreCalls['copy']['in']): Out<'copy'>;
  touch(stamps: StoreCalls['touch']['in']): Out<'touch'>;
  remove(paths: string[]): Out<'remove'>;
  replaceSkipped(records: StoreCalls['replaceSkipped']['in']): Out<'replaceSkipped'>;
  applyUpdate(update: StoreUpdate): Out<'applyUpdate'>;
  search(query: string, request: SearchRequest): Out<'search'>;
  filesInfo(paths: string[]): Out<'filesInfo'>;
  filesNow(wanted: StoreCalls['filesNow']['in']): Out<'filesNow'>;
  findSymbols(request: StoreCalls['findSymbols']['in']): Out<'findSymbols'>;
  graph(request: StoreCalls['graph']['in']): Out<'graph'>;
  referencePlaces(request: StoreCalls['referencePlaces']['in']): Out<'referencePlaces'>;
  referencesAmong(request: StoreCalls['referencesAmong']['in']): Out<'referencesAmong'>;
  history(): Out<'history'>;
  /** Null forgets it. */
  putHistory(change: HistoryChange | null): Out<'putHistory'>;
  /** Definitions for a map: nearest to the query, or the most used. */
  map(request: StoreCalls['map']['in']): Out<'map'>;
  /** What each of these ranges calls and names by type. */
  uses(ranges: StoreCalls['uses']['in']): Out<'uses'>;
  openVectors(model: StoreCalls['openVectors']['in']): Out<'openVectors'>;
  closeVectors(model: StoreCalls['closeVectors']['in']): Out<'closeVectors'>;
  answeringModel(): Out<'answeringModel'>;
  putAnsweringModel(model: StoreCalls['putAnsweringModel']['in']): Out<'putAnsweringModel'>;
  vectorCounts(model: StoreCalls['vectorCounts']['in']): Out<'vectorCounts'>;
  vectorsCover(models: StoreCalls['vectorsCover']['in']): Out<'vectorsCover'>;
  filesToEmbed(request: StoreCalls['filesToEmbed']['in']): Out<'filesToEmbed'>;
  chunkGaps(request: StoreCalls['chunkGaps']['in']): Out<'chunkGaps'>;
  nearest(request: StoreCalls['nearest']['in']): Out<'nearest'>;
  vectorSample(model: StoreCalls['vectorSample']['in']): Out<'vectorSample'>;
  /** The buffer of the vectors is taken over: they are many. */
  putVectors(given: StoreCalls['putVectors']['in']): Out<'putVectors'>;
  chunksToEmbed(request: StoreCalls['chunksToEmbed']['in']): Out<'chunksToEmbed'>;
  counts(): Out<'counts'>;
  /** Notes that a whole run is done, and writes everything to disk. */
  markComplete(): Out<'markComplete'>;
  checkpoint(): Out<'checkpoint'>;
  close(): Promise<void>;
}

/** Line by line in turns of the thread. */
function* lineSteps(commits: readonly CommitChanges[]): Generator<void, string> {
  const lines: string[] = [];
  for (const commit of commits) {
    lines.push(JSON.stringify(commit));
    yield;
  }
  return lines.join('\n');
}

const toSent = async ({ commits, ...rest }: HistoryChange): Promise<SentHistory> => ({
  ...rest,
  commits: await inTurns(lineSteps(commits), thread),
});

/** A third of Node's default, as for the parse workers: what it holds for long is not there anyway. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/** Calls to the worker thread; when it dies, all of them fail. */
function connect(data: StoreWorkerData, bundle: string, onNotice: (error: Error) => void) {
  const worker = new Worker(bundle, { workerData: data, resourceLimits });
  const waiting = new Map<number, { resolve: (output: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  let failure: Error | undefined;
  const fail = (cause: unknown): void => {
    failure ??= new AppError('worker_failed', 'the index worker stopped', {
      cause,
      hint: 'Start again; what was saved last is whole.',
    });
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  worker.on('error', fail);
  worker.on('exit', fail);
  worker.on('message', (message: StoreReply | StoreNotice) => {
    if ('notice' in message) return onNotice(deserializeError(message.notice));
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) call?.resolve(message.output);
    else call?.reject(deserializeError(message.error));
  });
  return {
    /** `given` are buffers of the input that the worker takes over. */
    call: <Name extends StoreCallName>(
      call: Name,
      input: StoreCalls[Name]['in'],
      given: ArrayBuffer[] = [],
    ): Out<Name> => {
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve: resolve as (output: unknown) => void, reject });
        worker.postMessage({ id, call, input }, given);
      });
    },
    end: async (): Promise<void> => {
      failure ??= new AppError('cancelled', 'the index is closed');
      await worker.terminate();
    },
  };
}

const unwritableCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'EEXIST']);

function unwritable(indexDir: string, error: NodeJS.ErrnoException): AppError {
  return new AppError('index_unwritable', `the index folder cannot be written: ${indexDir} (${String(error.code)})`, {
    hint: 'Give a folder that can be written with --index-dir.',
    cause: error,
  });
}

/** Makes the folder, with a .gitignore of its own so that the repository stays clean. */
function prepareFolder(indexDir: string): void {
  if (fs.existsSync(indexDir) && fs.readdirSync(indexDir).length > 0) return;
  makeFolder(indexDir);
  if (path.basename(indexDir) === '.contextkit') {
    fs.writeFileSync(
      path.join(indexDir, '.gitignore'),
      '# Made by ContextKit; config.yaml is yours to share.\n*\n!config.yaml\n!.gitignore\n',
    );
  }
}

type Acquired = { lock: WriterLock | null; other: LockOwner | null; problem: AppError | null };

function acquire({ indexDir, access, program }: StoreOptions): Acquired {
  const lockFile = path.join(indexDir, 'index.lock');
  if (access === 'read') return { lock: null, other: readLock(lockFile), problem: null };
  try {
    prepareFolder(indexDir);
    const taken = takeLock(indexDir, program);
    return isWriterLock(taken)
      ? { lock: taken, other: null, problem: null }
      : { lock: null, other: taken, problem: null };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !unwritableCodes.has(code)) throw error;
    return { lock: null, other: null, problem: unwritable(indexDir, error as NodeJS.ErrnoException) };
  }
}

function locked({ pid, host, startedAt, program }: LockOwner): AppError {
  const who = `process ${pid} on ${host}`;
  return new AppError('index_locked', `${program === null ? who : `${program} (${who})`} is writing this index`, {
    hint: 'Wait until it is done, or use another folder with --index-dir.',
    details: { pid, host, startedAt, program },
  });
}

/** Opens index.db as its writer, or as a reader where that is allowed. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { indexDir, access, assetsDir, analysisVersion, linkWaitMs = Infinity, log } = options;
  let { lock, other, problem } = acquire(options);
  if (access === 'write' && problem !== null) throw problem;
  if (access === 'write' && other !== null) throw locked(other);
  const repairs: string[] = [];
  // No disk to write to: better an index in memory than none.
  const inMemory = problem !== null;
  if (problem !== null) repairs.push(`${problem.message}; the index is kept in memory and lost at the end.`);

  let background: Error | undefined;
  const { call, end } = connect(
    {
      wasmFile: path.join(assetsDir, 'sql-wasm.wasm'),
      scanFile: path.join(assetsDir, 'vectorScan.wasm'),
      file: path.join(indexDir, databaseName),
      analysisVersion,
      linkWaitMs,
    },
    path.join(assetsDir, 'storeWorker.cjs'),
    (error) => {
      background = error;
      log('checkpoint failed', { message: error.message });
      if (!repairs.includes(error.message)) repairs.push(error.message);
    },
  );
  try {
    repairs.push(...(await call('open', { lockId: lock?.owner.id ?? null })).repairs);
  } catch (error) {
    lock?.release();
    await end();
    throw error;
  }

  let giving: Promise<boolean> | undefined;

  /** Stays the writer where what it has cannot be saved. */
  async function releaseLock(): Promise<boolean> {
    try {
      if (!(await call('giveWay', null))) return false;
      lock?.release();
      lock = null;
      return true;
    } finally {
      giving = undefined;
    }
  }

  const isWriter = (): boolean => (lock !== null && giving === undefined) || inMemory;
  const write = <Name extends StoreCallName>(name: Name, input: StoreCalls[Name]['in']): Out<Name> => {
    if (!isWriter())
      return Promise.reject(
        other === null ? new AppError('index_locked', 'this index is open for reading') : locked(other),
      );
    return call(name, input);
  };

  return {
    get role() {
      return isWriter() ? 'writer' : 'reader';
    },
    get persisted() {
      return !inMemory && background === undefined;
    },
    get writer() {
      const owner = isWriter() ? null : readLock(path.join(indexDir, 'index.lock'));
      if (owner === null) return null;
      const { pid, host, startedAt, program } = owner;
      return { pid, host, startedAt, program };
    },
    repairs,
    async tryBecomeWriter() {
      // Who gave way and could not is the writer still.
      await giving?.catch(() => undefined);
      if (isWriter()) return true;
      if (access === 'read') return false;
      ({ lock, other, problem } = acquire(options));
      if (lock === null) return false;
      repairs.push(...(await call('open', { lockId: lock.owner.id })).repairs);
      return true;
    },
    async giveWay() {
      return lock === null || (giving ??= releaseLock());
    },
    refreshIfChanged: () => (isWriter() ? Promise.resolve(false) : call('refresh', null)),
    knownFiles: () => call('knownFiles', null),
    paths: () => call('paths', null),
    knownPaths: (paths) => call('knownPaths', paths),
    skippedFiles: () => call('skippedFiles', null),
    put: (files) => write('put', files),
    copy: (files) => write('copy', files),
    touch: (stamps) => write('touch', stamps),
    remove: (paths) => write('remove', paths),
    replaceSkipped: (records) => write('replaceSkipped', records),
    applyUpdate: (update) => write('applyUpdate', update),
    search: (query, request) => call('search', { query, ...request }),
    filesInfo: (paths) => call('filesInfo', paths),
    filesNow: (wanted) => call('filesNow', wanted),
    findSymbols: (request) => call('findSymbols', request),
    graph: (request) => call('graph', request),
    referencePlaces: (request) => call('referencePlaces', request),
    referencesAmong: (request) => call('referencesAmong', request),
    history: () => call('history', null),
    putHistory: async (change) => write('putHistory', change === null ? null : await toSent(change)),
    map: (request) => call('map', request),
    uses: (ranges) => call('uses', ranges),
    openVectors: (model) => call('openVectors', model),
    closeVectors: (model) => call('closeVectors', model),
    answeringModel: () => call('answeringModel', null),
    putAnsweringModel: (model) => write('putAnsweringModel', model),
    vectorCounts: (model) => call('vectorCounts', model),
    vectorsCover: (models) => call('vectorsCover', models),
    filesToEmbed: (request) => call('filesToEmbed', request),
    chunkGaps: (request) => call('chunkGaps', request),
    nearest: (request) => call('nearest', request),
    vectorSample: (model) => call('vectorSample', model),
    putVectors: (given) => call('putVectors', given, [given.vectors.buffer]),
    chunksToEmbed: (request) => call('chunksToEmbed', request),
    counts: () => call('counts', null),
    markComplete: () => write('markComplete', null),
    checkpoint: () => write('checkpoint', null),
    async close() {
      await giving?.catch(() => undefined);
      try {
        await call('close', null);
      } finally {
        await end();
        lock?.release();
        lock = null;
      }
    },
  };
}

/** Reads all of index.db and says whether it is whole, beside whoever writes it. */
export async function checkIndexFile({
  indexDir,
  assetsDir,
  analysisVersion,
}: Pick<StoreOptions, 'indexDir' | 'assetsDir' | 'analysisVersion'>): Promise<DatabaseCheck> {
  const { call, end } = connect(
    {
      wasmFile: path.join(assetsDir, 'sql-wasm.wasm'),
      scanFile: path.join(assetsDir, 'vectorScan.wasm'),
      file: path.join(indexDir, databaseName),
      analysisVersion,
      linkWaitMs: 0,
    },
    path.join(assetsDir, 'storeWorker.cjs'),
    () => undefined,
  );
  try {
    return await call('check', null);
  } finally {
    await end();
  }
}
