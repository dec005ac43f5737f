import {
  McpServer,
  type CallToolResult,
  type ServerContext,
  type StandardSchemaWithJSON,
} from '@modelcontextprotocol/server';
import { serveStdio, type StdioServerHandle } from '@modelcontextprotocol/server/stdio';
import { isAppError } from '../../core/errors.ts';
import { mcpTools, type McpTool } from '../../protocol/index.ts';
import type { IndexProgress } from '../../server/engine/index.ts';
import type { AskOptions } from './askedFolder.ts';
import { instructions, toolTexts } from './toolTexts.ts';

export interface McpServerOptions {
  version: string;
  /**
   * Answers a tool by texts, each a block of its own; rejects with an AppError for what was planned to go wrong.
   * `input` is as the schema of the tool has it.
   */
  answer: (tool: McpTool, input: unknown, client: Client, options: AskOptions) => Promise<string[]>;
  /** A client is there and may ask. */
  onClient: (client: Client) => void;
  /** Faults of the program and of the connection. */
  onError: (error: Error) => void;
}

/** Who asks. */
export interface Client {
  /** The address of the first folder that it has open, if it names one. */
  root(): Promise<string | undefined>;
}

const progressEveryMs = 250;

/**
 * Progress notifications of one request, where its client wants them; none of what is done at once. The numbers of a
 * request have to rise, and what is found is counted anew when it is indexed: until then it is 0.
 */
function progressOf({ mcpReq }: ServerContext): (progress: IndexProgress) => void {
  const progressToken = mcpReq._meta?.progressToken;
  let toldAt = performance.now();
  let told = -1;
  return ({ phase, filesDone, filesTotal }) => {
    const isFinding = phase === 'discovering';
    const progress = isFinding ? 0 : filesDone;
    const now = performance.now();
    if (progressToken === undefined || progress <= told || now - toldAt < progressEveryMs) return;
    toldAt = now;
    told = progress;
    const params = isFinding
      ? { progressToken, progress, message: 'Finding files' }
      : { progressToken, progress, total: filesTotal, message: 'Indexing files' };
    // A client that is gone hears nothing; the end of the connection says so.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

const resultOf = (texts: readonly string[]): CallToolResult => ({
  content: texts.map((text) => ({ type: 'text', text })),
});

/** A model reads it: what was wrong and what to do. */
function failureOf(error: unknown, onError: (error: Error) => void): CallToolResult {
  if (isAppError(error))
    return {
      ...resultOf([error.hint === undefined ? error.message : `${error.message}. ${error.hint}`]),
      isError: true,
    };
  onError(error as Error);
  return { ...resultOf([`This is a fault of ContextKit: ${String(error)}`]), isError: true };
}

/** The first folder among the client's roots; clients of the protocol since 2026 name none. */
async function firstRoot({ server }: McpServer): Promise<string | undefined> {
  if (server.getClientCapabilities()?.roots === undefined) return undefined;
  const { roots } = await server.listRoots();
  return roots.find(({ uri }) => uri.startsWith('file:'))?.uri;
}

/** Serves the tools over standard input and output until it is closed. */
export function serveMcp({ version, answer, onClient, onError }: McpServerOptions): StdioServerHandle {
  function connect(): McpServer {
    const server = new McpServer(
      { name: 'contextkit', title: 'ContextKit', version },
      { instructions, capabilities: { tools: {} } },
    );
    const client: Client = { root: () => firstRoot(server) };

    for (const tool of Object.keys(mcpTools) as McpTool[]) {
      const inputSchema: StandardSchemaWithJSON = mcpTools[tool];
      const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };
      server.registerTool(tool, { ...toolTexts[tool], inputSchema, annotations }, async (input, context) => {
        const { signal } = context.mcpReq;
        try {
          return resultOf(await answer(tool, input, client, { signal, onProgress: progressOf(context) }));
        } catch (error) {
          return failureOf(error, onError);
        }
      });
    }
    // Only clients of before 2026 say when they are ready.
    server.server.oninitialized = () => onClient(client);
    return server;
  }

  return serveStdio(connect, { onerror: onError });
}
