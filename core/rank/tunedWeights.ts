import type { RankingOverrides } from './tunableWeights.ts';

/** What weights are fitted to: with other chunks and words, or another ranking, the same numbers mean something else. */
export interface WeightsVersion {
  /** Of the analysis that made the index. */
  index: number;
  /** `rankingVersion`. */
  ranking: number;
}

/** Weights that were fitted on the past of a repository. */
export interface TunedWeights extends WeightsVersion {
  /** Name of the embedding model, for people; none for those by words. */
  model?: string | undefined;
  weights: RankingOverrides;
}

/** By what ranges are ranked: `words`, or the fingerprint of the model whose vectors take part. */
export type RankedBy = string;
export const byWords: RankedBy = 'words';

/** As `ranking:` in config.yaml has it: weights set by hand, and above them those that were fitted. */
export interface RankingSettings extends RankingOverrides {
  tuned?: Readonly<Record<RankedBy, TunedWeights>> | undefined;
}

/** The fitted weights for this way of ranking, where there are any that fit this version. */
export function fittedWeights(
  { tuned = {} }: RankingSettings,
  rankedBy: RankedBy,
  version: WeightsVersion,
): RankingOverrides | null {
  const found = Object.hasOwn(tuned, rankedBy) ? tuned[rankedBy] : undefined;
  return found?.index === version.index && found.ranking === version.ranking ? found.weights : null;
}

/** The weights that a repository sets, for this way of ranking. */
export function weightsInForce(
  settings: RankingSettings,
  rankedBy: RankedBy,
  version: WeightsVersion,
): RankingOverrides {
  const weights: RankingSettings = { ...settings, ...fittedWeights(settings, rankedBy, version) };
  delete weights.tuned;
  return weights;
}

/** How the answers are ranked now, for the status. */
export interface WeightsReport {
  /** `default`, `set` by hand in config.yaml, or `tuned` for what ranks now. */
  inForce: 'default' | 'set' | 'tuned';
  /** Fitted weights that are not used, and why, in a sentence; null when there are none. */
  unused: string | null;
  /** What the user can do about it. */
  nextStep: string | null;
}

const isSet = (overrides: RankingOverrides): boolean => Object.values(overrides).some((value) => value !== undefined);

/** Says which weights are in force, and of fitted ones that are not why not. */
export function reportWeights(
  settings: RankingSettings,
  rankedBy: { key: RankedBy; name: string },
  version: WeightsVersion,
): WeightsReport {
  const { tuned = {}, ...byHand } = settings;
  const { key, name } = rankedBy;
  if (fittedWeights(settings, key, version) !== null) return { inForce: 'tuned', unused: null, nextStep: null };
  const inForce = isSet(byHand) ? 'set' : 'default';
  const names = Object.entries(tuned).map(([each, { model }]) => (each === byWords ? 'words' : (model ?? each)));
  if (names.length === 0) return { inForce, unused: null, nextStep: null };
  const unused = Object.hasOwn(tuned, key)
    ? `The weights that were tuned for ${name} belong to another version of the index or the ranking and are not used.`
    : `The tuned weights are for ${names.join(', ')}, not for ${name}, and are not used.`;
  const command = `contextkit score --tune${key === byWords ? '' : ' --embed'}`;
  return { inForce, unused, nextStep: `Run \`${command}\` to fit them anew.` };
}
