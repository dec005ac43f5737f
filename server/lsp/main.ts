/** The language server process: started by the editor over IPC, by tests also over stdio. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';

async function start(): Promise<void> {
  // Messages wait until the connection listens.
  const connection = createConnection(ProposedFeatures.all);
  // The rest takes as long to load as the library above: in a turn of its own neither keeps the loop for long.
  await sleep(0);
  const { runLanguageServer } = await import('./languageServer.ts');
  runLanguageServer(connection);
}

void start();
