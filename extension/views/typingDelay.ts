import * as vscode from 'vscode';
import type { ServerClient } from '../client.ts';
import { createTypingWatch } from '../typingWatch.ts';

/** While the workspace is being embedded: tells the server when typing gets slow by it. */
export function followTyping(client: ServerClient): vscode.Disposable {
  let embedding = false;
  const watch = createTypingWatch({ onStarved: (starvedMs) => client.typing(starvedMs) });
  return vscode.Disposable.from(
    watch,
    client.onState((folders) => {
      embedding = folders.some(({ vectors }) => vectors.state === 'embedding');
    }),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const isTyped = contentChanges.length > 0 && document === vscode.window.activeTextEditor?.document;
      if (embedding && isTyped) watch.typed();
    }),
  );
}
