import type { ProjectSettings } from '../../../protocol/api/index.ts';
import type { Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { scheduleCollection } from '../indexing/collectGarbage.ts';

/**
 * The settings with the model that holds from now on. Vectors of two models are never side by side: a model is taken
 * back first, which removes its vectors, then another one can be set. Where a change does not name it, it stays.
 * @throws {ApiError} conflict, while there are vectors of another model.
 */
export async function modelAfter(
  tx: Transaction,
  org: OrgId,
  projectId: string,
  before: ProjectSettings,
  after: ProjectSettings,
): Promise<ProjectSettings> {
  const old = before.embedding_model;
  const wanted = after.embedding_model;
  if (wanted === undefined) return old === undefined ? after : { ...after, embedding_model: old };
  if (wanted === old) return after;
  if (wanted === null) {
    await tx.query(
      `UPDATE chunk_vectors SET is_stored = false, deleting_at = coalesce(deleting_at, now())
       WHERE org_id = $1 AND project_id = $2`,
      [org, projectId],
    );
    await scheduleCollection(tx, org, projectId, 0);
    return after;
  }
  const { rows } = await tx.query('SELECT FROM chunk_vectors WHERE org_id = $1 AND project_id = $2 LIMIT 1', [
    org,
    projectId,
  ]);
  if (rows.length === 0) return after;
  throw new ApiError('conflict', `There are vectors of ${old ?? 'the model before'} in this project.`, {
    hint: 'Set embedding_model to null, which removes them, and then to the new one.',
    faults: [{ path: 'body.settings.embedding_model', message: 'cannot change while there are vectors' }],
  });
}
