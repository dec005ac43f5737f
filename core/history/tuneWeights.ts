import {
  tunableNames,
  tunableWeights,
  weightOf,
  type RankingOverrides,
  type TunableWeight,
} from '../rank/tunableWeights.ts';
import type { RankingWeights } from '../rank/weights.ts';
import { estimateDifference, mean, type Estimate } from './bootstrap.ts';
import { measureNames, type Measures } from './measures.ts';

/** What is tried in place of a weight, as multiples of it. */
const multiples = [0, 0.5, 0.75, 1.5, 2, 3];
/** What is tried for a weight that is 0 now. */
const starts = [0.1, 0.2, 0.4];
/** Combinations of so many changes at the most. */
const mostChanges = 6;

/** What a setting is judged by: the mean of all measures. */
export const objective = (measures: Measures): number => mean(measureNames.map((name) => measures[name]));

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** Every weight changed alone. */
export function singleChanges(weights: RankingWeights): RankingOverrides[] {
  return tunableNames.flatMap((name) => {
    const now = weightOf(weights, name);
    const { least, most } = tunableWeights[name];
    const tried = (now === 0 ? starts : multiples.map((multiple) => rounded(now * multiple))).filter(
      (value) => value >= least && value <= most && value !== now,
    );
    return tried.map((value): RankingOverrides => ({ [name]: value }));
  });
}

export interface Tried {
  overrides: RankingOverrides;
  /** Objective of each question. */
  values: number[];
}

/**
 * The changes that helped alone, put together: the best one, the best two and so on, one change a weight. Weights act
 * nearly apart from one another, so that this finds what a search over all combinations would.
 */
export function combinations(before: readonly number[], tried: readonly Tried[]): RankingOverrides[] {
  const best = new Map<TunableWeight, { value: number; gain: number }>();
  for (const { overrides, values } of tried) {
    const gain = mean(values) - mean(before);
    for (const name of tunableNames) {
      const value = overrides[name];
      if (value !== undefined && gain > (best.get(name)?.gain ?? 0)) best.set(name, { value, gain });
    }
  }
  const ordered = [...best].sort((a, b) => b[1].gain - a[1].gain).slice(0, mostChanges);
  return ordered.map((_, i) => Object.fromEntries(ordered.slice(0, i + 1).map(([name, { value }]) => [name, value])));
}

/** The setting with the best mean; undefined when none is better than what is. */
export function bestOf(before: readonly number[], tried: readonly Tried[]): Tried | undefined {
  let best: Tried | undefined;
  for (const each of tried) if (mean(each.values) > mean(best?.values ?? before)) best = each;
  return best;
}

export interface Proof {
  before: number;
  after: number;
  /** On questions that the setting was not fitted on. */
  gain: Estimate;
  /** The whole interval of the gain lies above zero. */
  certain: boolean;
}

export function prove(before: readonly number[], after: readonly number[]): Proof {
  const gain = estimateDifference(after, before);
  return { before: mean(before), after: mean(after), gain, certain: gain.low > 0 };
}
