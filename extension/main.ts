import * as vscode from 'vscode';
import { createAnswers, copyPack } from './answers.ts';
import { createServerClient } from './client.ts';
import { downloadEmbeddingModel, importEmbeddingModel, offerEmbeddingModel } from './commands/embeddingModel.ts';
import { indexWorkspace } from './commands/indexWorkspace.ts';
import { selectContext } from './commands/selectContext.ts';
import { createStatusDocument } from './commands/showStatus.ts';
import { showFailure } from './failures.ts';
import { settings } from '../protocol/index.ts';
import { ContextPanel, contextViewId } from './views/contextPanel.ts';
import { attendToEditors, followEditors } from './views/visibleEditors.ts';
import { followTyping } from './views/typingDelay.ts';
import { createStatusBarItem, followIndex } from './views/indexState.ts';

/** Settings that the server reads when it starts: a change of one of them starts it anew. */
const restarting = Object.entries(settings)
  .filter(([, { apply }]) => apply !== 'live')
  .map(([name]) => `contextkit.${name}`);

/** Starts the index process and registers commands, view and status bar item. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  if (!vscode.workspace.getConfiguration('contextkit').get('enable', true)) return;
  const client = createServerClient(context);
  const answers = createAnswers(client);
  const index = followIndex(client);
  const panel = new ContextPanel(context.extensionUri, answers, index);
  const status = createStatusDocument(client);
  const restart = (): Promise<void> => client.restart().catch(showFailure);
  const command = (name: string, run: () => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`contextkit.${name}`, run);

  context.subscriptions.push(
    client,
    answers,
    index,
    panel,
    status,
    createStatusBarItem(index),
    vscode.window.registerWebviewViewProvider(contextViewId, panel, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    command('selectContext', () => selectContext(answers)),
    command('indexWorkspace', () => indexWorkspace(client)),
    command('showStatus', () => status.show()),
    command('copyPack', () => copyPack(answers.latest)),
    command('focusQuestion', () => panel.focus()),
    command('restart', restart),
    command('pauseEmbedding', () => client.pauseEmbedding(true).catch(showFailure)),
    command('resumeEmbedding', () => client.pauseEmbedding(false).catch(showFailure)),
    followEditors(client),
    followTyping(client),
    command('downloadModel', () => downloadEmbeddingModel(client)),
    command('importModel', () => importEmbeddingModel(client)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restart()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (restarting.some((name) => change.affectsConfiguration(name))) void restart();
    }),
    client.onStopped(() => {
      void vscode.window.showWarningMessage('ContextKit: the index process has stopped.', 'Restart').then((answer) => {
        if (answer === 'Restart') void restart();
      });
    }),
  );
  try {
    await client.start();
    attendToEditors(client);
    offerEmbeddingModel(client, context.globalState).catch(showFailure);
  } catch (error) {
    showFailure(error);
  }
}
