import * as vscode from 'vscode';
import type { ServerClient } from '../client.ts';
import { showFailure } from '../failures.ts';

/** Indexes every folder with a progress notification that can be cancelled. */
export async function indexWorkspace(client: ServerClient): Promise<void> {
  try {
    const report = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: 'ContextKit: indexing', cancellable: true },
      async (shown, token) => {
        let before = 0;
        const following = client.onProgress(({ progress }) => {
          const { filesDone, filesTotal, chunks, filesPerSecond, etaSeconds, slowFile } = progress;
          const share = filesTotal === 0 ? 0 : (filesDone / filesTotal) * 100;
          const rest = etaSeconds === null ? '' : `, ${etaSeconds} s left`;
          const slow = slowFile === null ? '' : ` (${slowFile})`;
          shown.report({
            message: `${filesDone} of ${filesTotal} files, ${chunks} chunks, ${Math.round(filesPerSecond)} files/s${rest}${slow}`,
            increment: Math.max(0, share - before),
          });
          before = Math.max(before, share);
        });
        try {
          return await client.index(false, token);
        } finally {
          following.dispose();
        }
      },
    );
    const { files, chunks, added, changed, removed, skipped, durationMs } = report;
    void vscode.window.showInformationMessage(
      `ContextKit: ${files} files, ${chunks} chunks in ${(durationMs / 1000).toFixed(1)} s (${added} added, ${changed} changed, ${removed} removed, ${skipped} paths skipped).`,
    );
  } catch (error) {
    showFailure(error);
  }
}
