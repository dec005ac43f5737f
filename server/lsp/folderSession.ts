import { createHash } from 'node:crypto';
import path from 'node:path';
import { AppError, hasErrorCode, isAppError } from '../../core/errors.ts';
import type { FolderState, FolderStatus, Settings } from '../../protocol/index.ts';
import {
  openEngine,
  type Embeddings,
  type Engine,
  type EngineStatus,
  type IndexProgress,
  type IndexReport,
  type UpdateReport,
} from '../engine/index.ts';
import { gatherChanges } from './gatherChanges.ts';
import { followFolder, type Follower, type ScanReason } from './followFolder.ts';
import { readRanking } from './folderRanking.ts';

export interface FolderSession {
  readonly name: string;
  readonly root: string;
  /** Opened on first use; rejected with what went wrong. */
  engine(): Promise<Engine>;
  index(options: { force: boolean; signal: AbortSignal | undefined }): Promise<IndexReport>;
  /** These files, relative with '/', are before the user's eyes. */
  attend(paths: readonly string[]): void;
  /** Paths may have changed: they are gathered for a moment and brought up to date together. */
  changed(paths: readonly string[]): void;
  /**
   * A question is about to be asked: resolves when the few files that were saved just now are searchable, or soon.
   * @param query by whose meaning answers will be found, too; null for words alone
   */
  caughtUp(query: string | null): Promise<void>;
  status(): Promise<FolderStatus>;
  state(): Promise<FolderState>;
  close(): Promise<void>;
}

