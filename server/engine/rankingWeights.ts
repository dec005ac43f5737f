import { withOverrides, type RankingOverrides } from '../../core/rank/tunableWeights.ts';
import {
  byWords,
  reportWeights,
  weightsInForce,
  type RankedBy,
  type RankingSettings,
  type WeightsReport,
  type WeightsVersion,
} from '../../core/rank/tunedWeights.ts';
import { defaultWeights, rankingVersion, type RankingWeights } from '../../core/rank/weights.ts';
import { analysisVersion } from '../../core/records/analysisVersion.ts';

/** Weights for what ranks, with some set anew. */
export type WeightsFor = (rankedBy: RankedBy, more?: RankingOverrides) => RankingWeights;

/** What fitted weights must have been fitted to in order to be used. */
export const weightsVersion: WeightsVersion = { index: analysisVersion, ranking: rankingVersion };

/** The weights of a repository. */
export const weightsOf =
  (settings: RankingSettings): WeightsFor =>
  (rankedBy, more = {}) =>
    withOverrides(defaultWeights, { ...weightsInForce(settings, rankedBy, weightsVersion), ...more });

/** Which of them are in force while this model answers; null for words alone. */
export function weightsReport(
  settings: RankingSettings,
  model: { fingerprint: string; id: string } | null,
): WeightsReport {
  const rankedBy = model === null ? { key: byWords, name: 'words' } : { key: model.fingerprint, name: model.id };
  return reportWeights(settings, rankedBy, weightsVersion);
}
