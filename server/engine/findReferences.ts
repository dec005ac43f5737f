import { AppError } from '../../core/errors.ts';
import type { ParsePool } from '../indexing/parsePool.ts';
import type { Store } from '../store/index.ts';
import type { FoundNames, ReferenceRow } from '../store/types.ts';
import type { ReferenceAnswer, ReferenceRequest } from './types.ts';

export interface ReferenceParts {
  store: Store;
  pool: () => ParsePool;
  onStale: (paths: string[]) => void;
}

/** Files that a parse worker is given at a time. */
const batchSize = 40;
/** A name that stands in more files is looked for in so many: some seconds of parsing. */
const mostFiles = 3_000;

/**
 * Where definitions are used. The index knows which files hold their names; these are parsed for the places where the
 * names stand as code, and the graph says which of them mean the definition.
 */
export async function findReferences(
  { store, pool, onStale }: ReferenceParts,
  { symbol, path, limit = 200, signal }: ReferenceRequest,
): Promise<ReferenceAnswer> {
  if (symbol.trim() === '') {
    throw new AppError('invalid_input', 'the symbol name is empty', { hint: 'Give a name, or Type.member.' });
  }
  const places = await store.referencePlaces({ symbol: symbol.trim(), ...(path === undefined ? {} : { path }) });
  const files = places.files.slice(0, mostFiles);
  const batches = Array.from({ length: Math.ceil(files.length / batchSize) }, (_, i) =>
    files.slice(i * batchSize, (i + 1) * batchSize).map(({ path: each, hash, ...stamp }) => ({
      path: each,
      stamp,
      knownHash: hash,
    })),
  );
  const outcomes = (await Promise.all(batches.map((batch) => pool().find(batch, places.names)))).flat();
  signal?.throwIfAborted();
  const found = new Map<string, FoundNames>();
  const changed: string[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === 'skipped') changed.push(outcome.record.path);
    if (outcome.kind !== 'found') continue;
    if (outcome.occurrences === null) changed.push(outcome.path);
    else if (outcome.occurrences.length > 0)
      found.set(outcome.path, { path: outcome.path, occurrences: outcome.occurrences });
  }
  if (changed.length > 0) onStale(changed);
  const ordered = files.flatMap((file) => found.get(file.path) ?? []);
  const rows = await store.referencesAmong({ definitions: places.definitions, found: ordered });
  return {
    definitions: places.definitions.map((each, i) => ({ symbol: each, ...counted(rows[i]!, limit) })),
    more: places.more,
    changed: changed.sort(),
    unread: places.files.length - files.length,
  };
}

function counted(rows: readonly ReferenceRow[], limit: number): Omit<ReferenceAnswer['definitions'][number], 'symbol'> {
  const kinds: Partial<Record<ReferenceRow['kind'], number>> = {};
  for (const { kind } of rows) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return {
    references: rows.slice(0, limit),
    total: rows.length,
    files: new Set(rows.map(({ path }) => path)).size,
    kinds,
  };
}