export interface FolderSessionOptions {
  name: string;
  root: string;
  settings: Settings;
  /** What people call the client. */
  client: string;
  /** Shared by all folders; undefined when embeddings are switched off. */
  embeddings: () => Promise<Embeddings | undefined>;
  /** The client tells of files that change outside the editor. */
  clientWatches: boolean;
  onProgress: (progress: IndexProgress) => void;
  /** Counts or problems have changed. */
  onState: () => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** People wait no longer for an answer that is a little better. */
const linkWaitMs = 200;
/** Between two tries to take over from a process that writes: one that answers an assistant writes for seconds only. */
const turnEveryMs = 2_000;
const goneHint = 'When it is there again it is looked at again; nothing needs to be done.';

/** Where the index of a folder lies when all of them are kept in one place. */
function indexDirOf(root: string, indexDirectory: string): string | undefined {
  if (indexDirectory === '') return undefined;
  const id = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return path.join(indexDirectory, `${path.basename(root)}-${id}`);
}

const noVectors: FolderStatus['vectors'] = {
  state: 'off',
  model: null,
  answering: null,
  reason: null,
  nextStep: null,
  embedded: 0,
  chunks: 0,
  failed: 0,
  etaSeconds: null,
  hold: null,
};

const countsOf = ({ filesLookedAt, filesRead, filesParsed }: UpdateReport): Record<string, number> => ({
  filesLookedAt,
  filesRead,
  filesParsed,
});

/** The engine of one workspace folder and what happens to it. */
export function createFolderSession(options: FolderSessionOptions): FolderSession {
  const { name, root, settings, onProgress, onState, log } = options;
  let opening: Promise<Engine> | undefined;
  let problem: { message: string; hint: string | null } | null = null;
  let progress: IndexProgress | null = null;
  let follower: Follower | undefined;
  let turn: NodeJS.Timeout | undefined;
  const changes = gatherChanges({ update: bringUpToDate });

  function fail(error: unknown): void {
    if (hasErrorCode(error, 'cancelled')) return;
    problem = { message: (error as Error).message, hint: isAppError(error) ? (error.hint ?? null) : null };
    log('folder failed', { message: problem.message });
    onState();
  }

  function engine(): Promise<Engine> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      fail(error);
      throw error;
    });
    return opening;
  }

  async function open(): Promise<Engine> {
    const indexDir = indexDirOf(root, settings.indexDirectory);
    const { maxFileKb, include, exclude, parseTimeoutMs, parseWorkers } = settings;
    const embeddings = await options.embeddings();
    // The model is looked for while the index is read; whoever needs it is told what is wrong.
    embeddings?.parts().catch(() => undefined);
    const opened = await openEngine({
      root,
      ...(indexDir === undefined ? {} : { indexDir }),
      ...(parseWorkers === 0 ? {} : { parseWorkers }),
      settings: { maxFileKb, include, exclude, parseTimeoutMs, ranking: await readRanking(root, log) },
      linkWaitMs,
      program: options.client,
      follow: true,
      ...(embeddings === undefined ? {} : { embeddings, embedInBackground: true }),
      log,
    });
    opened.onVectors(onState);
    opened.onProgress((now) => {
      progress = now.phase === 'done' ? null : now;
      onProgress(now);
    });
    follower ??= followFolder({
      root,
      watch: settings.watch,
      pollSeconds: settings.watchIntervalSeconds,
      clientWatches: options.clientWatches,
      scan: lookAgain,
      onGone: () => fail(new AppError('root_unreadable', `the folder is gone: ${root}`, { hint: goneHint })),
      log,
    });
    return opened;
  }

  /** Somebody else writes. What they do not follow is looked at as soon as they are gone. */
  function lookWhenFree(): void {
    turn ??= setTimeout(() => {
      turn = undefined;
      void lookAgain('free');
    }, turnEveryMs).unref();
  }

  /** Nobody waits for it: what fails is told by the state. */
  async function lookAgain(reason: ScanReason | 'free'): Promise<void> {
    try {
      const opened = await engine();
      if (reason === 'head moved') log('head followed', countsOf(await opened.followHead()));
      else await opened.index();
      const mended = problem !== null;
      problem = null;
      if (mended) onState();
    } catch (error) {
      if (hasErrorCode(error, 'index_locked')) lookWhenFree();
      else fail(error);
    }
  }

  async function bringUpToDate(paths: readonly string[]): Promise<void> {
    try {
      const opened = await engine();
      await opened.update(paths);
      problem = null;
    } catch (error) {
      if (hasErrorCode(error, 'index_locked')) lookWhenFree();
      else fail(error);
    }
    onState();
  }

  const failed = (): FolderStatus => ({
    name,
    root,
    indexDir: indexDirOf(root, settings.indexDirectory) ?? path.join(root, '.contextkit'),
    state: 'failed',
    problem: problem?.message ?? 'not open',
    hint: problem?.hint ?? null,
    files: 0,
    chunks: 0,
    symbols: 0,
    lines: 0,
    languages: [],
    skipped: [],
    repairs: [],
    diskBytes: 0,
    vectors: noVectors,
    weights: { inForce: 'default', unused: null, nextStep: null },
    lastIndexedAt: null,
    progress: null,
  });

  async function status(): Promise<FolderStatus> {
    let known: EngineStatus;
    try {
      known = await (await engine()).status();
    } catch {
      // `engine()` has noted what is wrong; the status says it.
      return failed();
    }
    const {
      indexDir,
      state,
      files,
      chunks,
      symbols,
      lines,
      languages,
      skipped,
      repairs,
      diskBytes,
      vectors,
      weights,
      lastIndexedAt,
    } = known;
    return {
      name,
      root,
      indexDir,
      state: problem === null ? state : 'failed',
      problem: problem?.message ?? null,
      hint: problem?.hint ?? null,
      files,
      chunks,
      symbols,
      lines,
      languages,
      skipped,
      repairs,
      diskBytes,
      vectors,
      weights,
      lastIndexedAt,
      progress,
    };
  }

  return {
    name,
    root,
    engine,
    async index({ force, signal }) {
      try {
        const report = await (await engine()).index({ force, ...(signal === undefined ? {} : { signal }) });
        problem = null;
        return report;
      } catch (error) {
        if (hasErrorCode(error, 'index_locked')) lookWhenFree();
        else fail(error);
        throw error;
      } finally {
        onState();
      }
    },
    attend(paths) {
      // A folder that cannot be opened has told so.
      opening?.then((opened) => opened.attend(paths)).catch(() => undefined);
    },
    changed: (paths) => changes.add(paths),
    caughtUp(query) {
      if (query !== null) opening?.then((opened) => opened.foresee(query)).catch(() => undefined);
      return changes.caughtUp();
    },
    status,
    async state() {
      const { skipped, ...rest } = await status();
      return { ...rest, skippedCount: skipped.length };
    },
    async close() {
      follower?.stop();
      clearTimeout(turn);
      await changes.close();
      if (opening !== undefined) await (await opening).close();
    },
  };
}
