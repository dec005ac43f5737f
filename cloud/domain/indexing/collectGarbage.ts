import type { Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { toHex } from '../bytes.ts';
import { collectSnapshots } from '../snapshots/collectSnapshots.ts';
import { contentPath, projectFolder, type IndexParts } from './indexParts.ts';
import { expectRows } from './manyRows.ts';
import type { RunningJob } from './runningJob.ts';

const atOnce = 500;
const digestBytes = 16;
const keptJobs = '30 days';
const keptRevisions = 20;
const patient = { timeoutMs: 60_000 };

/** Asks for a look at what a project no longer needs, not later than so. */
export async function scheduleCollection(
  tx: Transaction,
  org: OrgId,
  projectId: string,
  afterMs: number,
): Promise<void> {
  const { count } = await tx.query(
    `UPDATE index_jobs SET run_after = least(run_after, now() + make_interval(secs => $3))
     WHERE org_id = $1 AND project_id = $2 AND kind = 'collect' AND status = 'queued'`,
    [org, projectId, afterMs / 1000],
  );
  if (count > 0) return;
  await tx.query(
    `INSERT INTO index_jobs (org_id, project_id, branch, kind, run_after)
     VALUES ($1, $2, '', 'collect', now() + make_interval(secs => $3))`,
    [org, projectId, afterMs / 1000],
  );
}

/** Texts that no revision and no open job names. Marked first, so that nobody counts on them meanwhile. */
const markContentsSql = `
  UPDATE file_contents SET deleting_at = now(), is_stored = false
  WHERE org_id = $1 AND project_id = $2 AND content_hash IN (
    SELECT c.content_hash FROM file_contents c
    WHERE c.org_id = $1 AND c.project_id = $2
      AND (c.deleting_at IS NOT NULL OR c.touched_at < now() - make_interval(secs => $3))
      AND NOT EXISTS (SELECT FROM indexed_files f
        WHERE f.org_id = $1 AND f.project_id = $2 AND f.content_hash = c.content_hash)
      AND NOT EXISTS (SELECT FROM index_job_changes h
        JOIN index_jobs j ON j.org_id = h.org_id AND j.id = h.job_id
        WHERE h.org_id = $1 AND h.content_hash = c.content_hash AND j.project_id = $2)
    ORDER BY c.content_hash LIMIT ${atOnce} FOR UPDATE SKIP LOCKED)
  RETURNING content_hash AS key`;

async function collectContents({ database, blobs, garbageAfterMs }: IndexParts, job: RunningJob): Promise<void> {
  const { org, projectId } = job;
  for (;;) {
    job.throwIfStopped();
    const { rows } = await database.withOrg(
      org,
      async (tx) => {
        await expectRows(tx, Infinity);
        return tx.query<{ key: string }>(markContentsSql, [org, projectId, garbageAfterMs / 1000]);
      },
      patient,
    );
    if (rows.length === 0) return;
    const hashes = rows.map(({ key }) => key);
    await blobs.delete(
      org,
      hashes.map((hash) => contentPath(projectId, hash)),
    );
    await database.withOrg(org, (tx) =>
      tx.query(
        `DELETE FROM file_contents WHERE org_id = $1 AND project_id = $2 AND content_hash = ANY($3::text[])
           AND deleting_at IS NOT NULL`,
        [org, projectId, hashes],
      ),
    );
  }
}

/** What was analysed and is named by no file of the organization, and by no open job. */
async function collectRecords({ database, garbageAfterMs }: IndexParts, job: RunningJob): Promise<void> {
  const { org } = job;
  for (let count = atOnce; count === atOnce;) {
    job.throwIfStopped();
    ({ count } = await database.withOrg(
      org,
      async (tx) => {
        await expectRows(tx, Infinity);
        return tx.query(
          `DELETE FROM file_records WHERE org_id = $1 AND key IN (
             SELECT r.key FROM file_records r WHERE r.org_id = $1 AND r.created_at < now() - make_interval(secs => $2)
               AND NOT EXISTS (SELECT FROM indexed_files f WHERE f.org_id = $1 AND f.record_key = r.key)
               AND NOT EXISTS (SELECT FROM index_job_changes h WHERE h.org_id = $1 AND h.record_key = r.key)
             LIMIT ${atOnce} FOR UPDATE SKIP LOCKED)`,
          [org, garbageAfterMs / 1000],
        );
      },
      patient,
    ));
  }
}

/** 32 hexadecimal digits each, of 16 bytes each. */
export function digestsOf(packed: Uint8Array): string[] {
  return Array.from({ length: packed.length / digestBytes }, (_, at) =>
    toHex(packed.subarray(at * digestBytes, (at + 1) * digestBytes)),
  );
}

/** The digests of all chunks that a revision or an open job of the project holds. */
async function neededDigests({ database }: IndexParts, { org, projectId }: RunningJob): Promise<Set<string>> {
  const { rows } = await database.withOrg(
    org,
    async (tx) => {
      await expectRows(tx, Infinity);
      return tx.query<{ digests: Uint8Array }>(
        `SELECT r.digests FROM file_records r WHERE r.org_id = $1 AND r.chunk_count > 0 AND (
           EXISTS (SELECT FROM indexed_files f WHERE f.org_id = $1 AND f.record_key = r.key AND f.project_id = $2)
           OR EXISTS (SELECT FROM index_job_changes h JOIN index_jobs j ON j.org_id = h.org_id AND j.id = h.job_id
             WHERE h.org_id = $1 AND h.record_key = r.key AND j.project_id = $2))`,
        [org, projectId],
      );
    },
    { ...patient, readOnly: true },
  );
  return new Set(rows.flatMap(({ digests }) => digestsOf(digests)));
}

async function collectVectors(parts: IndexParts, job: RunningJob): Promise<void> {
  const { database, vectors, garbageAfterMs } = parts;
  const { org, projectId } = job;
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<{ digest: string; is_marked: boolean }>(
        `SELECT digest, deleting_at IS NOT NULL AS is_marked FROM chunk_vectors WHERE org_id = $1 AND project_id = $2
           AND (deleting_at IS NOT NULL OR touched_at < now() - make_interval(secs => $3))`,
        [org, projectId, garbageAfterMs / 1000],
      ),
    { ...patient, readOnly: true },
  );
  if (rows.length === 0) return;
  const needed = await neededDigests(parts, job);
  const unused = rows.filter(({ digest, is_marked }) => is_marked || !needed.has(digest)).map(({ digest }) => digest);
  for (let from = 0; from < unused.length; from += atOnce) {
    job.throwIfStopped();
    const digests = unused.slice(from, from + atOnce);
    const marked = await database.withOrg(org, (tx) =>
      tx.query<{ digest: string }>(
        `UPDATE chunk_vectors SET deleting_at = now(), is_stored = false
         WHERE org_id = $1 AND project_id = $2 AND digest = ANY($3::text[])
           AND (deleting_at IS NOT NULL OR touched_at < now() - make_interval(secs => $4))
         RETURNING digest`,
        [org, projectId, digests, garbageAfterMs / 1000],
      ),
    );
    const going = marked.rows.map(({ digest }) => digest);
    await vectors.delete(org, projectId, going);
    await database.withOrg(org, async (tx) => {
      await tx.query(
        `DELETE FROM chunk_vectors WHERE org_id = $1 AND project_id = $2 AND digest = ANY($3::text[])
           AND deleting_at IS NOT NULL`,
        [org, projectId, going],
      );
      await tx.query('UPDATE projects SET vector_generation = vector_generation + 1 WHERE org_id = $1 AND id = $2', [
        org,
        projectId,
      ]);
    });
  }
}

