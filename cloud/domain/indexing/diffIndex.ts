import type { IndexDiff, IndexDiffReply } from '../../../protocol/api/index.ts';
import type { Caller } from '../caller.ts';
import { findProject } from '../projects/manageProjects.ts';
import { readHead } from './branchHead.ts';
import { checkPaths, FaultList } from './filePaths.ts';
import type { IndexParts } from './indexParts.ts';
import { expectRows } from './manyRows.ts';

const compareSql = `
  WITH m AS (SELECT path COLLATE "C" AS path, hash FROM unnest($3::text[], $4::text[]) AS m (path, hash)),
  f AS (SELECT file_path, content_hash FROM indexed_files WHERE org_id = $1 AND project_id = $2 AND branch = $5)
  SELECT count(*) FILTER (WHERE m.path IS NOT NULL AND m.hash IS DISTINCT FROM f.content_hash) AS changed,
    count(*) FILTER (WHERE m.path IS NULL) AS deleted
  FROM m FULL JOIN f ON f.file_path = m.path`;

/** What is there is counted on from now on: it is not removed before the sync. */
const lackingContentsSql = `
  WITH m AS (SELECT DISTINCT hash FROM unnest($3::text[]) AS m (hash)), touched AS (
    UPDATE file_contents SET touched_at = now()
    WHERE org_id = $1 AND project_id = $2 AND content_hash IN (SELECT hash FROM m) AND is_stored
      AND touched_at < now() - interval '1 minute')
  SELECT hash AS key FROM m WHERE NOT EXISTS (
    SELECT FROM file_contents c
    WHERE c.org_id = $1 AND c.project_id = $2 AND c.content_hash = m.hash AND c.is_stored)
  ORDER BY 1`;

const lackingVectorsSql = `
  WITH m AS (SELECT DISTINCT digest FROM unnest($3::text[]) AS m (digest)), touched AS (
    UPDATE chunk_vectors SET touched_at = now()
    WHERE org_id = $1 AND project_id = $2 AND digest IN (SELECT digest FROM m) AND is_stored
      AND touched_at < now() - interval '1 minute')
  SELECT digest AS key FROM m WHERE NOT EXISTS (
    SELECT FROM chunk_vectors c WHERE c.org_id = $1 AND c.project_id = $2 AND c.digest = m.digest AND c.is_stored)
  ORDER BY 1`;

/** What the cloud lacks of a working copy. @throws {ApiError} */
export async function diffIndex(parts: IndexParts, caller: Caller, body: IndexDiff): Promise<IndexDiffReply> {
  const faults = new FaultList();
  const paths = body.manifest.map(({ path }) => path);
  checkPaths([{ place: 'body.manifest', paths }], faults);
  faults.throwIfAny();
  const { org } = caller;
  const hashes = body.manifest.map(({ hash }) => hash);
  return parts.database.withOrg(
    org,
    async (tx) => {
      const { id: projectId, settings } = await findProject(tx, caller, body.project_id);
      const head = await readHead(tx, { org, projectId, branch: body.branch });
      await expectRows(tx, hashes.length + body.digests.length);
      const { rows } = await tx.query<{ changed: number; deleted: number }>(compareSql, [
        org,
        projectId,
        paths,
        hashes,
        body.branch,
      ]);
      const lacking = async (sql: string, keys: readonly string[]): Promise<string[]> =>
        keys.length === 0
          ? []
          : (await tx.query<{ key: string }>(sql, [org, projectId, keys])).rows.map(({ key }) => key);
      return {
        base_revision: head?.revision ?? 0,
        root_hash: head?.rootHash ?? null,
        ...rows[0]!,
        contents: await lacking(lackingContentsSql, hashes),
        embedding_model: settings.embedding_model ?? null,
        vectors: await lacking(lackingVectorsSql, body.digests),
      };
    },
    { timeoutMs: 60_000 },
  );
}
