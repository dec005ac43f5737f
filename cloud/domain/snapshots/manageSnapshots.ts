import type { CreateSnapshot, Snapshot, SnapshotQuery } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import { ApiError } from '../apiError.ts';
import type { Caller } from '../caller.ts';
import { readHead, type Branch, type BranchHead } from '../indexing/branchHead.ts';
import { scheduleCollection } from '../indexing/collectGarbage.ts';
import { endJob } from '../indexing/indexJobs.ts';
import type { IndexParts } from '../indexing/indexParts.ts';
import { decodeCursor, toPage, type Page } from '../paging.ts';
import { findProject } from '../projects/manageProjects.ts';
import { readSnapshots, toSnapshot, type SnapshotRow } from './snapshotRows.ts';

/** Those of a project, newest first. @throws {ApiError} not_found, project_not_allowed, invalid_input */
export async function listSnapshots(
  database: Database,
  caller: Caller,
  { project_id: ref, branch, limit, cursor }: SnapshotQuery,
): Promise<Page<Snapshot>> {
  const before = decodeCursor('snapshots', cursor, (text) => /^\d{1,15}$/.test(text));
  const rows = await database.withOrg(
    caller.org,
    async (tx) => {
      const { id: projectId } = await findProject(tx, caller, ref);
      return readSnapshots(
        tx,
        `s.project_id = $2 AND ($3::text IS NULL OR s.branch = $3) AND ($4::bigint IS NULL OR s.number < $4::bigint)
           AND s.delete_after IS NULL ORDER BY s.number DESC LIMIT $5`,
        [caller.org, projectId, branch ?? null, before, limit + 1],
      );
    },
    { readOnly: true },
  );
  return toPage('snapshots', rows, limit, ({ number }) => String(number), toSnapshot);
}

/** @throws {ApiError} not_found, project_not_allowed */
export async function findSnapshot(tx: Transaction, caller: Caller, id: string): Promise<SnapshotRow> {
  const [row] = await readSnapshots(tx, 's.id = $2 AND s.delete_after IS NULL', [caller.org, id]);
  if (row === undefined) {
    throw new ApiError('not_found', 'There is no such snapshot in this organization.', {
      hint: 'GET /v1/snapshots lists those that there are; POST /v1/snapshots makes one of the newest revision.',
    });
  }
  if (caller.projectIds.length > 0 && !caller.projectIds.includes(row.project_id)) {
    throw new ApiError('project_not_allowed', 'This key is limited to other projects.', {
      hint: 'GET /v1/me shows which ones.',
    });
  }
  return row;
}

/** @throws {ApiError} not_found, project_not_allowed */
export const getSnapshot = async (database: Database, caller: Caller, id: string): Promise<Snapshot> =>
  toSnapshot(await database.withOrg(caller.org, (tx) => findSnapshot(tx, caller, id), { readOnly: true }));

interface VectorState {
  model: string | null;
  generation: number;
}

export async function readVectorState(
  tx: Transaction,
  { org, projectId }: Omit<Branch, 'branch'>,
): Promise<VectorState> {
  const { rows } = await tx.query<VectorState>(
    `SELECT settings ->> 'embedding_model' AS model, vector_generation AS generation
     FROM projects WHERE org_id = $1 AND id = $2`,
    [org, projectId],
  );
  return rows[0]!;
}

/** One of this revision that is ready and lacks nothing that there is by now, or that is being made. */
async function findAlike(
  tx: Transaction,
  { org, projectId, branch }: Branch,
  { revision }: BranchHead,
  { model, generation }: VectorState,
): Promise<SnapshotRow | undefined> {
  const [row] = await readSnapshots(
    tx,
    `s.project_id = $2 AND s.branch = $3 AND s.revision = $4 AND s.delete_after IS NULL
       AND s.embedding_model IS NOT DISTINCT FROM $5
       AND (j.status IN ('queued', 'running') AND NOT j.cancel_requested
         OR s.ready_at IS NOT NULL AND (s.vectors_missing = 0 OR s.vector_generation = $6))
     ORDER BY s.number DESC LIMIT 1`,
    [org, projectId, branch, revision, model, generation],
  );
  return row;
}

