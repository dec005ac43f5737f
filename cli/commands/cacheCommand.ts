import { AppError } from '../../core/errors.ts';
import { embeddingCacheStatus, pruneEmbeddingCache, type CacheStatus } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { bytes, counted, printable } from '../output/terminal.ts';
import type { Session } from '../session.ts';

export interface CacheOptions {
  maxSize?: string;
  all?: boolean;
}

const units: Record<string, number> = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/** `500MB`, `1.5 gb`, `0`: bytes. */
function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]?B)?$/i.exec(text.trim()) ?? [];
  if (number === undefined)
    throw new AppError('invalid_input', `--max-size ${text} is not a size`, { hint: 'Write it like 500MB or 2GB.' });
  return Math.round(Number(number) * units[unit.toUpperCase()]!);
}

function statusLines({ dir, bytes: total, models, otherFormats }: CacheStatus): string[] {
  return [
    `Embeddings ${printable(dir)} (${bytes(total)})`,
    ...models.map(
      ({ fingerprint, vectors, bytes: size, lastUsedAt }) =>
        `Model      ${printable(fingerprint)}: ${counted(vectors, 'vector')}, ${bytes(size)}, last used ${lastUsedAt}`,
    ),
    ...(models.length === 0 ? ['Nothing is kept yet.'] : []),
    ...otherFormats.map((name) => `Left alone ${printable(name)}: of another version of the program`),
  ];
}

async function status({ env, common, terminal }: Session): Promise<number> {
  const found = await embeddingCacheStatus(env);
  terminal.out(common.json === true ? `${JSON.stringify(found)}\n` : `${statusLines(found).join('\n')}\n`);
  return exitCodes.ok;
}

async function prune({ env, common, terminal }: Session, { maxSize, all = false }: CacheOptions): Promise<number> {
  if (all === (maxSize !== undefined))
    throw new AppError('invalid_input', 'contextkit cache prune wants either --max-size or --all', {
      hint: 'For example: contextkit cache prune --max-size 500MB',
    });
  const pruned = await pruneEmbeddingCache(
    env,
    maxSize === undefined ? { all: true } : { maxBytes: parseSize(maxSize) },
  );
  const left = await embeddingCacheStatus(env);
  terminal.out(
    common.json === true
      ? `${JSON.stringify({ removedBytes: pruned.bytes, bytes: left.bytes })}\n`
      : `Removed ${bytes(pruned.bytes)}; ${bytes(left.bytes)} are left.\n`,
  );
  return exitCodes.ok;
}

export async function cacheCommand(session: Session, action: string, options: CacheOptions): Promise<number> {
  if (action === 'status') return status(session);
  if (action === 'prune') return prune(session, options);
  throw new AppError('invalid_input', `contextkit cache cannot "${action}"`, { hint: 'Use one of: status, prune.' });
}
