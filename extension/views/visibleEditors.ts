import * as vscode from 'vscode';
import type { ServerClient } from '../client.ts';

/** Tells the server which files are before the user's eyes. */
export function attendToEditors(client: ServerClient): void {
  const uris = vscode.window.visibleTextEditors.map(({ document }) => document.uri);
  const files = uris.filter(({ scheme }) => scheme === 'file').map((uri) => uri.toString());
  if (files.length > 0) client.attend(files);
}

/** The same whenever that changes. */
export function followEditors(client: ServerClient): vscode.Disposable {
  return vscode.window.onDidChangeVisibleTextEditors(() => attendToEditors(client));
}
