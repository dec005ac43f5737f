import * as vscode from 'vscode';
import { holdText, type FolderStatus, type ModelState } from '../../protocol/index.ts';
import type { ServerClient } from '../client.ts';
import { showFailure } from '../failures.ts';

export const statusScheme = 'contextkit-status';
const statusUri = vscode.Uri.parse(`${statusScheme}:ContextKit Status.md`);

const quoted = (text: string): string => `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ')}\``;

function skippedSection(skipped: FolderStatus['skipped']): string[] {
  if (skipped.length === 0) return ['Nothing was skipped.'];
  const groups = new Map<string, FolderStatus['skipped']>();
  for (const each of skipped) groups.set(each.reason, [...(groups.get(each.reason) ?? []), each]);
  return [...groups]
    .sort((a, b) => b[1].length - a[1].length)
    .flatMap(([reason, paths]) => [
      '',
      `### Skipped: ${reason.replaceAll('_', ' ')} (${paths.length})`,
      '',
      ...paths.map(({ path, detail }) => `- ${quoted(path)}: ${detail}`),
    ]);
}

function vectorText(vectors: FolderStatus['vectors']): string {
  const { state, model, answering, embedded, chunks, failed, etaSeconds, reason, hold } = vectors;
  const held = hold === null ? state : hold.level === 'pause' ? holdText(hold) : `${state}, ${holdText(hold)}`;
  const share = `${embedded} of ${chunks} chunks`;
  const bad = failed > 0 ? `, ${failed} could not be embedded` : '';
  const rest = etaSeconds === null ? '' : `, about ${etaSeconds} s left`;
  const why = reason === null ? '' : ` (${reason})`;
  if (answering !== null)
    return `changing to ${model ?? 'another model'}: ${held.replace('_', ' ')}, ${share}${bad}${rest}${why}; ${answering} answers meanwhile`;
  return state === 'off' || state === 'no_model'
    ? `none, ${state === 'off' ? 'switched off' : 'no model'}`
    : `${held}, ${share}${bad}${rest}${why}`;
}

function weightsLine({ inForce, unused, nextStep }: FolderStatus['weights']): string[] {
  const says = { default: 'default weights', set: 'weights of config.yaml', tuned: 'weights tuned for this folder' };
  if (inForce === 'default' && unused === null) return [];
  return [`- Ranking: ${says[inForce]}${unused === null ? '' : `. ${unused} ${nextStep ?? ''}`}`];
}

function folderSection(folder: FolderStatus): string[] {
  const {
    name,
    root,
    indexDir,
    state,
    problem,
    hint,
    files,
    lines,
    chunks,
    symbols,
    languages,
    diskBytes,
    vectors,
    weights,
    lastIndexedAt,
    repairs,
    skipped,
  } = folder;
  return [
    `## ${name}`,
    '',
    `- Folder: ${quoted(root)}`,
    `- Index: ${quoted(indexDir)} (${(diskBytes / 2 ** 20).toFixed(1)} MB)`,
    `- State: ${problem === null ? state : `problem: ${problem} ${hint ?? ''}`}`,
    `- Content: ${files} files, ${lines} lines, ${chunks} chunks, ${symbols} symbols`,
    `- Languages: ${languages.map(({ language, files: count }) => `${language} ${count}`).join(', ') || 'none'}`,
    `- Vectors: ${vectorText(vectors)}`,
    ...weightsLine(weights),
    `- Complete as of: ${lastIndexedAt ?? 'not yet'}`,
    ...repairs.map((repair) => `- Note: ${repair}`),
    ...skippedSection(skipped),
    '',
  ];
}

/** What the status says of the embedding model. */
function modelSection(model: ModelState | null): string[] {
  if (model === null) return ['## Embedding model', '', '- State: off, by the setting `contextkit.embeddings`', ''];
  const { state, id, from, dir, dimensions, bytes, reason, nextStep } = model;
  const places = { directory: 'a folder that is named', package: 'ContextKit itself', cache: 'the cache' };
  return [
    `## Embedding model${id === '' ? '' : ` ${id}`}`,
    '',
    `- State: ${state}${from === null ? '' : `, from ${places[from]}`}`,
    ...(reason === null ? [] : [`- Reason: ${reason}`]),
    ...(nextStep === null
      ? []
      : [`- Next: “ContextKit: Download Embedding Model”, or on the command line: ${nextStep}`]),
    ...(dir === null ? [] : [`- Folder: ${quoted(dir)}`]),
    ...(dimensions === null || bytes === null
      ? ['- Search by words works without it.']
      : [`- Content: ${(bytes / 1e6).toFixed(1)} MB, vectors of ${dimensions} dimensions`]),
    '',
  ];
}

/** Serves the status as a read-only document. */
export function createStatusDocument(client: ServerClient): vscode.Disposable & { show(): Promise<void> } {
  let text = '';
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const registration = vscode.workspace.registerTextDocumentContentProvider(statusScheme, {
    onDidChange: changed.event,
    provideTextDocumentContent: () => text,
  });
  return {
    async show() {
      try {
        const { folders, model } = await client.status();
        text = [
          '# ContextKit',
          '',
          ...modelSection(model),
          ...(folders.length === 0 ? ['No folder is open.'] : folders.flatMap(folderSection)),
        ].join('\n');
        changed.fire(statusUri);
        const document = await vscode.workspace.openTextDocument(statusUri);
        await vscode.languages.setTextDocumentLanguage(document, 'markdown');
        await vscode.window.showTextDocument(document, { preview: true });
      } catch (error) {
        showFailure(error);
      }
    },
    dispose() {
      registration.dispose();
      changed.dispose();
    },
  };
}
