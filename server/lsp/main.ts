/** The language server process: started by the editor over IPC, by tests also over stdio. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Compiling this file, loading the library and loading the rest take about as long each: in turns of their own none of
 * them keeps the loop for long. Messages wait meanwhile: in the channel until somebody listens to it, in the connection
 * until it does.
 */
async function start(): Promise<void> {
  await sleep(0);
  const { createConnection, ProposedFeatures } = await import('vscode-languageserver/node');
  const connection = createConnection(ProposedFeatures.all);
  await sleep(0);
  const { runLanguageServer } = await import('./languageServer.ts');
  runLanguageServer(connection);
}

void start();