async function forgetThePast({ database }: IndexParts, { org, projectId }: RunningJob): Promise<void> {
  await database.withOrg(
    org,
    async (tx) => {
      await tx.query(
        `DELETE FROM index_jobs WHERE org_id = $1 AND project_id = $2 AND finished_at < now() - interval '${keptJobs}'`,
        [org, projectId],
      );
      await tx.query(
        `DELETE FROM revisions r WHERE r.org_id = $1 AND r.project_id = $2 AND r.number <= (
           SELECT max(n.number) - ${keptRevisions} FROM revisions n
           WHERE n.org_id = $1 AND n.project_id = $2 AND n.branch = r.branch)`,
        [org, projectId],
      );
    },
    patient,
  );
}

/**
 * Removes for good what no revision of a project holds any more: texts, records, vectors, snapshots, old jobs
 * and revisions.
 */
export async function collectGarbage(parts: IndexParts, job: RunningJob): Promise<void> {
  await collectContents(parts, job);
  await collectVectors(parts, job);
  await collectRecords(parts, job);
  await collectSnapshots(parts, job);
  await forgetThePast(parts, job);
}

/**
 * Removes what a deleted project had outside of its tables. It is done twice: what was being uploaded at the moment of
 * the deletion may come in after the first time.
 */
export async function purgeProject(parts: IndexParts, job: RunningJob): Promise<void> {
  const { org, projectId } = job;
  await parts.blobs.deleteFolder(org, projectFolder(projectId));
  await parts.vectors.deleteProject(org, projectId);
  await collectRecords(parts, job);
}

const purgeAgainAfterSeconds = 900;

/** In the transaction that deletes the project. */
export async function schedulePurge(tx: Transaction, org: OrgId, projectId: string): Promise<void> {
  await tx.query('DELETE FROM index_jobs WHERE org_id = $1 AND project_id = $2', [org, projectId]);
  await tx.query(
    `INSERT INTO index_jobs (org_id, project_id, branch, kind, run_after)
     SELECT $1, $2, '', 'purge', now() + make_interval(secs => s) FROM unnest($3::integer[]) AS n (s)`,
    [org, projectId, [0, purgeAgainAfterSeconds]],
  );
}
