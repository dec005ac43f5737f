import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelFileRole, ModelSpec } from './types.ts';
import { isModelId, type WishedModel } from './wishedModel.ts';

/** Beside the files of a model that was put there by us: its spec as it was then, with sizes and digests. */
export const manifestName = 'model.json';
const format = 1;

/** Where models lie: `<cache>/models/<id>/<revision>/`. */
export const modelsFolder = (cache: string): string => path.join(cache, 'models');

/** A revision as the name of a folder, on every platform. */
export function revisionFolder(revision: string): string {
  const safe = revision.replace(/[^A-Za-z0-9._-]/g, '_').replace(/\.+$/, '_');
  return safe === '' ? '_' : safe;
}

/** The revision under which models lie that came from a folder and have no repository. */
export const importedRevision = 'imported';

export function cachedFolder(cache: string, { id, source }: Pick<ModelSpec, 'id' | 'source'>): string {
  return path.join(modelsFolder(cache), id, revisionFolder(source?.revision ?? importedRevision));
}

export function manifestText(spec: ModelSpec): string {
  return `${JSON.stringify({ format, spec }, null, 2)}\n`;
}

const roles: readonly ModelFileRole[] = ['model', 'tokenizer', 'tokenizerConfig', 'config'];

export function isSpec(value: unknown): value is ModelSpec {
  if (typeof value !== 'object' || value === null) return false;
  const { id, dimensions, pooling, maxTokens, queryPrefix, textPrefix, files, source } = value as Partial<ModelSpec>;
  return (
    typeof id === 'string' &&
    isModelId(id) &&
    typeof dimensions === 'number' &&
    (pooling === 'mean' || pooling === 'cls') &&
    typeof maxTokens === 'number' &&
    typeof queryPrefix === 'string' &&
    typeof textPrefix === 'string' &&
    (source === null || (typeof source?.repository === 'string' && typeof source.revision === 'string')) &&
    typeof files === 'object' &&
    roles.every((role) => typeof files[role]?.path === 'string' && !files[role].path.split(/[\\/]/).includes('..'))
  );
}

/** The spec in the manifest of a folder; null when there is none that can be read. */
export async function readManifest(dir: string): Promise<ModelSpec | null> {
  try {
    const { format: written, spec } = JSON.parse(await readFile(path.join(dir, manifestName), 'utf8')) as {
      format?: unknown;
      spec?: unknown;
    };
    return written === format && isSpec(spec) ? spec : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * The wish with what a manifest knows: what is wished comes first, what the catalog pins stays pinned, and what was
 * found when the model was put there must still be found.
 */
export function withManifest(wish: WishedModel, spec: ModelSpec): WishedModel {
  const { dimensions, pooling, maxTokens, queryPrefix, textPrefix } = spec;
  const files = { ...spec.files };
  for (const role of roles) {
    const wished = wish.files[role];
    if (wished.path === files[role].path && wished.sha256 !== null) files[role] = wished;
  }
  if (wish.namesFile && wish.files.model.path !== spec.files.model.path) files.model = wish.files.model;
  else if (wish.files.model.sha256 !== null) files.model = { ...wish.files.model, path: spec.files.model.path };
  return {
    ...wish,
    source: wish.source ?? spec.source,
    files,
    namesFile: true,
    shape: { dimensions, pooling, maxTokens, queryPrefix, textPrefix, ...wish.shape },
  };
}

/** Bytes of all files below a folder. */
async function bytesBelow(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => stat(path.join(entry.parentPath ?? entry.path, entry.name))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

export interface CachedModel {
  id: string;
  revision: string;
  dir: string;
  bytes: number;
  /** False for what a stopped download or import has left. */
  whole: boolean;
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Every model in the cache, whole or half fetched. */
export async function cachedModels(cache: string): Promise<CachedModel[]> {
  const models: CachedModel[] = [];
  for (const id of (await foldersIn(modelsFolder(cache))).sort())
    for (const revision of (await foldersIn(path.join(modelsFolder(cache), id))).sort()) {
      const dir = path.join(modelsFolder(cache), id, revision);
      models.push({ id, revision, dir, bytes: await bytesBelow(dir), whole: (await readManifest(dir)) !== null });
    }
  return models;
}
