import type { IndexJob } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import type { Caller } from '../caller.ts';
import { scheduleCollection } from './collectGarbage.ts';

interface JobRow {
  id: string;
  project_id: string;
  branch: string;
  status: IndexJob['status'];
  files_total: number;
  files_processed: number;
  chunks_created: number;
  revision: number | null;
  error_code: string | null;
  error_detail: string | null;
  cancel_requested: boolean;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

const columns = `id, project_id, branch, status, files_total, files_processed, chunks_created, revision, error_code,
  error_detail, cancel_requested, created_at, started_at, finished_at`;

const toJob = (row: JobRow): IndexJob => ({
  job_id: row.id,
  project_id: row.project_id,
  branch: row.branch,
  status: row.status,
  progress: {
    files_total: row.files_total,
    files_processed: row.files_processed,
    chunks_created: row.chunks_created,
  },
  revision: row.revision,
  error: row.error_code === null ? null : { code: row.error_code, detail: row.error_detail ?? '' },
  created_at: row.created_at.toISOString(),
  started_at: row.started_at?.toISOString() ?? null,
  finished_at: row.finished_at?.toISOString() ?? null,
});

/** Jobs of other kinds are ours, not the caller's. */
const readById = {
  name: 'job.read',
  text: `SELECT ${columns} FROM index_jobs WHERE org_id = $1 AND id = $2 AND kind IN ('sync', 'snapshot')`,
};

/** @throws {ApiError} not_found, project_not_allowed */
function visibleTo(caller: Caller, row: JobRow | undefined): JobRow {
  if (row === undefined) {
    throw new ApiError('not_found', 'There is no such job in this organization.', {
      hint: 'Jobs are kept for 30 days after their end.',
    });
  }
  if (caller.projectIds.length > 0 && !caller.projectIds.includes(row.project_id)) {
    throw new ApiError('project_not_allowed', 'This key is limited to other projects.', {
      hint: 'GET /v1/me shows which ones.',
    });
  }
  return row;
}

export async function readJob(tx: Transaction, org: OrgId, id: string): Promise<IndexJob> {
  const { rows } = await tx.query<JobRow>(`SELECT ${columns} FROM index_jobs WHERE org_id = $1 AND id = $2`, [org, id]);
  return toJob(rows[0]!);
}

/** @throws {ApiError} not_found, project_not_allowed */
export async function getJob(database: Database, caller: Caller, id: string): Promise<IndexJob> {
  const { org } = caller;
  const { rows } = await database.withOrg(org, (tx) => tx.last<JobRow>(readById, [org, id]), { readOnly: true });
  return toJob(visibleTo(caller, rows[0]));
}

/**
 * Ends a job: at once where it waits; where it runs, before its next step. What it has not made visible by then stays
 * unseen. @throws {ApiError} not_found, project_not_allowed; conflict for one that has ended otherwise.
 */
export async function cancelJob(database: Database, caller: Caller, id: string): Promise<IndexJob> {
  const cancel = async (tx: Transaction): Promise<IndexJob> => {
    const { rows } = await tx.query<JobRow>(`${readById.text} FOR UPDATE`, [caller.org, id]);
    const { status } = visibleTo(caller, rows[0]);
    if (status === 'succeeded' || status === 'failed') {
      throw new ApiError('conflict', `The job has ${status} already.`, { hint: 'Only open jobs can be cancelled.' });
    }
    if (status === 'queued') await endJob(tx, caller.org, id, { status: 'cancelled' });
    else if (status === 'running') {
      await tx.query('UPDATE index_jobs SET cancel_requested = true WHERE org_id = $1 AND id = $2', [caller.org, id]);
    }
    return readJob(tx, caller.org, id);
  };
  return database.withOrg(caller.org, cancel);
}

export interface JobEnd {
  status: 'succeeded' | 'failed' | 'cancelled';
  revision?: number;
  error?: { code: string; detail: string };
}

export async function endJob(
  tx: Transaction,
  org: OrgId,
  id: string,
  { status, revision, error }: JobEnd,
): Promise<void> {
  await tx.query('DELETE FROM index_job_changes WHERE org_id = $1 AND job_id = $2', [org, id]);
  const { rows } = await tx.query<{ kind: string; project_id: string }>(
    `UPDATE index_jobs SET status = $3, revision = $4, error_code = $5, error_detail = $6, worker = NULL,
       lease_until = NULL, finished_at = now()
     WHERE org_id = $1 AND id = $2 RETURNING kind, project_id`,
    [org, id, status, revision ?? null, error?.code ?? null, error?.detail ?? null],
  );
  // Parts of it may have been written.
  if (status !== 'succeeded' && rows[0]?.kind === 'snapshot') await scheduleCollection(tx, org, rows[0].project_id, 0);
}
