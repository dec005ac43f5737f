import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../system/makeFolder.ts';
import { AppError } from '../../core/errors.ts';
import { isDownloadLock, readDownload, takeDownload, type Downloader } from './downloadLock.ts';
import { findModel, modelPlaces, wishForFolder, type ModelOptions, type ReadyState } from './findModel.ts';
import { inspectModel, type Inspected } from './inspectModel.ts';
import { cachedFolder, cachedModels, modelsFolder, type CachedModel } from './modelFolders.ts';
import { putInPlace } from './putInPlace.ts';
import { withRuntime } from './runtime.ts';
import type { ModelSpec, ReadyModel } from './types.ts';
import { wishedModel, type ModelConfig, type WishedModel } from './wishedModel.ts';

export interface ImportOptions extends ModelOptions {
  /** Takes whatever model lies in the folder, under this name; without it, it must be the one that is configured. */
  id?: string | undefined;
}

function busy({ pid, host }: Downloader): AppError {
  return new AppError('model_unusable', `process ${pid} on ${host} is downloading this model just now`, {
    hint: 'Wait until it is done, or stop it.',
  });
}

/** What is configured, without the shape of another model than the one that is imported. */
function configFor({ model = {}, id }: ImportOptions): ModelConfig {
  if (id === undefined) return model;
  return model.id === id ? model : { id };
}

async function wishFor(dir: string, options: ImportOptions): Promise<WishedModel> {
  const config = configFor(options);
  if (options.id !== undefined) return wishForFolder(dir, config, modelPlaces(options).facts);
  return { ...wishedModel(config), namesFile: config.file !== undefined };
}

function refusal(
  dir: string,
  found: Exclude<Inspected, { ready: ReadyModel }>,
  wish: WishedModel,
  named: boolean,
): AppError {
  if ('absent' in found)
    return new AppError('model_unusable', `there is no model in ${dir}`, {
      hint: 'Give a folder with onnx/model_quantized.onnx, config.json, tokenizer.json and tokenizer_config.json.',
    });
  const isOther = found.details?.['expected'] !== undefined;
  return new AppError(
    'model_unusable',
    `the model in ${dir} ${isOther ? `is not ${wish.id}` : 'cannot be used'}: ${found.fault}`,
    {
      hint:
        isOther && !named
          ? 'To take it all the same, give it a name with --id NAME, and write `model: { id: NAME }` into config.yaml.'
          : 'Nothing was copied.',
      ...(found.details === undefined ? {} : { details: found.details }),
    },
  );
}

async function copyModel(from: string, to: string, { files }: ModelSpec): Promise<void> {
  for (const { path: name } of Object.values(files)) {
    const target = path.join(to, name);
    makeFolder(path.dirname(target));
    await copyFile(path.join(from, name), target);
  }
}

/** The copy is looked at as well: what is put in place is what was read. */
async function copyInPlace(dir: string, { spec }: ReadyModel, folder: string, options: ImportOptions): Promise<void> {
  const incoming = `${folder}.${randomBytes(6).toString('hex')}.importing`;
  const { facts } = modelPlaces(options);
  try {
    await copyModel(dir, incoming, spec);
    const copied = await inspectModel(
      incoming,
      { id: spec.id, source: spec.source, files: spec.files, namesFile: true, shape: spec },
      facts,
    );
    if (!('ready' in copied))
      throw new AppError('model_unusable', `the copy differs from ${dir}: was it being written to?`, {
        hint: 'Try again.',
      });
    await putInPlace(incoming, folder, spec);
  } catch (error) {
    await rm(incoming, { recursive: true, force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof AppError || syscall === undefined) throw error;
    throw new AppError('model_unusable', `the model cannot be copied to ${folder} (${String(code)})`, {
      hint: 'Check permissions and room, or name another folder in CONTEXTKIT_CACHE_DIR.',
      cause: error,
    });
  }
}

/** Copies the model of a folder (absolute) into the cache, after a look at it. `used` says whether it is the one that is configured. */
export async function importModel(
  dir: string,
  options: ImportOptions,
): Promise<{ model: ReadyModel; bytes: number; used: boolean }> {
  const { cache, facts } = modelPlaces(options);
  const wish = await wishFor(dir, options);
  const found = await inspectModel(dir, wish, facts);
  if (!('ready' in found)) throw refusal(dir, found, wish, options.id !== undefined);
  const folder = cachedFolder(cache, wish);
  const lock = await takeDownload(folder);
  if (!isDownloadLock(lock)) throw busy(lock);
  try {
    await copyInPlace(dir, found.ready, folder, options);
  } finally {
    await lock.release();
  }
  const state = await findModel(options);
  const model = withRuntime({ ...found.ready, dir: folder }, options.assetsDir);
  return { model, bytes: found.bytes, used: state.state === 'ready' && isSame(state, model) };
}

const isSame = (state: ReadyState, { dir }: ReadyModel): boolean => path.relative(state.model.dir, dir) === '';

/** Removes a model from the cache, every revision of it; by default the configured one. Returns what was there. */
export async function removeModel(id: string | undefined, options: ModelOptions): Promise<CachedModel[]> {
  const { wish, cache } = modelPlaces(options);
  const name = id ?? wish.id;
  const models = (await cachedModels(cache)).filter((each) => each.id === name);
  for (const { dir } of models) {
    const downloader = await readDownload(dir.replace(/\.incoming$/, ''));
    if (downloader !== null) throw busy(downloader);
  }
  try {
    if (models.length > 0) await rm(path.join(modelsFolder(cache), name), { recursive: true, force: true });
  } catch (error) {
    throw new AppError(
      'model_unusable',
      `${name} cannot be removed (${String((error as NodeJS.ErrnoException).code)})`,
      {
        hint: 'Close the programs that use it, and check permissions.',
        cause: error,
      },
    );
  }
  return models;
}

/** What lies in the cache. */
export function listModels(options: ModelOptions): Promise<CachedModel[]> {
  return cachedModels(modelPlaces(options).cache);
}
