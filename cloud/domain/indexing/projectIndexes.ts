import type { ProjectIndex } from '../../../protocol/api/index.ts';
import type { Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';

interface IndexRow {
  id: string;
  branch: string | null;
  number: number | null;
  files: number | null;
  skipped: number | null;
  chunks: number | null;
  created_at: Date | null;
  is_open: boolean;
  last: string | null;
}

function statusOf({ is_open: isOpen, last, number }: IndexRow): ProjectIndex['status'] {
  if (isOpen) return 'indexing';
  if (last === 'failed') return 'failed';
  return number === null ? 'empty' : 'ready';
}

/** How it stands with what these projects have indexed: of each, the branch that was indexed last. */
export async function readProjectIndexes(
  tx: Transaction,
  org: OrgId,
  projectIds: readonly string[],
): Promise<Map<string, ProjectIndex>> {
  if (projectIds.length === 0) return new Map();
  const { rows } = await tx.query<IndexRow>(
    `SELECT p.id, r.branch, r.number, r.files, r.skipped, r.chunks, r.created_at,
       EXISTS (SELECT FROM index_jobs j WHERE j.org_id = $1 AND j.project_id = p.id AND j.kind = 'sync'
         AND j.status IN ('queued', 'running')) AS is_open,
       (SELECT j.status FROM index_jobs j WHERE j.org_id = $1 AND j.project_id = p.id AND j.kind = 'sync'
         AND j.status IN ('succeeded', 'failed') ORDER BY j.number DESC LIMIT 1) AS last
     FROM unnest($2::uuid[]) AS p (id)
     LEFT JOIN LATERAL (SELECT * FROM revisions v WHERE v.org_id = $1 AND v.project_id = p.id
       ORDER BY v.created_at DESC, v.number DESC LIMIT 1) r ON true`,
    [org, projectIds],
  );
  return new Map(
    rows.map((row) => [
      row.id,
      {
        status: statusOf(row),
        branch: row.branch,
        revision: row.number ?? 0,
        files: row.files ?? 0,
        skipped: row.skipped ?? 0,
        chunks: row.chunks ?? 0,
        indexed_at: row.created_at?.toISOString() ?? null,
      },
    ]),
  );
}
