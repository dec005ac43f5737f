import { DatabaseError, type Database, type Transaction, type TransactionOptions } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import {
  VectorStoreError,
  type NearestQuery,
  type Neighbour,
  type StoredVector,
  type VectorPage,
  type VectorStore,
} from '../../ports/vectorStore.ts';
import {
  checkDigests,
  checkFound,
  checkedVectors,
  checkProject,
  checkQuery,
  checkReadLimit,
  isDigest,
  mostRead,
} from '../rules/vectorRules.ts';

export interface PgvectorStoreOptions {
  /** Its migrations have made the table `project_vectors`: see `ensure`. */
  database: Database;
  /** Those of the table; default 384. */
  dimensions?: number;
}

/** Of one statement: about 1.5 MB. */
const rowsOfUpsert = 1_000;
const digestsOfDeletion = 5_000;
/** A project may have a million vectors. */
const deletionTimeoutMs = 120_000;

const missingTable = '42P01';
const missingReference = '23503';

function failure(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.sqlState === missingTable)
    return new VectorStoreError(
      'the database has no table of vectors: install pgvector, then run "contextkit-cloud migrate" again',
      { isUnavailable: false, cause: error },
    );
  if (error.sqlState === missingReference)
    return new VectorStoreError('there is no such project', {
      isUnavailable: false,
      isProjectMissing: true,
      cause: error,
    });
  return new VectorStoreError(`the database refuses (${error.sqlState ?? 'no answer'})`, {
    isUnavailable: error.isUnavailable || error.isConflict,
    cause: error,
  });
}

const lengthOf = (vector: Float32Array): number => {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
};

/** As pgvector reads it, of length 1, with the nine digits that a float of 32 bits has. */
function vectorText(vector: Float32Array): string {
  const length = lengthOf(vector);
  return `[${Array.from(vector, (value) => Number((value / length).toPrecision(9))).join(',')}]`;
}

const float4 = 700;
const bytesOfFloat = 4;

/**
 * Vectors one after the other, of length 1, as PostgreSQL takes an array of real in its binary form: the number of its
 * dimensions, whether there are nulls, the type, length and lower bound, then each element with its own length. Written
 * and read as text they take ten times as long.
 */
function realArray(vectors: readonly Float32Array[], dimensions: number): Uint8Array {
  const length = vectors.length * dimensions;
  const bytes = new Uint8Array(20 + length * 2 * bytesOfFloat);
  const view = new DataView(bytes.buffer);
  [1, 0, float4, length, 1].forEach((word, at) => view.setInt32(at * 4, word));
  let at = 20;
  for (const vector of vectors) {
    const norm = lengthOf(vector);
    for (const value of vector) {
      view.setInt32(at, bytesOfFloat);
      view.setFloat32(at + 4, value / norm);
      at += 8;
    }
  }
  return bytes;
}

/** What `vector_send` gives: the number of dimensions and something unused, of 16 bits each, then the floats. */
function vectorOf(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = new Float32Array(view.getUint16(0));
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(4 + i * bytesOfFloat);
  return vector;
}

/** As a uuid the digest has hyphens. */
const digestText = (uuid: string): string => uuid.replaceAll('-', '');

/** All writers take the same rows in the same order: none waits for another that waits for it. */
const inOrder = (a: StoredVector, b: StoredVector): number =>
  a.projectId === b.projectId ? (a.digest < b.digest ? -1 : 1) : a.projectId < b.projectId ? -1 : 1;

function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

/** What is the same already is not written again: a row of PostgreSQL that is updated leaves its old self behind. */
const upsertSql = `
  INSERT INTO project_vectors AS old (org_id, project_id, digest, embedding)
  SELECT $1, project_id, digest, ($4::real[])[(n - 1) * $5::integer + 1 : n * $5::integer]::vector
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS new (project_id, digest, n)
  ON CONFLICT (org_id, project_id, digest) DO UPDATE SET embedding = excluded.embedding
    WHERE old.embedding <> excluded.embedding`;

/** The negative inner product, so that the nearest come first. */
const nearestSql = `
  SELECT digest, -(embedding <#> $3::vector) AS similarity FROM project_vectors
  WHERE org_id = $1 AND project_id = $2
  ORDER BY embedding <#> $3::vector, digest LIMIT $4`;

const readSql = `
  SELECT digest, vector_send(embedding) AS embedding FROM project_vectors
  WHERE org_id = $1 AND project_id = $2 AND ($3::uuid IS NULL OR digest > $3)
  ORDER BY digest LIMIT $4`;

const findSql = `
  SELECT digest, vector_send(embedding) AS embedding FROM project_vectors
  WHERE org_id = $1 AND project_id = $2 AND digest = ANY ($3::uuid[])`;

interface VectorRow {
  digest: string;
  embedding: Uint8Array;
}

