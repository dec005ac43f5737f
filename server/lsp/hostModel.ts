import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { DownloadProgressParams, ModelState as ModelAnswer, Settings } from '../../protocol/index.ts';
import {
  downloadModel,
  findModel,
  importModel,
  type HubSettings,
  type ModelConfig,
  type ModelSettings,
  type ModelState,
} from '../engine/index.ts';
import { readConfigKey } from './folderConfig.ts';

/** The embedding model of this host: one for all its folders. */
export interface HostModel {
  /** Null when embeddings are switched off. */
  state(): Promise<ModelAnswer | null>;
  download(hub: HubSettings, signal: AbortSignal): Promise<ModelAnswer>;
  import(dir: string): Promise<ModelAnswer>;
  /** What is configured, for whoever embeds. */
  settings(): Promise<ModelSettings>;
}

export interface HostModelOptions {
  settings: Settings;
  /** Only a workspace that the user trusts may name a model. */
  trusted: boolean;
  /** Workspace folders, absolute; the first one that names a model decides. */
  roots: () => readonly string[];
  onProgress: (progress: DownloadProgressParams) => void;
  /** A model has come. */
  onChange: () => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

const noModel: ModelAnswer = {
  state: 'unusable',
  id: '',
  from: null,
  dir: null,
  dimensions: null,
  bytes: null,
  reason: null,
  nextStep: null,
  downloadBytes: null,
};

function answerOf(state: ModelState): ModelAnswer {
  if (state.state === 'ready') {
    const { spec, dir } = state.model;
    const { id, dimensions } = spec;
    const { from, bytes } = state;
    return { ...noModel, state: 'ready', id, from, dir, dimensions, bytes };
  }
  const { id, reason, nextStep, downloadBytes, dir = null } = state;
  return { ...noModel, state: state.state, id, dir, reason, nextStep, downloadBytes };
}

export function createHostModel(options: HostModelOptions): HostModel {
  const { settings, trusted, roots, onProgress, onChange, log } = options;

  async function configured(): Promise<ModelConfig | undefined> {
    if (!trusted) return undefined;
    for (const root of roots()) {
      const model = await readConfigKey(root, 'model', log);
      if (model !== undefined) return model;
    }
    return undefined;
  }

  async function modelSettings(): Promise<ModelSettings> {
    return { model: await configured(), directory: settings.modelDirectory };
  }

  return {
    settings: modelSettings,
    async state() {
      return settings.embeddings === 'off' ? null : answerOf(await findModel(await modelSettings()));
    },
    async download(hub, signal) {
      const state = await downloadModel({ ...(await modelSettings()), hub, signal, onProgress });
      onChange();
      return answerOf(state);
    },
    async import(dir) {
      if (!path.isAbsolute(dir))
        throw new AppError('invalid_input', `the folder to import is not absolute: ${dir}`, {
          hint: 'Give the whole path.',
        });
      const given = await modelSettings();
      await importModel(dir, given);
      onChange();
      return answerOf(await findModel(given));
    },
  };
}
