import type { Snapshot } from '../../../protocol/api/index.ts';
import type { SqlValue, Transaction } from '../../ports/database.ts';
import { snapshotsFolder } from '../indexing/indexParts.ts';

export interface SnapshotRow {
  id: string;
  number: number;
  project_id: string;
  branch: string;
  revision: number;
  root_hash: string;
  analysis_version: string;
  embedding_model: string | null;
  files: number;
  chunks: number;
  vectors: number;
  vectors_missing: number;
  job_id: string;
  folder: string | null;
  parts: number[] | null;
  bytes: number | null;
  digest: string | null;
  created_at: Date;
  ready_at: Date | null;
  /** Null: it was forgotten. */
  job_status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | null;
}

const columns = `s.id, s.number, s.project_id, s.branch, s.revision, s.root_hash, s.analysis_version, s.embedding_model,
  s.files, s.chunks, s.vectors, s.vectors_missing, s.job_id, s.folder, s.parts, s.bytes, s.digest, s.created_at,
  s.ready_at, j.status AS job_status`;

/** @param where what is asked for besides the organization, which is $1 */
export async function readSnapshots(
  tx: Transaction,
  where: string,
  values: readonly SqlValue[],
): Promise<SnapshotRow[]> {
  const { rows } = await tx.query<SnapshotRow>(
    `SELECT ${columns} FROM snapshots s LEFT JOIN index_jobs j ON j.org_id = s.org_id AND j.id = s.job_id
     WHERE s.org_id = $1 AND ${where}`,
    values,
  );
  return rows;
}

function statusOf({ ready_at, job_status }: SnapshotRow): Snapshot['status'] {
  if (ready_at !== null) return 'ready';
  return job_status === null || job_status === 'succeeded' ? 'failed' : job_status;
}

export const toSnapshot = (row: SnapshotRow): Snapshot => ({
  id: row.id,
  project_id: row.project_id,
  branch: row.branch,
  revision: row.revision,
  root_hash: row.root_hash,
  analysis_version: row.analysis_version,
  embedding_model: row.embedding_model,
  status: statusOf(row),
  job_id: row.job_id,
  files: row.files,
  chunks: row.chunks,
  vectors: row.ready_at === null ? null : row.vectors,
  vectors_missing: row.ready_at === null ? null : row.vectors_missing,
  bytes: row.bytes,
  digest: row.digest,
  created_at: row.created_at.toISOString(),
  ready_at: row.ready_at?.toISOString() ?? null,
});

/** All that was ever written for a snapshot. */
const snapshotFolder = (projectId: string, id: string): string => `${snapshotsFolder(projectId)}${id}/`;

/** The blob of a part. `folder` is that of one try to make it: two servers that both try never write the same blob. */
export const partPath = (projectId: string, id: string, folder: string, part: number): string =>
  `${snapshotFolder(projectId, id)}${folder}/${String(part).padStart(6, '0')}.gz`;
