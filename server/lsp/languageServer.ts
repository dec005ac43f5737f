import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CancellationToken } from 'vscode-languageserver/node';
import {
  DidChangeWatchedFilesNotification,
  ErrorCodes,
  LSPErrorCodes,
  ResponseError,
  TextDocumentSyncKind,
  type Connection,
  type InitializeResult,
  type WorkspaceFolder,
} from 'vscode-languageserver/node';
import { isAppError, type ErrorCode } from '../../core/errors.ts';
import {
  downloadModelMessage,
  downloadNotification,
  importModelMessage,
  indexMessage,
  initializationOptions,
  modelMessage,
  plannedFailure,
  progressNotification,
  readSettings,
  selectMessage,
  pauseMessage,
  attendNotification,
  typingNotification,
  stateNotification,
  statusMessage,
  type Message,
  type Received,
  type Schema,
  type Sent,
  type Settings,
} from '../../protocol/index.ts';
import type { Embeddings } from '../engine/index.ts';
import { openHostEmbeddings } from './hostEmbeddings.ts';
import { createHostModel, type HostModel } from './hostModel.ts';
import { createFolderSession, type FolderSession } from './folderSession.ts';
import { selectAcross } from './selectAcross.ts';

const lspCodes = {
  invalid_input: ErrorCodes.InvalidParams,
  invalid_config: ErrorCodes.InvalidParams,
  not_found: plannedFailure,
  index_missing: plannedFailure,
  index_locked: plannedFailure,
  index_unwritable: plannedFailure,
  index_newer: plannedFailure,
  root_unreadable: plannedFailure,
  history_missing: plannedFailure,
  model_missing: plannedFailure,
  model_unusable: plannedFailure,
  download_failed: plannedFailure,
  cancelled: LSPErrorCodes.RequestCancelled,
  worker_failed: ErrorCodes.InternalError,
} as const satisfies Record<ErrorCode, number>;

function toResponseError(error: unknown): ResponseError<unknown> {
  if (isAppError(error))
    return new ResponseError(lspCodes[error.code], error.message, { code: error.code, hint: error.hint });
  if (error instanceof ResponseError) return error;
  if ((error as Error).name === 'AbortError') return new ResponseError(LSPErrorCodes.RequestCancelled, 'cancelled');
  return new ResponseError(ErrorCodes.InternalError, error instanceof Error ? error.message : String(error));
}

/** The one place where LSP cancellation becomes an AbortSignal. */
function signalOf(token: CancellationToken): { signal: AbortSignal; dispose: () => void } {
  const abort = new AbortController();
  if (token.isCancellationRequested) abort.abort();
  const subscription = token.onCancellationRequested(() => abort.abort());
  return { signal: abort.signal, dispose: () => subscription.dispose() };
}

const capabilities: InitializeResult['capabilities'] = {
  textDocumentSync: { openClose: false, change: TextDocumentSyncKind.None, save: { includeText: false } },
  workspace: {
    workspaceFolders: { supported: true, changeNotifications: true },
    fileOperations: {
      didCreate: { filters: [{ scheme: 'file', pattern: { glob: '**' } }] },
      didRename: { filters: [{ scheme: 'file', pattern: { glob: '**' } }] },
      didDelete: { filters: [{ scheme: 'file', pattern: { glob: '**' } }] },
    },
  },
};

/** What a client tells without waiting for an answer; one that is not as agreed is passed over. */
function onNotified<Params extends Schema>(
  connection: Connection,
  { method, params }: Message<Params, Schema>,
  take: (input: Received<Params>) => void,
): void {
  connection.onNotification(method, (raw: unknown) => {
    const parsed = params.safeParse(raw);
    if (parsed.success) take(parsed.data);
  });
}

const progressEveryMs = 100;
const stateDelayMs = 50;

/** Nobody edits these by hand, and the index watches itself least of all. */
const neverWatched = /(^|\/)(\.git|\.contextkit|node_modules)(\/|$)/;

