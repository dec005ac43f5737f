/** The language server process: started by the editor over IPC, by tests also over stdio. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { runLanguageServer } from './languageServer.ts';

runLanguageServer(createConnection(ProposedFeatures.all));
