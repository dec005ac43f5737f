import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, cacheStatus, createEmbedPool, missingRuntime, touchRetryMark } from '../../embedding/index.ts';
import { embedPriority } from '../../embedding/types.ts';
import { assetsDir } from '../assets.ts';
import { findModel } from '../models.ts';
import type { CheckContext, CheckFinding } from './types.ts';

/** That there is no model is no problem: search by words works without it. One that cannot be used is. */
export async function checkModel({ model }: CheckContext): Promise<CheckFinding[]> {
  if (model === null) return [{ level: 'note', message: 'embeddings are switched off; search is by words' }];
  const found = await findModel(model);
  if (found.state === 'ready')
    return [{ level: 'ok', message: `${found.model.spec.id} is whole, in ${found.model.dir}` }];
  const level = found.state === 'unusable' ? 'problem' : 'note';
  return [{ level, message: found.reason, hint: found.nextStep }];
}

/** Where embeddings are kept, and whether they can be. */
export async function checkEmbeddings({ model }: CheckContext): Promise<CheckFinding[]> {
  if (model === null) return [];
  const dir = model.cacheDir ?? cacheFolder(model.env);
  // What is not there yet is made in the nearest folder that is.
  let place = dir;
  while (!existsSync(place) && path.dirname(place) !== place) place = path.dirname(place);
  try {
    accessSync(place, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      {
        level: 'problem',
        message: `embeddings cannot be kept: ${place} cannot be written (${String(code)})`,
        hint: 'They are then made anew each time. Check its permissions, or name another folder in CONTEXTKIT_CACHE_DIR.',
      },
    ];
  }
  const { models, bytes } = await cacheStatus(dir);
  const vectors = models.reduce((sum, each) => sum + each.vectors, 0);
  return [
    {
      level: 'ok',
      message: `${vectors.toLocaleString('en-US')} embeddings are kept (${(bytes / 2 ** 20).toFixed(1)} MB)`,
    },
  ];
}

/** Nobody waits longer for a first text: the process starts and loads the model. */
const firstTextMs = 60_000;

/** Does a process with the model come up and embed a text? Where it does, others that have given up try again. */
export async function checkEmbedding({ model }: CheckContext): Promise<CheckFinding[]> {
  const found = model === null ? null : await findModel(model);
  // Whether there is a model was said already.
  if (found?.state !== 'ready') return [];
  const missing = missingRuntime(assetsDir);
  if (missing !== null) return [{ level: 'note', message: missing.message, hint: missing.hint ?? null }];
  const pool = createEmbedPool({ model: found.model, assetsDir, processes: 1, log: () => undefined });
  const started = performance.now();
  try {
    const how = { kind: 'text', priority: embedPriority.answer, signal: AbortSignal.timeout(firstTextMs) } as const;
    const [embedded] = await pool.embed(['function main() {}'], how);
    if (embedded === undefined || 'failure' in embedded)
      return [{ level: 'problem', message: `a first text could not be embedded: ${embedded?.failure ?? 'no answer'}` }];
  } finally {
    await pool.close();
  }
  touchRetryMark(model?.cacheDir ?? cacheFolder(model?.env));
  return [
    {
      level: 'ok',
      message: `a process embeds: its first text took ${((performance.now() - started) / 1000).toFixed(1)} s`,
    },
  ];
}
