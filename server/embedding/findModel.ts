import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, isAppError } from '../../core/errors.ts';
import { cacheFolder } from './cacheFolder.ts';
import { readDownload } from './downloadLock.ts';
import { fileFactsReader, type FileFactsReader } from './fileFacts.ts';
import { inspectModel, modelPath, type Inspected } from './inspectModel.ts';
import { knownBySha256 } from './modelCatalog.ts';
import { cachedFolder, importedRevision, modelsFolder, readManifest, withManifest } from './modelFolders.ts';
import { withRuntime } from './runtime.ts';
import type { ModelFiles, ReadyModel } from './types.ts';
import { isModelId, wishedModel, type ModelConfig, type WishedModel } from './wishedModel.ts';

/** Where a model was found: in the folder that the user names, beside the program, in the cache. */
export type ModelPlace = 'directory' | 'package' | 'cache';

export interface ModelOptions {
  /** Folder of the bundles; a model that is shipped with them lies in its `model/`. */
  assetsDir: string;
  /** What is configured of the model; without it the product's own. */
  model?: ModelConfig | undefined;
  /** A folder whose model is used in place; '' for none. The environment's CONTEXTKIT_MODEL_DIR comes before it. */
  directory?: string | undefined;
  /** Default: the user's cache folder. */
  cacheDir?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
}

/** A state, not an error: everything but embeddings works without a model. */
export type ModelState =
  | { state: 'ready'; model: ReadyModel; from: ModelPlace; bytes: number }
  | {
      state: 'missing' | 'unusable' | 'downloading';
      /** Of the model that is wanted. */
      id: string;
      /** Why there is none, one sentence. */
      reason: string;
      /** What the user can do, one sentence. */
      nextStep: string;
      /** The folder of the one that cannot be used. */
      dir?: string;
      /** Bytes that a download would fetch, where known. */
      downloadBytes: number | null;
      details?: Record<string, unknown>;
    };

export type ReadyState = Extract<ModelState, { state: 'ready' }>;

export interface ModelPlaces {
  wish: WishedModel;
  facts: FileFactsReader;
  cache: string;
  /** Absolute; null when no folder is named. */
  directory: string | null;
  package: string;
}

/** A folder name as an id for a model that has no other name. */
function idOf(dir: string): string {
  const name = path.basename(dir).replace(/[^A-Za-z0-9._-]/g, '-');
  return isModelId(name) ? name : 'local-model';
}

/** The folder that is named: by the environment, else by the settings. It must be absolute, as a start has no folder of its own. */
function namedDirectory({ directory = '', env = process.env }: ModelOptions): string | null {
  const fromEnvironment = env['CONTEXTKIT_MODEL_DIR'] ?? '';
  const named = fromEnvironment === '' ? directory : fromEnvironment;
  if (named === '') return null;
  // A relative one of the environment is meant by somebody at a prompt.
  if (fromEnvironment !== '') return path.resolve(fromEnvironment);
  if (path.isAbsolute(named)) return path.normalize(named);
  throw new AppError('invalid_config', `the model directory is not an absolute folder: ${named}`, {
    hint: 'Give the whole path.',
  });
}

export function modelPlaces(options: ModelOptions): ModelPlaces {
  const { assetsDir, model, cacheDir = cacheFolder(options.env) } = options;
  return {
    wish: wishedModel(model),
    facts: fileFactsReader(modelsFolder(cacheDir)),
    cache: cacheDir,
    directory: namedDirectory(options),
    package: path.join(assetsDir, 'model'),
  };
}

/** Files without digests and sizes; that of the model file where it is configured. */
function unpinned(files: ModelFiles, sha256: string | undefined): ModelFiles {
  const loose = Object.fromEntries(
    Object.entries(files).map(([role, { path: name }]) => [role, { path: name, sha256: null, bytes: null }]),
  ) as ModelFiles;
  return { ...loose, model: { ...loose.model, sha256: sha256?.toLowerCase() ?? null } };
}

/**
 * What a folder is held against that the user names: whatever model lies there is wanted, so the catalog's digests do
 * not bind. Bytes that the catalog knows are recognised; other models are named by their folder.
 */
export async function wishForFolder(dir: string, config: ModelConfig, facts: FileFactsReader): Promise<WishedModel> {
  if (config.id !== undefined || config.repository !== undefined) {
    const wish = wishedModel(config);
    return { ...wish, files: unpinned(wish.files, config.sha256), namesFile: config.file !== undefined };
  }
  const wish = wishedModel({ ...config, id: idOf(dir) });
  const onnx = await modelPath(dir, wish);
  const known = onnx === null ? undefined : knownBySha256((await facts.of(path.join(dir, onnx))).sha256);
  const recognised = known === undefined ? wish : wishedModel({ ...config, id: known.id });
  return { ...recognised, files: unpinned(wish.files, config.sha256), namesFile: config.file !== undefined };
}

async function lookInDirectory(dir: string, config: ModelConfig, facts: FileFactsReader): Promise<Inspected> {
  const stats = await stat(dir).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown error');
  if (stats === 'ENOENT' || stats === 'ENOTDIR') return { fault: 'there is no such folder' };
  if (typeof stats === 'string') return { fault: `it cannot be read (${stats})` };
  if (!stats.isDirectory()) return { fault: 'this is not a folder' };
  const found = await inspectModel(dir, await wishForFolder(dir, config, facts), facts);
  return 'absent' in found
    ? { fault: 'there is no model in it: no onnx/model_quantized.onnx, no tokenizer.json' }
    : found;
}

