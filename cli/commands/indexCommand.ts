import { exitCodes } from '../exitCodes.ts';
import { skippedSummary } from '../output/skippedList.ts';
import { counted, printable } from '../output/terminal.ts';
import { vectorLines } from '../output/vectorLines.ts';
import { indexAlongside } from '../indexAlongside.ts';
import { writerName } from '../otherWriter.ts';
import { embedWithProgress, withWorkspace, type OpenWorkspace, type Session } from '../session.ts';

export function indexCommand(session: Session, options: { force: boolean; wait: boolean }): Promise<number> {
  const byMeaning = session.common.embed === true;
  return withWorkspace(session, (workspace) => indexAndTell(session, workspace, options), { byMeaning });
}

async function indexAndTell(
  session: Session,
  { engine }: OpenWorkspace,
  options: { force: boolean; wait: boolean },
): Promise<number> {
  const { report, keptBy } = await indexAlongside(session, engine, options);
  const vectors = session.common.embed === true ? await embedWithProgress(session, engine) : null;
  const status = await engine.status();
  const { terminal } = session;
  if (session.common.json === true) {
    const embedded = vectors === null ? {} : { vectors };
    const kept = keptBy === null ? {} : { keptBy };
    terminal.out(
      `${JSON.stringify({ ...report, ...embedded, ...kept, indexDir: engine.indexDir, repairs: status.repairs })}\n`,
    );
    return exitCodes.ok;
  }
  for (const repair of status.repairs) terminal.note(terminal.noteStyle.yellow(`note: ${repair}`));
  const changes = [
    [report.added, 'added'],
    [report.changed, 'changed'],
    [report.removed, 'removed'],
    [report.unchanged, 'unchanged'],
  ] as const;
  const happened = changes
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count.toLocaleString('en-US')} ${what}`);
  const style = terminal.outStyle;
  terminal.out(
    `${style.bold(counted(report.files, 'file'))}, ${counted(report.chunks, 'chunk')}, ${counted(report.symbols, 'symbol')} in ${(report.durationMs / 1000).toFixed(1)} s` +
      `${happened.length > 0 ? ` (${happened.join(', ')})` : ''}\n`,
  );
  if (keptBy !== null) terminal.out(style.dim(`Kept up to date by ${printable(writerName(keptBy))}.\n`));
  if (report.skipped.length > 0)
    terminal.out(style.dim(`Skipped: ${skippedSummary(report.skipped)}. \`contextkit status\` says why.\n`));
  if (vectors !== null) terminal.out(`${vectorLines(vectors).join('\n')}\n`);
  if (report.files === 0) terminal.note('Nothing to index here. `contextkit status --all` shows what was skipped.');
  return exitCodes.ok;
}
