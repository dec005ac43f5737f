import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../system/makeFolder.ts';
import { modelFolder, noteOfModel } from './cacheUpkeep.ts';
import { fileFactsReader } from './fileFacts.ts';
import { inspectModel } from './inspectModel.ts';
import { isSpec, modelsFolder } from './modelFolders.ts';
import { withRuntime } from './runtime.ts';
import type { ModelFiles, ModelSpec, ReadyModel } from './types.ts';

const format = 1;

function noteText({ spec, dir }: Pick<ReadyModel, 'spec' | 'dir'>): string {
  return `${JSON.stringify({ format, dir, spec }, null, 2)}\n`;
}

/** What is noted of a model; null when nothing that can be read is. */
async function readNote(file: string): Promise<{ text: string; spec: ModelSpec; dir: string } | null> {
  try {
    const text = await readFile(file, 'utf8');
    const { format: written, spec, dir } = JSON.parse(text) as { format?: unknown; spec?: unknown; dir?: unknown };
    const isSound = written === format && isSpec(spec) && typeof dir === 'string' && path.isAbsolute(dir);
    return isSound ? { text, spec, dir } : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/**
 * Notes beside a model's kept vectors where its files lie, so that it can be opened again by its fingerprint once
 * another one is wanted. In the user's cache and not in the index: an index may come with a repository, which names no
 * folders.
 */
export async function rememberModel(cacheDir: string, model: ReadyModel): Promise<void> {
  const file = noteOfModel(modelFolder(cacheDir, model.fingerprint));
  const text = noteText(model);
  if ((await readNote(file))?.text === text) return;
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  makeFolder(path.dirname(file));
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

const unpinned = (files: ModelFiles): ModelFiles =>
  Object.fromEntries(
    Object.entries(files).map(([role, { path: name }]) => [role, { path: name, sha256: null, bytes: null }]),
  ) as ModelFiles;

/** A model that was used before, or why it cannot be any more, in a sentence. */
export type Recalled = { ready: ReadyModel } | { gone: string };

/** Opens a model by its fingerprint, if what makes it up still lies where it lay and runs as it ran. */
export async function recallModel(
  fingerprint: string,
  { cacheDir, assetsDir }: { cacheDir: string; assetsDir: string },
): Promise<Recalled> {
  // It comes from an index and becomes part of a path.
  if (!/^[0-9a-f]{24}$/.test(fingerprint)) return { gone: 'the index names it by something else than a fingerprint' };
  try {
    const note = await readNote(noteOfModel(modelFolder(cacheDir, fingerprint)));
    if (note === null) return { gone: 'nothing is noted of it in the cache' };
    const { spec, dir } = note;
    const { id, source, dimensions, pooling, maxTokens, queryPrefix, textPrefix } = spec;
    const shape = { dimensions, pooling, maxTokens, queryPrefix, textPrefix };
    const wish = { id, source, files: unpinned(spec.files), namesFile: true, shape };
    const found = await inspectModel(dir, wish, fileFactsReader(modelsFolder(cacheDir)));
    if ('absent' in found) return { gone: `it is no longer in ${dir}` };
    if ('fault' in found) return { gone: `${dir}: ${found.fault}` };
    const ready = withRuntime(found.ready, assetsDir);
    return ready.fingerprint === fingerprint
      ? { ready }
      : { gone: `${dir} holds another model, or runs otherwise now` };
  } catch (error) {
    const { code, path: file } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string') throw error;
    return { gone: `${file ?? 'a file'} cannot be read (${code})` };
  }
}
