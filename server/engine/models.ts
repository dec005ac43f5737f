import { findModel as findModelAt, type ModelOptions, type ModelState } from '../embedding/findModel.ts';
import { assetsDir } from './assets.ts';

/** What is configured of the embedding model; the folder of the bundles is known here. */
export type ModelSettings = Omit<ModelOptions, 'assetsDir'>;

export type { ModelState };
export type { ModelConfig } from '../embedding/wishedModel.ts';
export type { ModelSpec, ReadyModel } from '../embedding/types.ts';

/** The embedding model, or why there is none: see server/embedding/findModel.ts. */
export function findModel(settings: ModelSettings = {}): Promise<ModelState> {
  return findModelAt({ ...settings, assetsDir });
}