/** Holds the files of the revision as they are now: nothing that they name goes while the job is open. */
async function makeJob(tx: Transaction, keyId: string, at: Branch, head: BranchHead): Promise<string> {
  const { org, projectId, branch } = at;
  const { rows } = await tx.query<{ id: string }>(
    `INSERT INTO index_jobs (org_id, project_id, branch, kind, api_key_id, base_revision, root_hash, files_total)
     VALUES ($1, $2, $3, 'snapshot', $4, $5, $6, $7) RETURNING id`,
    [org, projectId, branch, keyId, head.revision, head.rootHash, head.files],
  );
  const jobId = rows[0]!.id;
  await tx.query(
    `INSERT INTO index_job_changes (org_id, job_id, file_path, content_hash, record_key)
     SELECT org_id, $2, file_path, content_hash, record_key FROM indexed_files
     WHERE org_id = $1 AND project_id = $3 AND branch = $4`,
    [org, jobId, projectId, branch],
  );
  return jobId;
}

/**
 * Has a snapshot made of the newest revision of a branch; where there is one already, it is that one.
 * @throws {ApiError} not_found, project_not_allowed
 */
export async function createSnapshot(parts: IndexParts, caller: Caller, wanted: CreateSnapshot): Promise<Snapshot> {
  const { org, keyId } = caller;
  const make = async (tx: Transaction): Promise<SnapshotRow> => {
    // No revision is made visible meanwhile, and nobody else asks for the same one.
    const { id: projectId } = await findProject(tx, caller, wanted.project_id, 'FOR NO KEY UPDATE');
    const at = { org, projectId, branch: wanted.branch };
    const head = await readHead(tx, at);
    if (head === undefined) {
      throw new ApiError('not_found', 'Nothing is indexed on this branch of the project.', {
        hint: 'Sync it first, and wait for the job: POST /v1/index/sync.',
      });
    }
    const vectors = await readVectorState(tx, at);
    const alike = await findAlike(tx, at, head, vectors);
    if (alike !== undefined) return alike;
    const jobId = await makeJob(tx, keyId, at, head);
    const { rows } = await tx.query<{ id: string }>(
      `INSERT INTO snapshots (org_id, project_id, branch, revision, root_hash, analysis_version, embedding_model, files,
           chunks, job_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
      [
        org,
        projectId,
        at.branch,
        head.revision,
        head.rootHash,
        head.analysisVersion,
        vectors.model,
        head.files,
        head.chunks,
        jobId,
      ],
    );
    return (await readSnapshots(tx, 's.id = $2', [org, rows[0]!.id]))[0]!;
  };
  const made = await parts.database.withOrg(org, make, { timeoutMs: 60_000 });
  parts.wakeWorkers();
  return toSnapshot(made);
}

/** Nobody is given it from now on; its bytes go with the garbage, which is looked for at once. One in the making ends. */
export async function deleteSnapshot(parts: IndexParts, caller: Caller, id: string): Promise<void> {
  const { org } = caller;
  const remove = async (tx: Transaction): Promise<void> => {
    const { project_id: projectId, job_id: jobId } = await findSnapshot(tx, caller, id);
    // The job first, as where it ends.
    const { rows } = await tx.query<{ status: string }>(
      `SELECT status FROM index_jobs WHERE org_id = $1 AND id = $2 FOR UPDATE`,
      [org, jobId],
    );
    if (rows[0]?.status === 'queued') await endJob(tx, org, jobId, { status: 'cancelled' });
    else if (rows[0]?.status === 'running') {
      await tx.query('UPDATE index_jobs SET cancel_requested = true WHERE org_id = $1 AND id = $2', [org, jobId]);
    }
    await tx.query('UPDATE snapshots SET delete_after = now() WHERE org_id = $1 AND id = $2', [org, id]);
    await scheduleCollection(tx, org, projectId, 0);
  };
  await parts.database.withOrg(org, remove);
  parts.wakeWorkers();
}
