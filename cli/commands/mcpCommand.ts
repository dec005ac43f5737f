import { once } from 'node:events';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppError, isAppError } from '../../core/errors.ts';
import type { McpInput, McpTool } from '../../protocol/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { answers } from '../mcp/answers.ts';
import { createAskedFolder, type AskedFolder, type AskOptions } from '../mcp/askedFolder.ts';
import type * as McpServerModule from '../mcp/mcpServer.ts';
import type { Client } from '../mcp/mcpServer.ts';
import { openWorkspace, type Session } from '../session.ts';
import { findRoot } from '../workspace.ts';

/** Some clients start their servers in the home folder: nobody means to index all of it. */
function refuseWholeDisk(root: string): void {
  if (root !== homedir() && path.dirname(root) !== root) return;
  throw new AppError('invalid_input', `this would index the whole of ${root}`, {
    hint: 'Start the server in the repository, or name it: contextkit mcp --root DIR.',
  });
}

/** The folder named with --root, else the one that the client has open, else the repository that the server was started in. */
async function rootOf({ common, cwd }: Session, client: Client): Promise<string> {
  if (common.root !== undefined) return findRoot(common.root, cwd);
  const named = await client.root();
  const root = named === undefined ? findRoot(undefined, cwd) : findRoot(fileURLToPath(named), cwd);
  refuseWholeDisk(root);
  return root;
}

/** In a bundle of its own: no other command loads the library of the protocol. */
const loadServer = async (): Promise<typeof McpServerModule> =>
  (await import(pathToFileURL(path.join(import.meta.dirname, 'mcpServer.cjs')).href)) as typeof McpServerModule;

/** Answers an MCP client over standard input and output until it leaves. */
export async function mcpCommand(session: Session, version: string): Promise<number> {
  const log = (event: string, fields: Record<string, unknown>): void =>
    session.terminal.note(`${event} ${JSON.stringify(fields)}`);
  const onError = (error: Error): void =>
    log('failed', { message: error.message, ...(isAppError(error) ? {} : { stack: error.stack }) });

  async function choose(client: Client): Promise<AskedFolder> {
    const root = await rootOf(session, client);
    log('serving', { root });
    const named = { ...session, common: { ...session.common, root } };
    return createAskedFolder({
      open: () => openWorkspace(named, { preload: true, byMeaning: true, stays: true }),
      log,
    });
  }

  let folder: Promise<AskedFolder> | undefined;
  function folderOf(client: Client): Promise<AskedFolder> {
    // One that was refused or not found is looked for again with the next question.
    folder ??= choose(client).catch((error: unknown) => {
      folder = undefined;
      throw error;
    });
    return folder;
  }

  async function answer<Tool extends McpTool>(tool: Tool, input: unknown, client: Client, options: AskOptions) {
    const { workspace, lack } = await (await folderOf(client)).ask(options);
    const texts = await answers[tool](workspace, input as McpInput<Tool>, options.signal);
    return lack === null ? texts : [...texts, lack];
  }

  if (process.stdin.isTTY)
    session.terminal.note(
      'An assistant talks to this server over standard input. Add it to one as the README says, or ask by hand: contextkit select. Ctrl-C ends it.',
    );
  const { serveMcp } = await loadServer();
  const server = serveMcp({
    version,
    answer,
    onClient(client) {
      folderOf(client)
        .then((opened) => opened.begin())
        .catch(onError);
    },
    onError,
  });
  await Promise.race([once(process.stdin, 'close'), once(session.signal, 'abort')]);
  await server.close();
  await (await folder?.catch(() => undefined))?.close();
  return exitCodes.ok;
}
