import * as vscode from 'vscode';
import type { DownloadParams, DownloadProgressParams, ModelState } from '../../protocol/index.ts';
import { ServerFailure, type ServerClient } from '../client.ts';
import { describeFailure } from '../failures.ts';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** How the hub is reached: our settings, and the proxy of the editor. */
function hubParams(): DownloadParams {
  const own = vscode.workspace.getConfiguration('contextkit');
  const http = vscode.workspace.getConfiguration('http');
  return {
    url: own.get('modelUrl', ''),
    certificates: own.get('modelCertificates', ''),
    proxy: http.get<string | null>('proxy', '') ?? '',
    noProxy: http.get<string[]>('noProxy', []),
  };
}

function downloadText({
  phase,
  bytesDone,
  bytesTotal,
  bytesPerSecond,
  etaSeconds,
  note,
}: DownloadProgressParams): string {
  if (note !== null) return note;
  if (phase === 'checking') return 'checking';
  const of = bytesTotal === null ? '' : ` of ${megabytes(bytesTotal)}`;
  const speed = bytesPerSecond > 0 ? `, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s` : '';
  const rest = etaSeconds === null ? '' : `, ${etaSeconds} s left`;
  return `${megabytes(bytesDone)}${of}${speed}${rest}`;
}

function welcome({ id }: ModelState): void {
  void vscode.window.showInformationMessage(
    `ContextKit: the embedding model ${id} is here. Answers get better as the workspace is embedded.`,
  );
}

async function fetchWithProgress(client: ServerClient): Promise<ModelState> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'ContextKit: embedding model', cancellable: true },
    async (shown, token) => {
      let before = 0;
      const following = client.onDownload((progress) => {
        const { bytesDone, bytesTotal } = progress;
        const share = bytesTotal === null || bytesTotal === 0 ? 0 : (bytesDone / bytesTotal) * 100;
        shown.report({ message: downloadText(progress), increment: Math.max(0, share - before) });
        before = Math.max(before, share);
      });
      try {
        return await client.downloadModel(hubParams(), token);
      } finally {
        following.dispose();
      }
    },
  );
}

/** Downloads with a progress notification. What came before a cancel or a failure is gone on with the next time. */
export async function downloadEmbeddingModel(client: ServerClient): Promise<void> {
  for (;;) {
    try {
      welcome(await fetchWithProgress(client));
      return;
    } catch (error) {
      const failure = describeFailure(error);
      if (failure === null) return;
      const text = `ContextKit: ${failure.message}${failure.hint === null ? '' : `. ${failure.hint}`}`;
      const answer = await vscode.window.showErrorMessage(text, 'Retry', 'Import from Folder…');
      if (answer === 'Import from Folder…') return importEmbeddingModel(client);
      if (answer !== 'Retry') return;
    }
  }
}

/** Takes the model from a folder; one that is another than the expected may be used where it lies. */
export async function importEmbeddingModel(client: ServerClient): Promise<void> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      title: 'A folder with config.json, tokenizer.json and onnx/',
      openLabel: 'Import Model',
    })) ?? [];
  if (folder === undefined) return;
  try {
    welcome(await client.importModel(folder.fsPath));
  } catch (error) {
    const failure = describeFailure(error);
    if (failure === null) return;
    const useInPlace = 'Use This Folder';
    const offers = error instanceof ServerFailure && error.code === 'model_unusable' ? [useInPlace] : [];
    const answer = await vscode.window.showErrorMessage(`ContextKit: ${failure.message}`, ...offers);
    if (answer === useInPlace)
      await vscode.workspace
        .getConfiguration('contextkit')
        .update('modelDirectory', folder.fsPath, vscode.ConfigurationTarget.Global);
  }
}

/** When the model was offered and put off (milliseconds since 1970), or 'never' for not again. */
const offerKey = 'contextkit.modelOffer';
const putOffMs = 7 * 24 * 60 * 60 * 1000;

/** Offers the download once: nothing is fetched that was not asked for. */
export async function offerEmbeddingModel(client: ServerClient, memory: vscode.Memento): Promise<void> {
  const before = memory.get<number | 'never'>(offerKey);
  if (before === 'never' || (before !== undefined && Date.now() - before < putOffMs)) return;
  if ((vscode.workspace.workspaceFolders ?? []).length === 0) return;
  const model = await client.model();
  if (model?.state !== 'missing') return;
  const size = model.downloadBytes === null ? '' : ` (${megabytes(model.downloadBytes)})`;
  const download = `Download${size}`;
  const never = "Don't ask again";
  const answer = await vscode.window.showInformationMessage(
    'ContextKit: search by words is ready. With an embedding model, which runs on this machine alone, it also finds what is said in other words.',
    download,
    'Not now',
    never,
  );
  if (answer === download) return downloadEmbeddingModel(client);
  await memory.update(offerKey, answer === never ? 'never' : Date.now());
}