/** Answers a client: one engine a workspace folder, followed as its files change. */
export function runLanguageServer(connection: Connection): void {
  const folders = new Map<string, FolderSession>();
  let settings: Settings = readSettings({}).settings;
  let canWatch = false;
  let tellsFolders = false;
  let client = 'a language server';
  let stateTimer: NodeJS.Timeout | undefined;
  const progressAt = new Map<string, number>();

  const log = (event: string, fields: Record<string, unknown>): void =>
    connection.console.info(`${event} ${JSON.stringify(fields)}`);

  let model = makeModel(false);

  function makeModel(trusted: boolean): HostModel {
    return createHostModel({
      settings,
      trusted,
      roots: () => [...folders.values()].map(({ root }) => root),
      onProgress: (progress) => void connection.sendNotification(downloadNotification.method, progress),
      onChange() {
        tellEmbeddings((opened) => opened.refresh());
        announceState();
      },
      log,
    });
  }

  let embeddings: Promise<Embeddings | undefined> | undefined;

  /** If there are any; nobody waits for it. */
  function tellEmbeddings(what: (opened: Embeddings) => unknown): void {
    embeddings
      ?.then((opened) => opened && what(opened))
      .catch((error: unknown) => log('embeddings not told', { message: String(error) }));
  }

  /** Opened when the first folder is: which model is configured depends on the folders. */
  function openShared(): Promise<Embeddings | undefined> {
    embeddings ??= openHostEmbeddings(settings, model, log);
    return embeddings;
  }

  function announceState(): void {
    stateTimer ??= setTimeout(() => {
      stateTimer = undefined;
      Promise.all([...folders.values()].map((folder) => folder.state()))
        .then((states) => connection.sendNotification(stateNotification.method, { folders: states }))
        .catch((error: unknown) => log('state failed', { message: String(error) }));
    }, stateDelayMs);
  }

  function addFolder({ uri, name }: WorkspaceFolder): FolderSession | undefined {
    if (!uri.startsWith('file:') || folders.has(uri)) return undefined;
    const session = createFolderSession({
      name,
      root: fileURLToPath(uri),
      settings,
      client,
      embeddings: openShared,
      clientWatches: canWatch && settings.watch !== 'poll',
      log,
      onState: announceState,
      onProgress: (progress) => {
        const now = performance.now();
        if (progress.phase !== 'done' && now - (progressAt.get(uri) ?? -Infinity) < progressEveryMs) return;
        progressAt.set(uri, now);
        void connection.sendNotification(progressNotification.method, { folder: name, progress });
      },
    });
    folders.set(uri, session);
    return session;
  }

  async function removeFolder(uri: string): Promise<void> {
    const session = folders.get(uri);
    folders.delete(uri);
    await session?.close();
    announceState();
  }

  /** Failures are told by the state; nobody waits for this run. */
  function indexInBackground(session: FolderSession): void {
    session
      .index({ force: false, signal: undefined })
      .catch((error: unknown) => log('indexing failed', { message: String(error) }));
  }

  /** The folders that a file lies in, each with its path there. */
  function forEachPath(uris: readonly string[], visit: (session: FolderSession, path: string) => void): void {
    for (const uri of uris) {
      if (!uri.startsWith('file:')) continue;
      const file = fileURLToPath(uri);
      for (const session of folders.values()) {
        const relative = path.relative(session.root, file).split(path.sep).join('/');
        const isInside = relative !== '' && !relative.startsWith('../') && !path.isAbsolute(relative);
        if (isInside && !neverWatched.test(relative)) visit(session, relative);
      }
    }
  }

  const changed = (uris: readonly string[]): void => forEachPath(uris, (session, each) => session.changed([each]));

  function on<Params extends Schema, Result extends Schema>(
    { method, params }: Message<Params, Result>,
    answer: (input: Received<Params>, signal: AbortSignal) => Promise<Sent<Result>>,
  ): void {
    connection.onRequest(method, async (raw: unknown, token: CancellationToken) => {
      const parsed = params.safeParse(raw ?? {});
      if (!parsed.success) {
        const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'parameters'}: ${issue.message}`);
        return new ResponseError(ErrorCodes.InvalidParams, `${method}: ${faults.join('; ')}`, {
          code: 'invalid_input',
        });
      }
      const { signal, dispose } = signalOf(token);
      try {
        return await answer(parsed.data, signal);
      } catch (error) {
        return toResponseError(error);
      } finally {
        dispose();
      }
    });
  }

  connection.onInitialize((params): InitializeResult => {
    const options = initializationOptions.safeParse(params.initializationOptions ?? {});
    const read = readSettings(options.success ? options.data.settings : {});
    settings = read.settings;
    model = makeModel(options.success && options.data.trusted);
    for (const { setting, message } of read.problems)
      connection.console.warn(`contextkit.${setting}: ${message}; the default is used`);
    canWatch = params.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    tellsFolders = params.capabilities.workspace?.workspaceFolders === true;
    client = params.clientInfo?.name ?? client;
    for (const folder of params.workspaceFolders ?? []) addFolder(folder);
    return { capabilities, serverInfo: { name: 'contextkit' } };
  });

  connection.onInitialized(() => {
    if (canWatch && settings.watch === 'auto')
      void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*' }] });
    if (tellsFolders)
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        for (const { uri } of removed)
          removeFolder(uri).catch((error: unknown) => log('folder not closed', { message: String(error) }));
        for (const folder of added) {
          const session = addFolder(folder);
          if (session !== undefined && settings.indexOnOpen) indexInBackground(session);
        }
        announceState();
      });
    if (settings.indexOnOpen) folders.forEach(indexInBackground);
    announceState();
  });

  connection.onDidSaveTextDocument(({ textDocument }) => changed([textDocument.uri]));
  connection.onDidChangeWatchedFiles(({ changes }) => changed(changes.map(({ uri }) => uri)));
  connection.workspace.onDidCreateFiles(({ files }) => changed(files.map(({ uri }) => uri)));
  connection.workspace.onDidDeleteFiles(({ files }) => changed(files.map(({ uri }) => uri)));
  connection.workspace.onDidRenameFiles(({ files }) =>
    changed(files.flatMap(({ oldUri, newUri }) => [oldUri, newUri])),
  );

  on(selectMessage, (params, signal) => {
    if (folders.size === 0)
      return Promise.reject(
        new ResponseError(plannedFailure, 'no folder is open', { code: 'index_missing', hint: 'Open a folder first.' }),
      );
    return selectAcross([...folders.values()], params, settings, signal);
  });
  on(indexMessage, async ({ force = false }, signal) => {
    const reports = await Promise.all([...folders.values()].map((folder) => folder.index({ force, signal })));
    const sum = (of: (report: (typeof reports)[number]) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    return {
      files: sum(({ files }) => files),
      chunks: sum(({ chunks }) => chunks),
      added: sum(({ added }) => added),
      changed: sum(({ changed: count }) => count),
      removed: sum(({ removed }) => removed),
      skipped: sum(({ skipped }) => skipped.length),
      durationMs: Math.max(0, ...reports.map(({ durationMs }) => durationMs)),
    };
  });
  on(statusMessage, async () => ({
    folders: await Promise.all([...folders.values()].map((folder) => folder.status())),
    model: await model.state(),
  }));
  on(modelMessage, async () => ({ model: await model.state() }));
  on(downloadModelMessage, async ({ url, proxy, noProxy, certificates }, signal) => ({
    model: await model.download({ url, proxy, noProxy, caFile: certificates }, signal),
  }));
  on(pauseMessage, async ({ paused }) => {
    const opened = await openShared();
    if (paused) opened?.pause();
    else opened?.resume();
    announceState();
    return {};
  });
  onNotified(connection, attendNotification, ({ uris }) =>
    forEachPath(uris, (session, each) => session.attend([each])),
  );
  onNotified(connection, typingNotification, ({ starvedMs }) => tellEmbeddings((opened) => opened.typing(starvedMs)));
  on(importModelMessage, async ({ dir }) => ({ model: await model.import(dir) }));

  connection.onShutdown(async () => {
    clearTimeout(stateTimer);
    await Promise.allSettled([...folders.values()].map((folder) => folder.close()));
    folders.clear();
    await (await embeddings)?.close();
  });
  connection.listen();
}
