import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { fromPanel, type FromPanel, type ToPanel } from '../../protocol/index.ts';
import { asSnippet, copyPack, openRange, type Answer, type Answers } from '../answers.ts';
import { describeFailure, showFailure } from '../failures.ts';
import type { followIndex } from './indexState.ts';

export const contextViewId = 'contextkit.context';

function html(webview: vscode.Webview, root: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64url');
  const script = webview.asWebviewUri(vscode.Uri.joinPath(root, 'dist/webview/context.js'));
  const style = webview.asWebviewUri(vscode.Uri.joinPath(root, 'media/context.css'));
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'; font-src ${webview.cspSource}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style.toString()}">
<title>ContextKit</title>
</head>
<body><main id="app"></main><script nonce="${nonce}" src="${script.toString()}"></script></body>
</html>`;
}

function toResults({ query, result }: Answer, preview: boolean): ToPanel {
  const best = Math.max(...result.ranges.map(({ score }) => score), Number.EPSILON);
  return {
    type: 'results',
    query,
    ranges: result.ranges.map(({ path, startLine, endLine, scope, tokens, score }, id) => ({
      id,
      path,
      startLine,
      endLine,
      scope,
      tokens,
      score,
      share: score / best,
    })),
    map: result.ranges.length === 0 && result.filesIncluded > 0 ? result.context : null,
    files: result.filesIncluded,
    tokensUsed: result.tokensUsed,
    budget: result.budget,
    leftOut: result.leftOut,
    partial: result.partial,
    preview,
    ms: result.processingMs,
  };
}

/** The sidebar view: question, results, open and copy. */
export class ContextPanel implements vscode.WebviewViewProvider, vscode.Disposable {
  #view: vscode.WebviewView | undefined;
  readonly #subscriptions: vscode.Disposable[];

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly answers: Answers,
    private readonly index: ReturnType<typeof followIndex>,
  ) {
    this.#subscriptions = [
      answers.onAnswer((answer) => this.#post(toResults(answer, false))),
      answers.onPreview((answer) => this.#post(toResults(answer, true))),
      index.onChange(({ state, text }) => this.#post({ type: 'index', state, text })),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('contextkit.budget')) this.#postBudget();
      }),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    view.webview.options = {
      enableScripts: true,
      localResourceRoots: [
        vscode.Uri.joinPath(this.extensionUri, 'dist/webview'),
        vscode.Uri.joinPath(this.extensionUri, 'media'),
      ],
    };
    view.webview.onDidReceiveMessage((raw: unknown) => {
      const message = fromPanel.safeParse(raw);
      if (message.success) this.#answer(message.data).catch(showFailure);
    });
    view.onDidDispose(() => {
      this.#view = undefined;
    });
    view.webview.html = html(view.webview, this.extensionUri);
  }

  /** Shows the view with the cursor in the question. */
  async focus(): Promise<void> {
    await vscode.commands.executeCommand(`${contextViewId}.focus`);
    this.#post({ type: 'focus' });
  }

  #post(message: ToPanel): void {
    void this.#view?.webview.postMessage(message);
  }

  #postBudget(): void {
    this.#post({ type: 'budget', budget: vscode.workspace.getConfiguration('contextkit').get('budget', 8000) });
  }

  async #answer(message: FromPanel): Promise<void> {
    const { latest } = this.answers;
    switch (message.type) {
      case 'ready': {
        const { state, text } = this.index.summary;
        this.#post({ type: 'index', state, text });
        this.#postBudget();
        if (latest !== undefined) this.#post(toResults(latest, false));
        return;
      }
      case 'search':
        return this.#search(message);
      case 'open': {
        const range = latest?.result.ranges[message.id];
        if (range !== undefined) await openRange(range, { preview: false });
        return;
      }
      case 'copy': {
        const range = latest?.result.ranges[message.id];
        if (range === undefined) return;
        await vscode.env.clipboard.writeText(asSnippet(range));
        vscode.window.setStatusBarMessage(`$(check) Copied ${range.path}`, 4000);
        return;
      }
      case 'copyPack':
        return copyPack(latest);
      case 'showStatus':
        await vscode.commands.executeCommand('contextkit.showStatus');
    }
  }

  async #search({ query, budget, mode }: Extract<FromPanel, { type: 'search' }>): Promise<void> {
    this.#post({ type: 'searching', query });
    try {
      await this.answers.ask(query, { budget, mode });
    } catch (error) {
      const failure = describeFailure(error);
      if (failure !== null) this.#post({ type: 'error', ...failure });
    }
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
