import type { Database, Query, Statement } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import type { Caller } from '../caller.ts';
import { byRef, visibleTo } from '../projects/manageProjects.ts';
import type { Revision } from './contextPorts.ts';
import type { BranchOfProject } from './contextService.ts';

interface Row {
  id: string;
  model: string | null;
  vector_generation: number;
  /** Null, as the rest of the revision, where nothing is indexed. */
  branch: string | null;
  number: number;
  root_hash: string;
}

function statementOf(ref: string, branch: string | undefined): Statement {
  const by = byRef(ref);
  const [name, where, order] =
    branch === undefined
      ? ['place.newest', '', 'created_at DESC, number DESC']
      : ['place.branch', 'AND branch = $3', 'number DESC'];
  return {
    name: `${name}.${by}`,
    text: `
      SELECT p.id, p.settings ->> 'embedding_model' AS model, p.vector_generation, r.branch, r.number, r.root_hash
      FROM projects p LEFT JOIN LATERAL (
        SELECT branch, number, root_hash FROM revisions
        WHERE org_id = p.org_id AND project_id = p.id ${where} ORDER BY ${order} LIMIT 1
      ) r ON true
      WHERE p.org_id = $1 AND p.${by}`,
  };
}

/** A project by its id or slug with its current revision; undefined where there is no such project. */
export async function readPlace(
  query: Query,
  org: OrgId,
  ref: string,
  branch: string | undefined,
): Promise<{ id: string; revision: Revision | undefined } | undefined> {
  const { rows } = await query<Row>(statementOf(ref, branch), [org, ref, ...(branch === undefined ? [] : [branch])]);
  const row = rows[0];
  if (row === undefined) return undefined;
  const { id, model, vector_generation: vectorGeneration, branch: name, number, root_hash: rootHash } = row;
  if (name === null) return { id, revision: undefined };
  return { id, revision: { projectId: id, branch: name, number, rootHash, model, vectorGeneration } };
}

/**
 * A project and its current revision, in one statement: they are asked for with every question.
 * @throws {ApiError} not_found, project_not_allowed
 */
export async function branchOfProject(
  database: Database,
  caller: Caller,
  ref: string,
  branch: string | undefined,
): Promise<BranchOfProject> {
  const { org } = caller;
  const place = await database.withOrg(org, (tx) => readPlace(tx.last, org, ref, branch), { readOnly: true });
  const { id: projectId, revision } = visibleTo(caller, place);
  return { org, projectId, branch, seen: { revision } };
}
