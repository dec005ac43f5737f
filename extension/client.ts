import * as vscode from 'vscode';
import { LanguageClient, TransportKind, State, type LanguageClientOptions } from 'vscode-languageclient/node';
import {
  downloadModelMessage,
  downloadNotification,
  failureData,
  importModelMessage,
  indexMessage,
  modelMessage,
  attendNotification,
  pauseMessage,
  progressNotification,
  selectMessage,
  serverArguments,
  serverEnvironment,
  editorNames,
  stateNotification,
  statusMessage,
  typingNotification,
  type DownloadParams,
  type DownloadProgressParams,
  type FolderState,
  type IndexAnswer,
  type ModelState,
  type ProgressParams,
  type SelectAnswer,
  type SelectParams,
  type StatusAnswer,
} from '../protocol/index.ts';

/** A planned failure as people should read it. */
export class ServerFailure extends Error {
  constructor(
    message: string,
    readonly hint: string | null,
    /** Of core/errors.ts; null where the server is not even there. */
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

/** The language server, as the rest of the extension sees it. */
export interface ServerClient extends vscode.Disposable {
  readonly onState: vscode.Event<readonly FolderState[]>;
  readonly onProgress: vscode.Event<ProgressParams>;
  readonly onDownload: vscode.Event<DownloadProgressParams>;
  /** The server process ended although nobody asked it to. */
  readonly onStopped: vscode.Event<void>;
  start(): Promise<void>;
  restart(): Promise<void>;
  select(params: SelectParams, token: vscode.CancellationToken): Promise<SelectAnswer>;
  index(force: boolean, token: vscode.CancellationToken): Promise<IndexAnswer>;
  status(): Promise<StatusAnswer>;
  /** The embedding model; null when embeddings are switched off. */
  model(): Promise<ModelState | null>;
  downloadModel(params: DownloadParams, token: vscode.CancellationToken): Promise<ModelState>;
  importModel(dir: string): Promise<ModelState>;
  /** Holds the embedding back that nobody waits for, or lets it go on. */
  pauseEmbedding(paused: boolean): Promise<void>;
  /** These files are before the user's eyes. */
  attend(uris: readonly string[]): void;
  /** While somebody typed, the editor got no processor for so many ms of a second. */
  typing(starvedMs: number): void;
}

function currentSettings(): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration('contextkit');
  return Object.fromEntries(editorNames.map((name) => [name, configuration.get(name)]));
}

function toFailure(error: unknown): unknown {
  const data = failureData.safeParse((error as { data?: unknown }).data);
  if (!data.success) return error;
  return new ServerFailure((error as Error).message, data.data.hint ?? null, data.data.code);
}

export function createServerClient(context: vscode.ExtensionContext): ServerClient {
  const state = new vscode.EventEmitter<readonly FolderState[]>();
  const progress = new vscode.EventEmitter<ProgressParams>();
  const download = new vscode.EventEmitter<DownloadProgressParams>();
  const stopped = new vscode.EventEmitter<void>();
  let client: LanguageClient | undefined;
  let stopping = false;

  async function start(): Promise<void> {
    const module = context.asAbsolutePath('dist/server.cjs');
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: 'file' }],
      initializationOptions: { settings: currentSettings(), trusted: vscode.workspace.isTrusted },
      outputChannelName: 'ContextKit',
    };
    const how = { execArgv: [...serverArguments], env: serverEnvironment(process.env) };
    const run = { module, transport: TransportKind.ipc, options: how };
    const next = new LanguageClient('contextkit', 'ContextKit', { run, debug: run }, options);
    client = next;
    next.onNotification(stateNotification.method, (raw: unknown) => {
      const parsed = stateNotification.params.safeParse(raw);
      if (parsed.success) state.fire(parsed.data.folders);
    });
    next.onNotification(progressNotification.method, (raw: unknown) => {
      const parsed = progressNotification.params.safeParse(raw);
      if (parsed.success) progress.fire(parsed.data);
    });
    next.onNotification(downloadNotification.method, (raw: unknown) => {
      const parsed = downloadNotification.params.safeParse(raw);
      if (parsed.success) download.fire(parsed.data);
    });
    next.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped && !stopping) stopped.fire();
    });
    await next.start();
  }

  async function stop(): Promise<void> {
    stopping = true;
    try {
      await client?.stop();
    } finally {
      stopping = false;
      client = undefined;
    }
  }

  async function request<T>(
    method: string,
    params: unknown,
    parse: (raw: unknown) => T,
    token?: vscode.CancellationToken,
  ): Promise<T> {
    if (client === undefined) throw new ServerFailure('ContextKit is not running.', 'Reload the window.');
    try {
      const raw =
        token === undefined
          ? await client.sendRequest(method, params)
          : await client.sendRequest(method, params, token);
      return parse(raw);
    } catch (error) {
      throw toFailure(error);
    }
  }

  return {
    onState: state.event,
    onProgress: progress.event,
    onDownload: download.event,
    onStopped: stopped.event,
    start,
    async restart() {
      await stop();
      await start();
    },
    select: (params, token) => request(selectMessage.method, params, (raw) => selectMessage.result.parse(raw), token),
    index: (force, token) => request(indexMessage.method, { force }, (raw) => indexMessage.result.parse(raw), token),
    status: () => request(statusMessage.method, {}, (raw) => statusMessage.result.parse(raw)),
    model: () => request(modelMessage.method, {}, (raw) => modelMessage.result.parse(raw).model),
    downloadModel: (params, token) =>
      request(downloadModelMessage.method, params, (raw) => downloadModelMessage.result.parse(raw).model, token),
    async pauseEmbedding(paused) {
      await request(pauseMessage.method, { paused }, (raw) => pauseMessage.result.parse(raw));
    },
    attend(uris) {
      // One that comes while the server starts or stops is of no use to anybody.
      if (client?.state === State.Running) void client.sendNotification(attendNotification.method, { uris });
    },
    typing(starvedMs) {
      if (client?.state === State.Running) void client.sendNotification(typingNotification.method, { starvedMs });
    },
    importModel: (dir) =>
      request(importModelMessage.method, { dir }, (raw) => importModelMessage.result.parse(raw).model),
    dispose() {
      state.dispose();
      progress.dispose();
      download.dispose();
      stopped.dispose();
      void stop();
    },
  };
}
