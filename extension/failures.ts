import * as vscode from 'vscode';
import { ServerFailure } from './client.ts';

const isCancelled = (error: unknown): boolean =>
  error instanceof vscode.CancellationError ||
  (error as { code?: number }).code === -32800 ||
  (error as { code?: number }).code === -32802;

/** Message and next step of an error; null for a cancelled request, which is no error. */
export function describeFailure(error: unknown): { message: string; hint: string | null } | null {
  if (isCancelled(error)) return null;
  if (error instanceof ServerFailure) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: null };
}

export function showFailure(error: unknown): void {
  const failure = describeFailure(error);
  if (failure === null) return;
  const { message, hint } = failure;
  void vscode.window.showErrorMessage(`ContextKit: ${message}${hint === null ? '' : ` ${hint}`}`);
}
