import * as vscode from 'vscode';
import type { SelectedRange } from '../../protocol/index.ts';
import { asSnippet, copyPack, openRange, type Answer, type Answers } from '../answers.ts';
import { showFailure } from '../failures.ts';

interface RangeItem extends vscode.QuickPickItem {
  range: SelectedRange;
}

const copyButton: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('copy'), tooltip: 'Copy this range' };
const packButton: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('files'), tooltip: 'Copy the whole pack' };

function toItem(range: SelectedRange): RangeItem {
  const name = range.path.slice(range.path.lastIndexOf('/') + 1);
  const folder = range.path.slice(0, -name.length);
  return {
    label: `$(symbol-file) ${name}:${range.startLine}-${range.endLine}`,
    description: folder,
    detail: [range.scope, `${range.tokens} tokens`, `score ${range.score.toFixed(1)}`]
      .filter((part) => part !== '')
      .join('  ·  '),
    buttons: [copyButton],
    range,
  };
}

async function ask(): Promise<string | undefined> {
  const selection = vscode.window.activeTextEditor?.selection;
  const selected =
    selection === undefined || selection.isEmpty
      ? ''
      : (vscode.window.activeTextEditor?.document.getText(selection) ?? '');
  const query = await vscode.window.showInputBox({
    title: 'ContextKit: Select Context',
    prompt: 'What do you look for? A question, an error message, a name.',
    placeHolder: 'where are routes matched',
    value: selected.length <= 2000 ? selected : '',
    validateInput: (text) => (text.trim() === '' ? 'Say in a few words what you look for.' : undefined),
  });
  return query?.trim();
}

/** Ranges to walk through: moving previews, Enter opens, Escape goes back to where one was. */
function showRanges({ query, result }: Answer): void {
  const pick = vscode.window.createQuickPick<RangeItem>();
  const before = vscode.window.activeTextEditor;
  let accepted = false;
  pick.title = `${query} (${result.tokensUsed.toLocaleString()} of ${result.budget.toLocaleString()} tokens)`;
  pick.placeholder = result.partial
    ? 'The index is still being made: later answers may be better'
    : 'Enter opens; type to filter';
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = result.ranges.map(toItem);
  pick.buttons = [packButton];
  pick.onDidTriggerButton(() => void copyPack({ query, result }));
  pick.onDidTriggerItemButton(({ item }) => {
    void vscode.env.clipboard.writeText(asSnippet(item.range));
    vscode.window.setStatusBarMessage(`$(check) Copied ${item.range.path}`, 4000);
  });
  pick.onDidAccept(() => {
    const [item] = pick.selectedItems;
    accepted = true;
    pick.hide();
    if (item !== undefined) openRange(item.range, { preview: false }).catch(showFailure);
  });
  pick.onDidHide(() => {
    pick.dispose();
    if (!accepted && before !== undefined) void vscode.window.showTextDocument(before.document, before.viewColumn);
  });
  pick.show();
}

/** Asks, shows the ranges, and the panel has them, too. */
export async function selectContext(answers: Answers): Promise<void> {
  const query = await ask();
  if (query === undefined) return;
  try {
    const answer = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: 'ContextKit: searching', cancellable: true },
      (_, token) => answers.ask(query, {}, token),
    );
    if (answer.result.ranges.length === 0) {
      void vscode.window.showInformationMessage('ContextKit: nothing matches. Try other words.');
      return;
    }
    showRanges(answer);
  } catch (error) {
    showFailure(error);
  }
}
