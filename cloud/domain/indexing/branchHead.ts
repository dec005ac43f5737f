import type { IndexState } from '../../../protocol/api/index.ts';
import type { Statement, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';

export interface Branch {
  org: OrgId;
  projectId: string;
  branch: string;
}

/** The newest revision of a branch. */
export interface BranchHead {
  revision: number;
  rootHash: string;
  analysisVersion: string;
  files: number;
  chunks: number;
  createdAt: Date;
}

const newestOfBranch: Statement = {
  name: 'revision.head',
  text: `
    SELECT number AS revision, root_hash AS "rootHash", analysis_version AS "analysisVersion", files, chunks,
      created_at AS "createdAt"
    FROM revisions WHERE org_id = $1 AND project_id = $2 AND branch = $3 ORDER BY number DESC LIMIT 1`,
};

/** Undefined where nothing was indexed yet. */
export async function readHead(tx: Transaction, { org, projectId, branch }: Branch): Promise<BranchHead | undefined> {
  const { rows } = await tx.query<BranchHead>(newestOfBranch, [org, projectId, branch]);
  return rows[0];
}

export const toState = (head: BranchHead | undefined, status: IndexState['status']): IndexState => ({
  status,
  revision: head?.revision ?? 0,
  root_hash: head?.rootHash ?? null,
  files: head?.files ?? 0,
  chunks: head?.chunks ?? 0,
  indexed_at: head?.createdAt.toISOString() ?? null,
});

/**
 * The key of a record in SQL: SHA-256 of version of the analysis, hash and path. A record depends on its path, which
 * decides language and role.
 */
export const recordKeySql = (version: string, hash: string, path: string): string =>
  `encode(sha256(convert_to(${version}::text || E'\\n' || ${hash} || E'\\n' || ${path}, 'UTF8')), 'hex')`;
