import * as vscode from 'vscode';
import { holdText, type FolderState } from '../../protocol/index.ts';
import type { ServerClient } from '../client.ts';

/** The state of all folders in one: what the status bar and the panel show. */
export interface IndexSummary {
  state: 'none' | 'indexing' | 'ready' | 'problem';
  /** Short: for the status bar. */
  label: string;
  /** A sentence. */
  text: string;
}

const number = (count: number): string => count.toLocaleString('en-US');

const minutes = (seconds: number): string =>
  seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;

/** Of a folder in which one model answers while another one is being brought in. */
function summarizeChange(
  { state, model, answering, reason, etaSeconds }: FolderState['vectors'],
  share: string,
): { label: string; text: string } {
  const meanwhile = `${answering ?? ''} answers meanwhile.`;
  const to = `the model ${model ?? ''}`;
  if (state === 'failed' || state === 'no_model')
    return { label: '', text: ` No change to ${to}: ${reason ?? 'it cannot be used.'} ${meanwhile}` };
  if (state === 'paused') return { label: '', text: ` The change to ${to} is paused at ${share}; ${meanwhile}` };
  const left = etaSeconds === null ? '' : `, ${minutes(etaSeconds)}`;
  return { label: `, new model ${share}`, text: ` Changing to ${to}: ${share}${left}; ${meanwhile}` };
}

/** What the vectors of all folders add to the summary. */
function summarizeVectors(vectors: readonly FolderState['vectors'][]): { label: string; text: string } {
  const chunks = vectors.reduce((sum, each) => sum + each.chunks, 0);
  const embedded = vectors.reduce((sum, each) => sum + each.embedded + each.failed, 0);
  const share = `${chunks === 0 ? 0 : Math.floor((100 * embedded) / chunks)}%`;
  const failed = vectors.find(({ state }) => state === 'failed');
  const changing = vectors.find(({ answering }) => answering !== null);
  if (changing !== undefined) return summarizeChange(changing, share);
  if (failed !== undefined)
    return { label: '', text: ` Search by words only: ${failed.reason ?? 'embedding failed'}.` };
  const hold = vectors.find((each) => each.hold !== null)?.hold ?? null;
  if (vectors.some(({ state }) => state === 'paused'))
    return {
      label: hold === null ? '' : `, ${holdText(hold)}`,
      text: ` Embedding is ${hold === null ? 'paused' : holdText(hold)}, at ${share}.`,
    };
  if (vectors.some(({ state }) => state === 'embedding')) {
    const left = vectors.reduce((sum, { etaSeconds }) => sum + (etaSeconds ?? 0), 0);
    const slow = hold === null ? '' : `, ${holdText(hold)}`;
    return {
      label: `, embedding ${share}`,
      text: ` Embedding: ${share}${left > 0 ? `, ${minutes(left)}` : ''}${slow}.`,
    };
  }
  const missing = vectors.find(({ state }) => state === 'no_model');
  if (missing !== undefined) return { label: '', text: ' Search by words: there is no embedding model.' };
  return vectors.some(({ state }) => state === 'ready')
    ? { label: '', text: ' Search by words and meaning.' }
    : { label: '', text: '' };
}

export function summarize(folders: readonly FolderState[], percent: number | null): IndexSummary {
  if (folders.length === 0) return { state: 'none', label: 'no folder', text: 'Open a folder to index it.' };
  const broken = folders.find(({ problem }) => problem !== null);
  if (broken !== undefined) {
    return {
      state: 'problem',
      label: 'problem',
      text: `${broken.name}: ${broken.problem ?? ''} ${broken.hint ?? ''}`.trim(),
    };
  }
  const files = folders.reduce((sum, folder) => sum + folder.files, 0);
  const chunks = folders.reduce((sum, folder) => sum + folder.chunks, 0);
  const skipped = folders.reduce((sum, folder) => sum + folder.skippedCount, 0);
  if (folders.some(({ state }) => state === 'indexing')) {
    const share = percent === null ? '' : ` ${percent}%`;
    return {
      state: 'indexing',
      label: `indexing${share}`,
      text: `Indexing${share}. Questions are answered from what is there.`,
    };
  }
  if (folders.every(({ state }) => state === 'empty')) {
    return { state: 'none', label: 'not indexed', text: 'Not indexed yet. Run “ContextKit: Index Workspace”.' };
  }
  const meaning = summarizeVectors(folders.map(({ vectors }) => vectors));
  return {
    state: 'ready',
    label: `${number(files)} files${meaning.label}`,
    text: `${number(files)} files, ${number(chunks)} chunks indexed, ${number(skipped)} paths skipped.${meaning.text}`,
  };
}

/** Follows the server and tells one summary. */
export function followIndex(
  client: ServerClient,
): vscode.Disposable & { readonly summary: IndexSummary; readonly onChange: vscode.Event<IndexSummary> } {
  const changed = new vscode.EventEmitter<IndexSummary>();
  let folders: readonly FolderState[] = [];
  let percent: number | null = null;
  let summary: IndexSummary = { state: 'indexing', label: 'starting', text: 'Starting.' };
  const tell = (next: IndexSummary): void => {
    summary = next;
    changed.fire(next);
  };
  const subscriptions = [
    client.onState((now) => {
      folders = now;
      if (!folders.some(({ state }) => state === 'indexing')) percent = null;
      tell(summarize(folders, percent));
    }),
    client.onProgress(({ progress: { phase, filesDone, filesTotal } }) => {
      percent = phase === 'indexing' && filesTotal > 0 ? Math.floor((filesDone / filesTotal) * 100) : percent;
      if (phase === 'done') return;
      const share = percent === null ? '' : ` ${percent}%`;
      tell({
        state: 'indexing',
        label: `indexing${share}`,
        text: `Indexing${share}: ${filesDone} of ${filesTotal} files. Questions are answered from what is there.`,
      });
    }),
    client.onStopped(() =>
      tell({ state: 'problem', label: 'stopped', text: 'The index process has stopped. Run “ContextKit: Restart”.' }),
    ),
  ];
  return {
    get summary() {
      return summary;
    },
    onChange: changed.event,
    dispose() {
      for (const subscription of subscriptions) subscription.dispose();
      changed.dispose();
    },
  };
}

/** The one status bar item. */
export function createStatusBarItem(index: ReturnType<typeof followIndex>): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('contextkit.status', vscode.StatusBarAlignment.Left, 0);
  item.name = 'ContextKit';
  item.command = 'contextkit.showStatus';
  const icons = { none: 'circle-slash', indexing: 'sync~spin', ready: 'layers', problem: 'warning' } as const;
  const show = ({ state, label, text }: IndexSummary): void => {
    item.text = `$(${icons[state]}) ContextKit: ${label}`;
    item.tooltip = `${text}\nClick to see the status.`;
    item.backgroundColor = state === 'problem' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  show(index.summary);
  const subscription = index.onChange(show);
  return vscode.Disposable.from(item, subscription);
}
