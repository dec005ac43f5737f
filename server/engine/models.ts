import type { DownloadOptions } from '../embedding/downloadModel.ts';
import { findModel as find, type ModelOptions, type ModelState, type ReadyState } from '../embedding/findModel.ts';
import {
  importModel as importFrom,
  listModels as list,
  removeModel as remove,
  type ImportOptions,
} from '../embedding/importModel.ts';
import type { CachedModel } from '../embedding/modelFolders.ts';
import type { ReadyModel } from '../embedding/types.ts';
import { assetsDir } from './assets.ts';

/** What is configured of the embedding model; the folder of the bundles is known here. */
export type ModelSettings = Omit<ModelOptions, 'assetsDir'>;
export type ModelDownload = Omit<DownloadOptions, 'assetsDir'>;
export type ModelImport = Omit<ImportOptions, 'assetsDir'>;

export type { CachedModel, ModelState, ReadyModel };
export type { DownloadProgress } from '../embedding/downloadMeter.ts';
export type { HubSettings } from '../embedding/downloadModel.ts';
export type { ModelPlace } from '../embedding/findModel.ts';
export type { ModelConfig } from '../embedding/wishedModel.ts';
export type { ModelSpec } from '../embedding/types.ts';

/** The embedding model, or why there is none: see server/embedding/findModel.ts. */
export function findModel(settings: ModelSettings = {}): Promise<ModelState> {
  return find({ ...settings, assetsDir });
}

/** Brings the embedding model into the cache: see server/embedding/downloadModel.ts. */
export async function downloadModel(options: ModelDownload = {}): Promise<ReadyState> {
  // With all that speaks to the network; hardly any process needs it, and to load it keeps the start of each for 10 ms.
  const { downloadModel: download } = await import('../embedding/downloadModel.ts');
  return download({ ...options, assetsDir });
}

/** Copies a model from a folder (absolute) into the cache. */
export function importModel(
  dir: string,
  options: ModelImport = {},
): Promise<{ model: ReadyModel; bytes: number; used: boolean }> {
  return importFrom(dir, { ...options, assetsDir });
}

/** Removes a model from the cache: by default the one that is configured. Returns what was there. */
export function removeModel(id: string | undefined, settings: ModelSettings = {}): Promise<CachedModel[]> {
  return remove(id, { ...settings, assetsDir });
}

/** The models in the cache. */
export function listModels(settings: ModelSettings = {}): Promise<CachedModel[]> {
  return list({ ...settings, assetsDir });
}
