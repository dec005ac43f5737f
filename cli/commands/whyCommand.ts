import path from 'node:path';
import type { WhyReport } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { scoreLines } from '../output/explanation.ts';
import { counted, printable, type Style } from '../output/terminal.ts';
import { withWorkspace, type Session } from '../session.ts';

const shownChunks = 12;

function whyLines(report: WhyReport, style: Style): string[] {
  const lines = [style.bold(printable(report.path === '' ? '.' : report.path)), report.summary];
  if (report.syntaxErrors) lines.push('Its syntax has errors; it is indexed all the same.');
  if (report.chunks.length > 0) {
    lines.push(`${counted(report.chunks.length, 'chunk')}, ${counted(report.symbols.length, 'symbol')}:`);
    for (const { startLine, endLine, tokens, scope } of report.chunks.slice(0, shownChunks)) {
      lines.push(`  ${`${startLine}-${endLine}`.padEnd(12)} ${String(tokens).padStart(4)} tokens  ${printable(scope)}`);
    }
    if (report.chunks.length > shownChunks)
      lines.push(`  … and ${report.chunks.length - shownChunks} more (--json lists them)`);
  }
  if (report.ranking !== null) {
    const { rank, of, parts } = report.ranking;
    lines.push(
      rank === null
        ? `For this query it is not among the best ${counted(of, 'range')}.`
        : `For this query it is file ${rank} of ${of}:`,
    );
    lines.push(...scoreLines(parts, style, '  '));
  }
  return lines;
}

export function whyCommand(session: Session, asked: string, options: { query?: string }): Promise<number> {
  return withWorkspace(
    session,
    async ({ engine, root }) => {
      // As typed: relative to where the user stands; inside the folder also relative to its top.
      const absolute = path.resolve(session.cwd, asked);
      const inside = !path.relative(root, absolute).startsWith('..');
      const report = await engine.why(inside ? absolute : asked, options.query);
      if (session.common.json === true) session.terminal.out(`${JSON.stringify(report)}\n`);
      else session.terminal.out(`${whyLines(report, session.terminal.outStyle).join('\n')}\n`);
      return report.indexed ? exitCodes.ok : exitCodes.nothingFound;
    },
    { access: 'read', byMeaning: options.query !== undefined },
  );
}