const storedVector = (projectId: string, { digest, embedding }: VectorRow): StoredVector => ({
  projectId,
  digest: digestText(digest),
  vector: vectorOf(embedding),
});

/**
 * Vectors beside everything else in PostgreSQL, by pgvector: rows that only their organization sees. Search goes over
 * all vectors of the project, in time that grows with them.
 */
export function pgvectorStore({ database, dimensions = 384 }: PgvectorStoreOptions): VectorStore {
  async function inOrg<T>(
    org: OrgId,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    try {
      return await database.withOrg(org, work, options);
    } catch (error) {
      throw failure(error);
    }
  }
  const readOnly = { readOnly: true };
  const patient = { timeoutMs: deletionTimeoutMs };

  async function upsert(tx: Transaction, org: OrgId, vectors: readonly StoredVector[]): Promise<void> {
    await tx.query(upsertSql, [
      org,
      vectors.map(({ projectId }) => projectId),
      vectors.map(({ digest }) => digest),
      realArray(
        vectors.map(({ vector }) => vector),
        dimensions,
      ),
      dimensions,
    ]);
  }

  async function nearest(tx: Transaction, org: OrgId, query: NearestQuery): Promise<Neighbour[]> {
    const { projectId, vector, limit } = query;
    const { rows } = await tx.query<Neighbour>(nearestSql, [org, projectId, vectorText(vector), limit]);
    return rows.map(({ digest, similarity }) => ({ digest: digestText(digest), similarity }));
  }

  async function read(
    tx: Transaction,
    org: OrgId,
    projectId: string,
    after: string | null,
    limit: number,
  ): Promise<VectorPage> {
    const { rows } = await tx.query<VectorRow>(readSql, [org, projectId, after, limit + 1]);
    const vectors = rows.slice(0, limit).map((row) => storedVector(projectId, row));
    return { vectors, next: rows.length > limit ? vectors.at(-1)!.digest : null };
  }

  return {
    dimensions,
    async ensure(org) {
      const { rows } = await inOrg(
        org,
        (tx) =>
          tx.query<{ dimensions: number }>(
            `SELECT atttypmod AS dimensions FROM pg_attribute
             WHERE attrelid = 'project_vectors'::regclass AND attname = 'embedding'`,
          ),
        readOnly,
      );
      if (rows[0]?.dimensions !== dimensions)
        throw new VectorStoreError(`the table of vectors is not one of ${dimensions} dimensions`, {
          isUnavailable: false,
        });
    },
    async drop(org) {
      await inOrg(org, (tx) => tx.query('DELETE FROM project_vectors WHERE org_id = $1', [org]), patient);
    },
    async upsert(org, vectors) {
      const rows = checkedVectors(vectors, dimensions).sort(inOrder);
      for (const piece of pieces(rows, rowsOfUpsert)) await inOrg(org, (tx) => upsert(tx, org, piece));
    },
    async delete(org, projectId, digests) {
      checkProject(projectId);
      checkDigests(digests);
      const text = 'DELETE FROM project_vectors WHERE org_id = $1 AND project_id = $2 AND digest = ANY ($3::uuid[])';
      for (const piece of pieces(digests, digestsOfDeletion))
        await inOrg(org, (tx) => tx.query(text, [org, projectId, piece]), patient);
    },
    async deleteProject(org, projectId) {
      checkProject(projectId);
      const text = 'DELETE FROM project_vectors WHERE org_id = $1 AND project_id = $2';
      await inOrg(org, (tx) => tx.query(text, [org, projectId]), patient);
    },
    async nearest(org, query) {
      checkQuery(query, dimensions);
      return inOrg(org, (tx) => nearest(tx, org, query), readOnly);
    },
    async find(org, projectId, digests) {
      checkProject(projectId);
      checkFound(digests);
      if (digests.length === 0) return [];
      const { rows } = await inOrg(org, (tx) => tx.query<VectorRow>(findSql, [org, projectId, digests]), readOnly);
      return rows.map((row) => storedVector(projectId, row));
    },
    async read(org, projectId, { after, limit = mostRead } = {}) {
      checkProject(projectId);
      checkReadLimit(limit);
      if (after !== undefined && !isDigest(after)) throw new RangeError('vectors are read on after a page of theirs');
      return inOrg(org, (tx) => read(tx, org, projectId, after ?? null, limit), readOnly);
    },
    async count(org, projectId) {
      if (projectId !== undefined) checkProject(projectId);
      const text =
        'SELECT count(*) AS count FROM project_vectors WHERE org_id = $1 AND ($2::uuid IS NULL OR project_id = $2)';
      const { rows } = await inOrg(org, (tx) => tx.query<{ count: number }>(text, [org, projectId ?? null]), readOnly);
      return rows[0]!.count;
    },
    async health() {
      try {
        await database.health();
      } catch (error) {
        throw failure(error);
      }
    },
    async close() {
      // The database belongs to whoever opened it.
    },
  };
}
