import { exitCodes } from '../exitCodes.ts';
import { skippedSummary } from '../output/skippedList.ts';
import { counted } from '../output/terminal.ts';
import { indexAfterOthers, withWorkspace, type Session } from '../session.ts';

export function indexCommand(session: Session, options: { force: boolean; wait: boolean }): Promise<number> {
  return withWorkspace(session, async ({ engine }) => {
    const report = await indexAfterOthers(session, engine, options);
    const status = await engine.status();
    const { terminal } = session;
    if (session.common.json === true) {
      terminal.out(`${JSON.stringify({ ...report, indexDir: engine.indexDir, repairs: status.repairs })}\n`);
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
    if (report.skipped.length > 0)
      terminal.out(style.dim(`Skipped: ${skippedSummary(report.skipped)}. \`contextkit status\` says why.\n`));
    if (report.files === 0) terminal.note('Nothing to index here. `contextkit status --all` shows what was skipped.');
    return exitCodes.ok;
  });
}
