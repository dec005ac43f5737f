/**
 * What the signals from git buy: `npm run bench -- history [--commits N] [--weights recency=0.2,coChange=0.1]… FOLDER…`.
 * Asks the commits of each repository (see `contextkit score`) with the weights as they are and with each of the given
 * ones in their place, and prints the differences with their intervals. Without --weights each signal is left out.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { tunableNames, weightOf, type RankingOverrides } from '../core/rank/tunableWeights.ts';
import { defaultWeights } from '../core/rank/weights.ts';
import { scoreRepository } from '../server/engine/index.ts';
import { table } from './statistics.ts';

const signals = ['recency', 'coChange', 'pastChanges'] as const;

function parseWeights(text: string): RankingOverrides {
  const entries = text.split(',').map((pair): [string, number] => {
    const [name = '', value = ''] = pair.split('=');
    if (!tunableNames.some((known) => known === name) || value === '' || Number.isNaN(Number(value)))
      throw new Error(`"${pair}" is no weight; known are ${tunableNames.join(', ')}`);
    return [name, Number(value)];
  });
  return Object.fromEntries(entries);
}

/** Each signal left out alone, then all of them. */
function leaveOneOut(): RankingOverrides[] {
  const inUse = signals.filter((name) => weightOf(defaultWeights, name) !== 0);
  return [
    ...inUse.map((name): RankingOverrides => ({ [name]: 0 })),
    Object.fromEntries(inUse.map((name) => [name, 0])),
  ];
}

const shown = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;

export async function history(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { commits: { type: 'string', default: '150' }, weights: { type: 'string', multiple: true } },
  });
  const variants = values.weights?.map(parseWeights) ?? leaveOneOut();
  for (const folder of positionals) {
    const rows: string[][] = [];
    const name = path.basename(folder);
    const report = await scoreRepository({ root: path.resolve(folder), commits: Number(values.commits), variants });
    const now = report.measures.map(({ ranking }) => ranking.mean.toFixed(3));
    rows.push([name, `as it is (${report.commits.used} commits, ${(report.durationMs / 1000).toFixed(0)} s)`, ...now]);
    for (const { ranking, measures } of report.variants) {
      const weights = Object.entries(ranking).map(([weight, value]) => `${weight} ${String(value)}`);
      const differences = report.measures.map(({ measure }) => {
        const { mean, low, high } = measures[measure].difference;
        return `${shown(mean)} [${shown(low)}, ${shown(high)}]`;
      });
      rows.push([name, weights.join(', '), ...differences]);
    }
    console.log(`${table(['repository', 'weights', 'recall@10', 'MRR', 'range@4k'], rows)}\n`);
  }
}
