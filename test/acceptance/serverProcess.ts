import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-languageserver/node';
import type { SelectAnswer, StatusAnswer } from '../../protocol/index.ts';

const bundle = path.resolve(import.meta.dirname, '../../dist/server.cjs');

/** A real language server, spoken to over its protocol. */
export interface ServerProcess {
  readonly pid: number;
  readonly connection: MessageConnection;
  select(query: string): Promise<SelectAnswer>;
  folder(): Promise<StatusAnswer['folders'][number]>;
  /** Asks until the first folder is as it is wanted. */
  until(holds: (folder: StatusAnswer['folders'][number]) => boolean): Promise<StatusAnswer['folders'][number]>;
  /** Patterns that the server asked to watch. */
  watched(): unknown[];
  stop(): Promise<void>;
  /** As `kill -9` does. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  root: string;
  settings?: Record<string, unknown>;
  /** What a client says it can do. */
  workspace?: Record<string, unknown>;
  env?: Record<string, string>;
}

export async function startServer({
  root,
  settings = {},
  workspace = {},
  env = {},
}: ServerOptions): Promise<ServerProcess> {
  const child: ChildProcess = fork(bundle, ['--node-ipc'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  // A process that is killed leaves requests without an answer: whoever waits for them sees that the connection closed.
  connection.onError(() => undefined);
  const watchers: unknown[] = [];
  connection.onRequest(
    'client/registerCapability',
    ({ registrations }: { registrations: { registerOptions: unknown }[] }) => {
      watchers.push(...registrations.map(({ registerOptions }) => registerOptions));
      return null;
    },
  );
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    clientInfo: { name: 'The Editor' },
    capabilities: { workspace: { workspaceFolders: true, ...workspace } },
    initializationOptions: { settings },
    workspaceFolders: [{ uri: pathToFileURL(root).href, name: 'first' }],
  });
  await connection.sendNotification('initialized', {});
  const folder = async () => (await connection.sendRequest<StatusAnswer>('contextkit/status', {})).folders[0]!;
  return {
    pid: child.pid!,
    connection,
    select: (query) => connection.sendRequest('contextkit/select', { query }),
    folder,
    async until(holds) {
      for (const end = Date.now() + 20_000; ; await sleep(30)) {
        const now = await folder();
        if (holds(now)) return now;
        if (Date.now() > end) throw new Error(`still ${JSON.stringify(now)}`);
      }
    },
    watched: () => watchers,
    async stop() {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      await ended;
      connection.dispose();
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
      connection.dispose();
    },
  };
}
