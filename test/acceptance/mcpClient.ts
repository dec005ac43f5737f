import { Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { cli } from './workspace.ts';

export interface Told {
  texts: string[];
  isError: boolean;
}

/** A real client of the protocol and a real server. */
export interface Connected {
  client: Client;
  /** What the server has written on standard error. */
  notes(): string;
  call(tool: string, input?: Record<string, unknown>): Promise<Told>;
  close(): Promise<void>;
}

export async function connect(
  cwd: string,
  {
    args = [],
    program = cli,
    env = {},
    options = {},
    prepare,
  }: {
    args?: string[];
    /** The command line program to start; by default the one that was built. */
    program?: string;
    env?: Record<string, string>;
    options?: ClientOptions;
    prepare?: (client: Client) => void;
  } = {},
): Promise<Connected> {
  const client = new Client({ name: 'test', version: '1' }, options);
  prepare?.(client);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, 'mcp', ...args],
    cwd,
    env: { ...(process.env as Record<string, string>), ...env },
    stderr: 'pipe',
  });
  let notes = '';
  transport.stderr!.on('data', (part: Buffer) => (notes += String(part)));
  await client.connect(transport);
  return {
    client,
    notes: () => notes,
    async call(tool, input = {}) {
      const { content, isError } = await client.callTool({ name: tool, arguments: input });
      return { texts: content.map((each) => (each.type === 'text' ? each.text : '')), isError: isError === true };
    },
    close: () => client.close(),
  };
}