/** A folder that we have filled: its manifest says what is in it. */
async function lookInOurs(dir: string, wish: WishedModel, facts: FileFactsReader): Promise<Inspected> {
  const spec = await readManifest(dir);
  return inspectModel(dir, spec === null ? wish : withManifest(wish, spec), facts);
}

/** The model beside the program, if it is the one that is wanted; with nothing configured it is. */
async function lookInPackage(dir: string, config: ModelConfig, facts: FileFactsReader): Promise<Inspected> {
  const spec = await readManifest(dir);
  if (spec === null) return { absent: true };
  const isChosen = config.id !== undefined || config.repository !== undefined;
  if (isChosen && wishedModel(config).id !== spec.id) return { absent: true };
  // What was packed is what whoever packed it wants; only a digest that is configured stands above it.
  const wish = { ...wishedModel({ ...config, id: spec.id }), source: spec.source };
  return inspectModel(
    dir,
    withManifest({ ...wish, files: unpinned(wish.files, config.sha256), namesFile: false }, spec),
    facts,
  );
}

/** Folders of the cache that may hold the model. */
function cacheFolders(cache: string, { id, source }: WishedModel): string[] {
  const imported = cachedFolder(cache, { id, source: { repository: '', revision: importedRevision } });
  return source === null ? [imported] : [cachedFolder(cache, { id, source }), imported];
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** Bytes of all files, as far as they are known beforehand; null when those of the model itself are not. */
export function downloadBytes({ files, source }: WishedModel): number | null {
  if (source === null || files.model.bytes === null) return null;
  return Object.values(files).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

function howToGetIt(wish: WishedModel): string {
  const bytes = downloadBytes(wish);
  const folder = 'import a folder that has it with `contextkit model import DIR`';
  if (wish.source === null) return `Give its repository in model.repository, or ${folder}.`;
  return `Run \`contextkit model download\`${bytes === null ? '' : ` (${megabytes(bytes)})`}, or ${folder}.`;
}

/** Nothing was found anywhere: is somebody fetching it just now? */
async function absentState({ wish, cache }: ModelPlaces): Promise<ModelState> {
  const common = { id: wish.id, downloadBytes: downloadBytes(wish) };
  const running = wish.source === null ? null : await readDownload(cachedFolder(cache, wish));
  if (running !== null)
    return {
      ...common,
      state: 'downloading',
      reason: `The embedding model ${wish.id} is being downloaded by process ${running.pid} on ${running.host}.`,
      nextStep: 'Wait until it is there.',
    };
  return {
    ...common,
    state: 'missing',
    reason: `The embedding model ${wish.id} is not on this machine.`,
    nextStep: howToGetIt(wish),
  };
}

/**
 * Finds the model: in the folder that is named, beside the program, in the cache. A folder that is named and holds no
 * usable model is not passed over: another model in its place would surprise. Faulty settings are a state, too.
 */
export async function findModel(options: ModelOptions): Promise<ModelState> {
  try {
    return await look(options, modelPlaces(options));
  } catch (error) {
    if (!isAppError(error)) throw error;
    return {
      state: 'unusable',
      id: options.model?.id ?? '',
      reason: `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`,
      nextStep: error.hint ?? 'Mend the settings.',
      downloadBytes: null,
    };
  }
}

/** A folder that may not be read, a disk that fails: a fault of the model's place, not of the program. */
function cannotBeRead(error: unknown): Inspected {
  const { code, path: file } = error as NodeJS.ErrnoException;
  if (isAppError(error) || typeof code !== 'string') throw error;
  return { fault: `${file ?? 'it'} cannot be read (${code})` };
}

async function look(options: ModelOptions, places: ModelPlaces): Promise<ModelState> {
  const { wish, facts, cache, directory } = places;
  const config = options.model ?? {};
  const looks: { from: ModelPlace; dir: string; inspect: () => Promise<Inspected> }[] =
    directory !== null
      ? [{ from: 'directory', dir: directory, inspect: () => lookInDirectory(directory, config, facts) }]
      : [
          { from: 'package', dir: places.package, inspect: () => lookInPackage(places.package, config, facts) },
          ...cacheFolders(cache, wish).map((dir) => ({
            from: 'cache' as const,
            dir,
            inspect: () => lookInOurs(dir, wish, facts),
          })),
        ];
  let unusable: ModelState | undefined;
  for (const { from, dir, inspect } of looks) {
    const found = await inspect().catch(cannotBeRead);
    if ('ready' in found)
      return { state: 'ready', model: withRuntime(found.ready, options.assetsDir), from, bytes: found.bytes };
    if ('fault' in found)
      unusable ??= {
        state: 'unusable',
        id: wish.id,
        reason: `The embedding model in ${dir} cannot be used: ${found.fault}.`,
        nextStep: from === 'directory' ? 'Give another folder, or mend this one.' : howToGetIt(wish),
        dir,
        downloadBytes: downloadBytes(wish),
        ...(found.details === undefined ? {} : { details: found.details }),
      };
  }
  return unusable ?? absentState(places);
}
