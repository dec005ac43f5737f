import type { ScoreReport, ScoreRow, Tuning } from '../../server/engine/index.ts';
import { counted, type Style } from './terminal.ts';

type Estimate = ScoreRow['keyword'];

const share = (value: number): string => value.toFixed(3);
const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;

const withInterval = ({ mean, low, high }: Estimate, shown: (value: number) => string): string =>
  `${shown(mean)} [${shown(low)}, ${shown(high)}]`;

const tokens = (budget: number): string => (budget % 1000 === 0 ? `${budget / 1000}k` : String(budget));

/** `range@4k` for a budget of 4,000 tokens. */
export const measureTitle = (measure: string, budget: number): string =>
  measure === 'range' ? `range@${tokens(budget)}` : measure;

function measureLines({ measures, budget }: ScoreReport, style: Style): string[] {
  const head = ['', 'keyword search', 'ContextKit', 'difference'];
  const rows = measures.map(({ measure, keyword, ranking, difference }) => [
    measureTitle(measure, budget),
    withInterval(keyword, share),
    withInterval(ranking, share),
    withInterval(difference, signed),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('   ')
      .trimEnd();
  return [style.bold(line(head)), ...rows.map(line)];
}

function tuningLines({ ranking, fittedOn, provenOn, proof }: Tuning): string[] {
  const halves = `fitted on ${fittedOn} commits, proved on ${provenOn} others`;
  if (proof === null) return [`Tuning: no change of a weight is better (${halves}).`];
  const weights = Object.entries(ranking).map(([name, value]) => `${name} ${String(value)}`);
  return [
    `Tuning: ${weights.join(', ')} (${halves})`,
    `  mean of the three measures on the others: ${share(proof.before)} → ${share(proof.after)}, ${withInterval(proof.gain, signed)}`,
  ];
}

/** The report for people. */
export function scoreLines(report: ScoreReport, style: Style): string[] {
  const { commits, tuning, durationMs, shallow } = report;
  const left = commits.read - commits.used;
  return [
    ...measureLines(report, style),
    '',
    `95 % intervals over ${counted(commits.used, 'commit')} of the newest ${commits.read.toLocaleString('en-US')}, each asked in the state before it; ${(durationMs / 1000).toFixed(0)} s`,
    ...(left > 0
      ? [style.dim(`Left out: ${commits.leftOut.map((each) => `${each.commits} ${each.says}`).join('; ')}`)]
      : []),
    ...(shallow
      ? [style.yellow('This is a shallow clone: older commits are not there. `git fetch --unshallow` brings them.')]
      : []),
    ...(tuning === null ? [] : tuningLines(tuning)),
  ];
}
