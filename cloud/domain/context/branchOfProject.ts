import type { Database, Statement } from '../../ports/database.ts';
import type { Caller } from '../caller.ts';
import { byRef, visibleTo } from '../projects/manageProjects.ts';
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
  const values = [org, ref, ...(branch === undefined ? [] : [branch])];
  const { rows } = await database.withOrg(org, (tx) => tx.last<Row>(statementOf(ref, branch), values), {
    readOnly: true,
  });
  const { id: projectId, model, vector_generation: vectorGeneration, ...found } = visibleTo(caller, rows[0]);
  const { branch: name, number, root_hash: rootHash } = found;
  const revision = name === null ? undefined : { projectId, branch: name, number, rootHash, model, vectorGeneration };
  return { org, projectId, branch, seen: { revision } };
}
