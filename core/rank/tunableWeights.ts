import type { RankingWeights } from './weights.ts';

/** The weights that a repository may set for itself, each with the range in which it makes sense. */
export const tunableWeights = {
  name: { least: 0, most: 3 },
  near: { least: 0, most: 2 },
  path: { least: 0, most: 3 },
  support: { least: 0, most: 1 },
  spread: { least: 0, most: 2 },
  meaning: { least: 0, most: 2 },
  tests: { least: 0, most: 2 },
  testPrior: { least: 0, most: 2 },
  docsPrior: { least: 0, most: 2 },
  recency: { least: 0, most: 2 },
  coChange: { least: 0, most: 2 },
  pastChanges: { least: 0, most: 2 },
} as const;

export type TunableWeight = keyof typeof tunableWeights;

export const tunableNames = Object.keys(tunableWeights) as TunableWeight[];

/** As `ranking:` in config.yaml has it; what is not named stays as it is. */
export type RankingOverrides = { [Name in TunableWeight]?: number | undefined };

const roleOfPrior = { testPrior: 'test', docsPrior: 'docs' } as const;

const isPrior = (name: TunableWeight): name is keyof typeof roleOfPrior => name in roleOfPrior;

export function weightOf(weights: RankingWeights, name: TunableWeight): number {
  return isPrior(name) ? weights.prior[roleOfPrior[name]] : weights[name];
}

/** A copy of the weights with some of them set. */
export function withOverrides(weights: RankingWeights, overrides: RankingOverrides): RankingWeights {
  const changed: RankingWeights = { ...weights, prior: { ...weights.prior } };
  for (const name of tunableNames) {
    const value = overrides[name];
    if (value === undefined) continue;
    if (isPrior(name)) changed.prior[roleOfPrior[name]] = value;
    else changed[name] = value;
  }
  return changed;
}
