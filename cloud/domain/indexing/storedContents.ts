import { DatabaseError, type Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { VectorStoreError } from '../../ports/vectorStore.ts';
import { ApiError } from '../apiError.ts';
import { eachOf, slicesOf } from './batches.ts';
import { scheduleCollection } from './collectGarbage.ts';
import { contentPath, type IndexParts } from './indexParts.ts';

/** Where something of a project is kept by its content. */
export interface ContentPlace {
  org: OrgId;
  projectId: string;
}

export interface NewContent {
  /** SHA-256 of the bytes, 64 hexadecimal digits. */
  hash: string;
  bytes: Uint8Array;
}

export interface NewVector {
  /** 32 hexadecimal digits. */
  digest: string;
  vector: Float32Array;
}

const parallelPuts = 16;
/** Of one call of the store of vectors. */
const vectorsAtOnce = 1_000;
/** What nobody asks to be indexed is looked for so long after it came. */
export const abandonedAfterMs = 24 * 3_600_000;

/**
 * What is being removed cannot be added at the same moment: the store would forget it. A removal that has taken so long
 * has died with its server.
 */
const removable = `c.deleting_at IS NULL OR c.deleting_at < now() - interval '5 minutes'`;

export const projectGone = (cause?: unknown): ApiError =>
  new ApiError('not_found', 'The project was deleted meanwhile.', cause === undefined ? {} : { cause });

const beingRemoved = (what: string): ApiError =>
  new ApiError('unavailable', `${what} of this request are being removed at this moment.`, {
    hint: 'Send it again in a second.',
    retryAfterMs: 1_000,
  });

/** A row that refers to a project which is not there any more. */
function orGone(error: unknown): unknown {
  const isGone =
    (error instanceof DatabaseError && error.sqlState === '23503') ||
    (error instanceof VectorStoreError && error.isProjectMissing);
  return isGone ? projectGone(error) : error;
}

const reserveContents = `
  INSERT INTO file_contents AS c (org_id, project_id, content_hash, bytes)
  SELECT $1, $2, hash, bytes FROM unnest($3::text[], $4::integer[]) AS n (hash, bytes)
  ON CONFLICT (org_id, project_id, content_hash) DO UPDATE SET touched_at = now(), deleting_at = NULL
    WHERE ${removable}
  RETURNING content_hash AS key, is_stored`;

const reserveVectors = `
  INSERT INTO chunk_vectors AS c (org_id, project_id, digest)
  SELECT $1, $2, digest FROM unnest($3::text[]) AS n (digest)
  ON CONFLICT (org_id, project_id, digest) DO UPDATE SET touched_at = now(), deleting_at = NULL
    WHERE ${removable}
  RETURNING digest AS key, is_stored`;

interface Reserved {
  key: string;
  is_stored: boolean;
}

/** Keeps the rows from being removed. @returns the keys of those that are not stored yet. */
async function reserve(
  tx: Transaction,
  sql: string,
  values: Parameters<Transaction['query']>[1],
  wanted: number,
  what: string,
): Promise<Set<string>> {
  const { rows } = await tx.query<Reserved>(sql, values);
  if (rows.length < wanted) throw beingRemoved(what);
  return new Set(rows.filter(({ is_stored }) => !is_stored).map(({ key }) => key));
}

/** All writers take the same rows in the same order: none waits for another that waits for it. */
function distinct<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

/**
 * Keeps texts; they are seen by nobody until a revision names them. @returns how many were new.
 * @throws {ApiError} not_found, unavailable
 */
export async function storeContents(
  { database, blobs }: IndexParts,
  { org, projectId }: ContentPlace,
  contents: readonly NewContent[],
): Promise<number> {
  if (contents.length === 0) return 0;
  const sorted = distinct(contents, ({ hash }) => hash);
  try {
    const lacking = await database.withOrg(org, (tx) =>
      reserve(
        tx,
        reserveContents,
        [org, projectId, sorted.map(({ hash }) => hash), sorted.map(({ bytes }) => bytes.length)],
        sorted.length,
        'Contents',
      ),
    );
    const fresh = sorted.filter(({ hash }) => lacking.has(hash));
    if (fresh.length === 0) return 0;
    await eachOf(fresh, parallelPuts, ({ hash, bytes }) => blobs.put(org, contentPath(projectId, hash), bytes));
    const stored = await database.withOrg(org, async (tx) => {
      const { count } = await tx.query(
        `UPDATE file_contents SET is_stored = true, touched_at = now()
         WHERE org_id = $1 AND project_id = $2 AND content_hash = ANY($3::text[])`,
        [org, projectId, fresh.map(({ hash }) => hash)],
      );
      if (count === fresh.length) await scheduleCollection(tx, org, projectId, abandonedAfterMs);
      return count;
    });
    if (stored < fresh.length) {
      // Its blobs may have been removed before ours came.
      await blobs.delete(
        org,
        fresh.map(({ hash }) => contentPath(projectId, hash)),
      );
      throw projectGone();
    }
    return fresh.length;
  } catch (error) {
    throw orGone(error);
  }
}

/** Keeps vectors, of the model of the project. @returns how many were new. @throws {ApiError} not_found, unavailable */
export async function storeVectors(
  { database, vectors }: Pick<IndexParts, 'database' | 'vectors'>,
  { org, projectId }: ContentPlace,
  added: readonly NewVector[],
): Promise<number> {
  if (added.length === 0) return 0;
  const sorted = distinct(added, ({ digest }) => digest);
  try {
    const digests = sorted.map(({ digest }) => digest);
    const lacking = await database.withOrg(org, (tx) =>
      reserve(tx, reserveVectors, [org, projectId, digests], digests.length, 'Vectors'),
    );
    const fresh = sorted.filter(({ digest }) => lacking.has(digest));
    if (fresh.length === 0) return 0;
    await vectors.ensure(org);
    for (const slice of slicesOf(fresh, vectorsAtOnce)) {
      await vectors.upsert(
        org,
        slice.map((each) => ({ projectId, ...each })),
      );
    }
    const stored = await database.withOrg(org, async (tx) => {
      const { count } = await tx.query(
        `UPDATE chunk_vectors SET is_stored = true, touched_at = now()
         WHERE org_id = $1 AND project_id = $2 AND digest = ANY($3::text[])`,
        [org, projectId, fresh.map(({ digest }) => digest)],
      );
      await tx.query('UPDATE projects SET vector_generation = vector_generation + 1 WHERE org_id = $1 AND id = $2', [
        org,
        projectId,
      ]);
      if (count === fresh.length) await scheduleCollection(tx, org, projectId, abandonedAfterMs);
      return count;
    });
    if (stored < fresh.length) {
      await vectors.delete(
        org,
        projectId,
        fresh.map(({ digest }) => digest),
      );
      throw projectGone();
    }
    return fresh.length;
  } catch (error) {
    throw orGone(error);
  }
}
