import { ApiError } from '../apiError.ts';
import type { Transaction } from '../../ports/database.ts';
import { recordUsage } from '../usage/recordUsage.ts';
import { readHead, recordKeySql } from './branchHead.ts';
import { scheduleCollection } from './collectGarbage.ts';
import { endJob } from './indexJobs.ts';
import type { IndexParts } from './indexParts.ts';
import { expectRows } from './manyRows.ts';
import { JobStopped, type RunningJob } from './runningJob.ts';
import { projectGone } from './storedContents.ts';

/** A batch of a hundred thousand files takes some seconds. */
const patient = { timeoutMs: 120_000 };

/** Nobody else changes the branch until the end of the transaction, and the job is still ours. @returns how many files it changes. */
export async function lockForCommit(tx: Transaction, { org, projectId, id, worker }: RunningJob): Promise<number> {
  const project = await tx.query('SELECT FROM projects WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE', [
    org,
    projectId,
  ]);
  if (project.count === 0) throw projectGone();
  const { rows } = await tx.query<{ cancel_requested: boolean; files: number }>(
    `SELECT cancel_requested, files_total AS files FROM index_jobs WHERE org_id = $1 AND id = $2 AND worker = $3 AND status = 'running'
     FOR UPDATE`,
    [org, id, worker],
  );
  if (rows[0] === undefined) throw new JobStopped('lease_lost');
  if (rows[0].cancel_requested) throw new JobStopped('cancelled');
  return rows[0].files;
}

const removeSql = `
  DELETE FROM indexed_files f USING index_job_changes c
  WHERE c.org_id = $1 AND c.job_id = $2 AND f.org_id = $1 AND f.project_id = $3 AND f.branch = $4
    AND f.file_path = c.file_path`;

const addSql = `
  INSERT INTO indexed_files (org_id, project_id, branch, file_path, content_hash, record_key, skip_reason, language,
    role, chunked_by, line_count, chunk_count, bytes)
  SELECT $1, $3, $4, c.file_path, c.content_hash, c.record_key, r.skip_reason, r.language, r.role, r.chunked_by,
    r.line_count, r.chunk_count, t.bytes
  FROM index_job_changes c
  JOIN file_records r ON r.org_id = c.org_id AND r.key = c.record_key
  JOIN file_contents t ON t.org_id = c.org_id AND t.project_id = $3 AND t.content_hash = c.content_hash AND t.is_stored
  WHERE c.org_id = $1 AND c.job_id = $2`;

interface Sums {
  root_hash: string;
  files: number;
  skipped: number;
  chunks: number;
  lines: number;
  bytes: number;
  is_fresh: boolean;
}

/** The same lines as those of `rootHashOf`, hashed where they are. */
const sumsSql = `
  SELECT encode(sha256(coalesce(string_agg(convert_to(file_path, 'UTF8') || '\\x00'::bytea
      || convert_to(content_hash, 'UTF8') || '\\x0a'::bytea, ''::bytea ORDER BY file_path COLLATE "C"), ''::bytea)), 'hex')
      AS root_hash,
    count(*) AS files, count(skip_reason) AS skipped, coalesce(sum(chunk_count), 0)::bigint AS chunks,
    coalesce(sum(line_count), 0)::bigint AS lines, coalesce(sum(bytes), 0)::bigint AS bytes,
    coalesce(bool_and(record_key = ${recordKeySql('$4', 'content_hash', 'file_path')}), true) AS is_fresh
  FROM indexed_files WHERE org_id = $1 AND project_id = $2 AND branch = $3`;

const baseMoved = (base: number, current: number): ApiError =>
  new ApiError('conflict', `The branch moved on to revision ${current}; this sync was made for ${base}.`);

/** Counted with the revision itself: neither lost nor doubled, whatever is tried again. */
export async function countUsage(tx: Transaction, job: RunningJob): Promise<void> {
  if (job.apiKeyId === null) return;
  const durationMs = Math.min(performance.now() - job.startedAt, 2_000_000_000);
  await recordUsage(tx.query, job.org, [
    { id: job.id, keyId: job.apiKeyId, type: 'index', projectId: job.projectId, tokens: 0, durationMs },
  ]);
}

/**
 * Makes what a job has prepared visible, all at once, as the next revision of its branch.
 * @throws {ApiError} conflict, where the branch has moved on or comes to another root hash; not_found, where the project
 * is gone. @throws {JobStopped}
 */
export async function commitRevision(parts: IndexParts, job: RunningJob): Promise<number> {
  const { org, projectId, branch, id, baseRevision, rootHash } = job;
  const { version } = parts.analyzer;
  return parts.database.withOrg(
    org,
    async (tx) => {
      await expectRows(tx, await lockForCommit(tx, job));
      const head = await readHead(tx, job);
      const current = head?.revision ?? 0;
      if (baseRevision !== null && baseRevision !== current) throw baseMoved(baseRevision, current);
      const removed = await tx.query(removeSql, [org, id, projectId, branch]);
      const added = await tx.query(addSql, [org, id, projectId, branch]);
      const { rows: wanted } = await tx.query<{ count: number }>(
        'SELECT count(content_hash) AS count FROM index_job_changes WHERE org_id = $1 AND job_id = $2',
        [org, id],
      );
      // Not a conflict of the caller's: what is missing is analysed when the job is tried again.
      if (added.count !== wanted[0]!.count) throw new Error(`${wanted[0]!.count - added.count} records are missing`);
      const { rows } = await tx.query<Sums>(sumsSql, [org, projectId, branch, version]);
      const sums = rows[0]!;
      if (rootHash !== null && sums.root_hash !== rootHash) {
        throw new ApiError('conflict', `The files come to the root hash ${sums.root_hash}, not to the one announced.`);
      }
      const revision = current + 1;
      await tx.query(
        `INSERT INTO revisions (org_id, project_id, branch, number, root_hash, analysis_version, files, skipped, chunks,
           lines, bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          org,
          projectId,
          branch,
          revision,
          sums.root_hash,
          sums.is_fresh ? version : (head?.analysisVersion ?? ''),
          sums.files,
          sums.skipped,
          sums.chunks,
          sums.lines,
          sums.bytes,
        ],
      );
      await endJob(tx, org, id, { status: 'succeeded', revision });
      await countUsage(tx, job);
      if (removed.count > 0) await scheduleCollection(tx, org, projectId, parts.garbageAfterMs);
      return revision;
    },
    patient,
  );
}
