import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  FileChangeType,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-languageserver/node';
import { serverArguments, serverEnvironment, type SelectAnswer, type StatusAnswer } from '../../protocol/index.ts';
import { createMemoryMeter } from './memoryMeter.ts';

const bundle = path.resolve(import.meta.dirname, '../../dist/server.cjs');
/** An editor's watcher tells so much later of what it has saved itself. */
const watcherDelayMs = 100;
const monitor = path.join(import.meta.dirname, 'loopMonitor.cjs');

/** A stretch in which the main loop did nothing else. */
export interface LoopBlock {
  /** Since the start of the process. */
  atMs: number;
  lateMs: number;
  /** What the thread worked, and how long it waited for a core meanwhile; null where the system does not tell. */
  ranMs: number | null;
  waitedMs: number | null;
}

export interface LoopReport {
  /** Longest work first, at most 40. */
  blocks: LoopBlock[];
  maxDelayMs: number;
  p99DelayMs: number;
  forMs: number;
}

/** The language server as an editor starts it, with its main loop and its memory watched. */
export interface ServerProcess {
  readonly pid: number;
  select(query: string): Promise<SelectAnswer>;
  status(): Promise<StatusAnswer['folders'][number]>;
  /** A file comes before the user's eyes. */
  attend(files: readonly string[]): Promise<void>;
  saved(file: string): Promise<void>;
  notify(method: string, params: object): Promise<void>;
  /** Of the process and its children, as sampled. */
  peakMb(): number;
  /** Ends it properly; what was measured of the loop. */
  stop(): Promise<LoopReport>;
  kill(): void;
}

export interface ServerStart {
  root: string;
  /** Folder of the index folders. */
  indexDirectory: string;
  /** Where the monitor writes. */
  loopFile: string;
  settings?: Record<string, unknown>;
  /** In place of what it inherits of the same names. */
  env?: Record<string, string>;
  /** Files that are open in the editor. */
  attended?: readonly string[];
}

export async function startServer({
  root,
  indexDirectory,
  loopFile,
  settings = {},
  env = {},
  attended = [],
}: ServerStart): Promise<ServerProcess> {
  const child: ChildProcess = fork(bundle, ['--node-ipc'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [...serverArguments, '--require', monitor],
    env: { ...process.env, ...serverEnvironment(process.env), ...env, CONTEXTKIT_LOOP_FILE: loopFile },
  });
  const connection: MessageConnection = createMessageConnection(
    new IPCMessageReader(child),
    new IPCMessageWriter(child),
  );
  connection.onError(() => undefined);
  // As an editor does, which tells of changes itself: no folder is looked through every half a minute.
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  const memory = createMemoryMeter(child.pid!);
  const folder = pathToFileURL(root).href;
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { workspaceFolders: true, didChangeWatchedFiles: { dynamicRegistration: true } } },
    initializationOptions: { settings: { indexDirectory, ...settings } },
    workspaceFolders: [{ uri: folder, name: 'folder' }],
  });
  await connection.sendNotification('initialized', {});
  const uriOf = (file: string): string => pathToFileURL(path.join(root, ...file.split('/'))).href;
  const attend = (files: readonly string[]): Promise<void> =>
    connection.sendNotification('contextkit/attend', { uris: files.map(uriOf) });
  if (attended.length > 0) await attend(attended);
  return {
    pid: child.pid!,
    select: (query) => connection.sendRequest('contextkit/select', { query }),
    status: async () => (await connection.sendRequest<StatusAnswer>('contextkit/status', {})).folders[0]!,
    attend,
    async saved(file) {
      const uri = uriOf(file);
      await connection.sendNotification('textDocument/didSave', { textDocument: { uri } });
      const told = { changes: [{ uri, type: FileChangeType.Changed }] };
      const tell = (): void => void connection.sendNotification('workspace/didChangeWatchedFiles', told);
      setTimeout(tell, watcherDelayMs).unref();
    },
    notify: (method, params) => connection.sendNotification(method, params),
    peakMb: () => memory.peakMb(),
    async stop() {
      await connection.sendRequest('shutdown');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await connection.sendNotification('exit');
      await Promise.race([ended, sleep(5_000)]);
      connection.dispose();
      memory.stop();
      child.kill();
      return JSON.parse(readFileSync(loopFile, 'utf8')) as LoopReport;
    },
    kill() {
      memory.stop();
      connection.dispose();
      child.kill('SIGKILL');
    },
  };
}
