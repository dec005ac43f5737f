import type { WhyReport } from '../../server/engine/index.ts';
import { scoreLines } from './explanation.ts';
import { counted, printable, type Style } from './terminal.ts';

const shownChunks = 12;

/**
 * Whether a path is indexed, how it is cut, and what a query makes of it.
 * @param rest how the reader gets the chunks that are not listed, with a space before it; '' for no way
 */
export function whyLines(report: WhyReport, style: Style, rest: string): string[] {
  const lines = [style.bold(printable(report.path === '' ? '.' : report.path)), report.summary];
  if (report.syntaxErrors) lines.push('Its syntax has errors; it is indexed all the same.');
  if (report.chunks.length > 0) {
    lines.push(`${counted(report.chunks.length, 'chunk')}, ${counted(report.symbols.length, 'symbol')}:`);
    for (const { startLine, endLine, tokens, scope } of report.chunks.slice(0, shownChunks)) {
      lines.push(`  ${`${startLine}-${endLine}`.padEnd(12)} ${String(tokens).padStart(4)} tokens  ${printable(scope)}`);
    }
    if (report.chunks.length > shownChunks) lines.push(`  … and ${report.chunks.length - shownChunks} more${rest}`);
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
