import * as vscode from 'vscode';
import type { SelectAnswer, SelectedRange, SelectParams } from '../protocol/index.ts';
import type { ServerClient } from './client.ts';

/** An answer and the question it belongs to. */
export interface Answer {
  query: string;
  result: SelectAnswer;
}

/** The last answer, shared by palette and panel; a new question aborts the one before. */
export interface Answers extends vscode.Disposable {
  readonly latest: Answer | undefined;
  readonly onAnswer: vscode.Event<Answer>;
  /** What words alone find, while vectors are still being made for the answer. */
  readonly onPreview: vscode.Event<Answer>;
  /** What is not given comes from the settings. */
  ask(query: string, options: Pick<SelectParams, 'budget' | 'mode'>, token?: vscode.CancellationToken): Promise<Answer>;
}

/** An answer that takes longer is preceded by what words alone find. */
const previewMs = 250;

/** True after this time, false once it is cancelled. */
const after = (ms: number, token: vscode.CancellationToken): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms);
    token.onCancellationRequested(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });

export function createAnswers(client: ServerClient): Answers {
  const answered = new vscode.EventEmitter<Answer>();
  const previewed = new vscode.EventEmitter<Answer>();
  let latest: Answer | undefined;
  let running: vscode.CancellationTokenSource | undefined;
  return {
    get latest() {
      return latest;
    },
    onAnswer: answered.event,
    onPreview: previewed.event,
    async ask(query, options, token) {
      running?.cancel();
      const source = new vscode.CancellationTokenSource();
      running = source;
      const linked = token?.onCancellationRequested(() => source.cancel());
      try {
        const asked = client.select({ query, ...options }, source.token);
        const isFirst = await Promise.race([asked.then(() => false), after(previewMs, source.token)]);
        if (isFirst) {
          const byWords = await client.select({ query, ...options, byMeaning: false }, source.token);
          if (!source.token.isCancellationRequested) previewed.fire({ query, result: byWords });
        }
        const result = await asked;
        latest = { query, result };
        answered.fire(latest);
        return latest;
      } finally {
        linked?.dispose();
        source.dispose();
        if (running === source) running = undefined;
      }
    },
    dispose() {
      answered.dispose();
      previewed.dispose();
    },
  };
}

/** Opens a range in an editor and selects its lines' beginning. */
export async function openRange(range: SelectedRange, options: { preview: boolean }): Promise<void> {
  const lines = new vscode.Range(range.startLine - 1, 0, range.endLine - 1, 0);
  const editor = await vscode.window.showTextDocument(vscode.Uri.parse(range.uri), {
    preview: true,
    preserveFocus: options.preview,
    selection: new vscode.Range(lines.start, lines.start),
  });
  editor.revealRange(lines, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** One range as it would stand in a pack. */
export function asSnippet({ path, startLine, endLine, language, content }: SelectedRange): string {
  const longest = (content.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `### ${path}:${startLine}-${endLine}\n${fence}${language}\n${content}\n${fence}\n`;
}

export async function copyPack(answer: Answer | undefined): Promise<void> {
  if (answer === undefined) {
    void vscode.window.showInformationMessage('There is no context to copy yet: ask a question first.');
    return;
  }
  await vscode.env.clipboard.writeText(answer.result.context);
  vscode.window.setStatusBarMessage(
    `$(check) Copied ${answer.result.tokensUsed.toLocaleString()} tokens of context`,
    4000,
  );
}
