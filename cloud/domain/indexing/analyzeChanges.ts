import type { SourceAnalysis, SourceText } from '../../ports/sourceAnalyzer.ts';
import { ApiError } from '../apiError.ts';
import { eachOf } from './batches.ts';
import { putRecords, type NewRecord } from './fileRecordRows.ts';
import { contentPath, type IndexParts } from './indexParts.ts';
import { expectRows } from './manyRows.ts';
import { reportProgress } from './jobLease.ts';
import type { RunningJob } from './runningJob.ts';

/** A file of the job that has no record yet. */
interface PendingFile {
  path: string;
  hash: string;
  key: string;
  bytes: number;
}

/** Large enough that messages and statements cost little, small enough for progress and for stopping soon. */
const batchBytes = 384 * 1024;
const batchFiles = 32;
/** One is read, one analysed, one written. */
const batchesAtOnce = 4;

interface ChangeRow {
  path: string;
  hash: string | null;
  key: string | null;
  bytes: number | null;
  /** Of its record, if it has one: what an earlier try made, or another project. */
  chunks: number | null;
}

/** Taken apart into batches, in the order of the paths: files of a folder are of one language. */
function batchesOf(files: readonly PendingFile[]): PendingFile[][] {
  const batches: PendingFile[][] = [];
  let batch: PendingFile[] = [];
  let bytes = 0;
  for (const file of files) {
    batch.push(file);
    bytes += file.bytes;
    if (batch.length < batchFiles && bytes < batchBytes) continue;
    batches.push(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** Line ends stay; a byte order mark goes, as in the local engine. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined for what is no text in UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return strictUtf8.decode(bytes);
  } catch (error) {
    // The decoder's way to say that the bytes are no UTF-8.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What the store has lost is asked for again: the next difference names it. */
async function forgetContent({ database }: IndexParts, { org, projectId }: RunningJob, hash: string): Promise<void> {
  await database.withOrg(org, (tx) =>
    tx.query(`UPDATE file_contents SET is_stored = false WHERE org_id = $1 AND project_id = $2 AND content_hash = $3`, [
      org,
      projectId,
      hash,
    ]),
  );
}

/** @throws {ApiError} conflict, where the blob is gone. */
export async function readBlob(parts: IndexParts, job: RunningJob, path: string, hash: string): Promise<Uint8Array> {
  const bytes = await parts.blobs.get(job.org, contentPath(job.projectId, hash));
  if (bytes !== undefined) return bytes;
  await forgetContent(parts, job, hash);
  throw new ApiError('conflict', `The content of ${JSON.stringify(path)} is not there any more.`);
}

async function analyzeBatch(parts: IndexParts, job: RunningJob, batch: readonly PendingFile[]): Promise<NewRecord[]> {
  const analyses = new Map<string, SourceAnalysis>();
  const sources: (SourceText & { key: string })[] = [];
  await eachOf(batch, batchFiles, async ({ path, hash, key }) => {
    const text = textOf(await readBlob(parts, job, path, hash));
    if (text === undefined) analyses.set(key, { kind: 'skipped', reason: 'binary', detail: 'no text in UTF-8' });
    else sources.push({ path, text, key });
  });
  const results = await parts.analyzer.analyze(sources);
  sources.forEach(({ key }, index) => analyses.set(key, results[index]!));
  return batch.map(({ key }) => ({ key, analysis: analyses.get(key)! }));
}

const chunksOf = ({ analysis }: NewRecord): number => (analysis.kind === 'analyzed' ? analysis.chunkCount : 0);

async function readChanges({ database }: IndexParts, { org, projectId, id }: RunningJob): Promise<ChangeRow[]> {
  const { rows } = await database.withOrg(
    org,
    async (tx) => {
      const { rows: jobs } = await tx.query<{ files: number }>(
        'SELECT files_total AS files FROM index_jobs WHERE org_id = $1 AND id = $2',
        [org, id],
      );
      await expectRows(tx, jobs[0]?.files ?? 0);
      return tx.query<ChangeRow>(
        `SELECT c.file_path AS path, c.content_hash AS hash, c.record_key AS key, t.bytes, r.chunk_count AS chunks
         FROM index_job_changes c
         LEFT JOIN file_records r ON r.org_id = c.org_id AND r.key = c.record_key
         LEFT JOIN file_contents t ON t.org_id = c.org_id AND t.project_id = $3 AND t.content_hash = c.content_hash
         WHERE c.org_id = $1 AND c.job_id = $2 ORDER BY c.file_path`,
        [org, id, projectId],
      );
    },
    { readOnly: true, timeoutMs: 60_000 },
  );
  return rows;
}

/**
 * Makes the records that the job still lacks. They are addressed by content: what was made before a crash, or for another
 * branch, is not made again. @throws {JobStopped} {ApiError}
 */
export async function analyzeChanges(parts: IndexParts, job: RunningJob): Promise<void> {
  const { org } = job;
  const rows = await readChanges(parts, job);
  const pending = rows.flatMap(({ path, hash, key, bytes, chunks }) =>
    hash === null || key === null || chunks !== null ? [] : [{ path, hash, key, bytes: bytes ?? 0 }],
  );
  const progress = {
    filesProcessed: rows.length - pending.length,
    chunksCreated: rows.reduce((sum, { chunks }) => sum + (chunks ?? 0), 0),
  };
  await parts.database.withOrg(org, (tx) => reportProgress(tx, job, progress));
  await eachOf(batchesOf(pending), batchesAtOnce, async (batch) => {
    job.throwIfStopped();
    const records = await analyzeBatch(parts, job, batch);
    job.throwIfStopped();
    progress.filesProcessed += batch.length;
    progress.chunksCreated += records.reduce((sum, record) => sum + chunksOf(record), 0);
    await parts.database.withOrg(
      org,
      async (tx) => {
        await putRecords(tx, org, records);
        await reportProgress(tx, job, progress);
      },
      { timeoutMs: 30_000 },
    );
  });
}
