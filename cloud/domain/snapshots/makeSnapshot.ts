import { readSnapshot } from '../../../core/snapshot/readSnapshot.ts';
import type { SnapshotEnd, SnapshotFile, SnapshotVector } from '../../../core/snapshot/snapshotFormat.ts';
import { SnapshotError } from '../../../core/snapshot/snapshotFormat.ts';
import { SnapshotWriter } from '../../../core/snapshot/writeSnapshot.ts';
import type { Transaction } from '../../ports/database.ts';
import { ApiError } from '../apiError.ts';
import { fromHex, sha256Bytes, toHex } from '../bytes.ts';
import { digestsOf, scheduleCollection } from '../indexing/collectGarbage.ts';
import { countUsage, lockForCommit } from '../indexing/commitRevision.ts';
import { endJob } from '../indexing/indexJobs.ts';
import type { IndexParts } from '../indexing/indexParts.ts';
import { reportProgress } from '../indexing/jobLease.ts';
import { JobStopped, type RunningJob } from '../indexing/runningJob.ts';
import { readVectorState } from './manageSnapshots.ts';
import { PartLost, PartWriter, unpackParts } from './packedParts.ts';
import { partPath, readSnapshots, type SnapshotRow } from './snapshotRows.ts';

/** Of one query. */
const filesAtOnce = 100;
const vectorsAtOnce = 1_000;
/** Ready ones of a branch, the newest. Those before them can be downloaded for as long as garbage is let lie. */
const keptOfBranch = 3;

interface FileRow extends Omit<SnapshotFile, 'skipped'> {
  skipReason: string | null;
  skipDetail: string | null;
}

/** Chosen first, so that few rows meet the others, whatever the database knows of its tables. */
const filesSql = `
  SELECT c.file_path AS path, c.content_hash AS "contentHash", t.bytes, r.skip_reason AS "skipReason",
    r.skip_detail AS "skipDetail", r.language, r.role, r.chunked_by AS "chunkedBy", r.line_count AS "lineCount",
    r.syntax_errors AS "syntaxErrors", r.chunk_count AS "chunkCount", r.symbol_count AS "symbolCount", r.chunks,
    r.symbols, r.links, r.words, r.digests
  FROM (SELECT file_path, content_hash, record_key FROM index_job_changes
    WHERE org_id = $1 AND job_id = $2 AND file_path > $4 ORDER BY file_path LIMIT ${filesAtOnce}) c
  JOIN file_records r ON r.org_id = $1 AND r.key = c.record_key
  JOIN file_contents t ON t.org_id = $1 AND t.project_id = $3 AND t.content_hash = c.content_hash
  ORDER BY c.file_path`;

const toFile = ({ skipReason, skipDetail, ...rest }: FileRow): SnapshotFile => ({
  ...rest,
  skipped: skipReason === null ? null : { reason: skipReason, detail: skipDetail ?? '' },
});

interface Making {
  parts: IndexParts;
  job: RunningJob;
  writer: SnapshotWriter;
  out: PartWriter;
}

/** The files that the job holds. @returns the digests of their chunks. */
async function writeFiles({ parts, job, writer, out }: Making): Promise<Set<string>> {
  const { org, id, projectId } = job;
  const digests = new Set<string>();
  for (let after = ''; ;) {
    job.throwIfStopped();
    const { rows } = await parts.database.withOrg(
      org,
      (tx) => tx.query<FileRow>(filesSql, [org, id, projectId, after]),
      { readOnly: true, timeoutMs: 60_000 },
    );
    if (rows.length === 0) return digests;
    after = rows[rows.length - 1]!.path;
    for (const row of rows) for (const digest of digestsOf(row.digests)) digests.add(digest);
    await out.add(...(await writer.files(rows.map(toFile))));
    const { files, chunks } = writer.written;
    await parts.database.withOrg(org, (tx) =>
      reportProgress(tx, job, { filesProcessed: files, chunksCreated: chunks }),
    );
  }
}

/** Those of the digests that the project has. @returns how many it has not. */
async function writeVectors({ parts, job, writer, out }: Making, wanted: ReadonlySet<string>): Promise<number> {
  let found = 0;
  for (let after: string | null = ''; after !== null;) {
    job.throwIfStopped();
    const page = await parts.vectors.read(job.org, job.projectId, {
      limit: vectorsAtOnce,
      ...(after === '' ? {} : { after }),
    });
    const needed = page.vectors.filter(({ digest }) => wanted.has(digest));
    found += needed.length;
    await out.add(
      ...(await writer.vectors(
        needed.map(({ digest, vector }): SnapshotVector => ({ digest: fromHex(digest)!, vector })),
      )),
    );
    after = page.next;
  }
  return wanted.size - found;
}

/** Nothing is offered that could not be read: what the store has is read back as a client would read it. */
async function readBack(
  { blobs }: IndexParts,
  job: RunningJob,
  pathOf: (part: number) => string,
  sizes: readonly number[],
): Promise<string> {
  try {
    for await (const item of readSnapshot(unpackParts(blobs, job.org, pathOf, sizes), sha256Bytes)) {
      job.throwIfStopped();
      if (item.kind === 'end') return toHex(item.digest);
    }
  } catch (error) {
    if (!(error instanceof PartLost) && !(error instanceof SnapshotError)) throw error;
    throw new Error(`What was written of a snapshot cannot be read: ${error.message}`, { cause: error });
  }
  throw new Error('A snapshot was read without an end');
}

interface Made {
  row: SnapshotRow;
  model: string | null;
  generation: number;
  folder: string;
  sizes: readonly number[];
  digest: string;
  written: Readonly<SnapshotEnd>;
  missing: number;
}

/** Ready ones that are too many, and those of the branch that failed before. */
async function replaceOlder(tx: Transaction, { org }: RunningJob, row: SnapshotRow, afterMs: number): Promise<void> {
  await tx.query(
    `UPDATE snapshots s SET delete_after = now() + make_interval(secs => CASE WHEN ready_at IS NULL THEN 0 ELSE $5 END)
     WHERE org_id = $1 AND project_id = $2 AND branch = $3 AND number < $4 AND delete_after IS NULL
       AND (ready_at IS NULL AND NOT EXISTS (SELECT FROM index_jobs j
           WHERE j.org_id = $1 AND j.id = s.job_id AND j.status IN ('queued', 'running'))
         OR ready_at IS NOT NULL AND (SELECT count(*) FROM snapshots n WHERE n.org_id = $1 AND n.project_id = $2
           AND n.branch = $3 AND n.number > s.number AND n.ready_at IS NOT NULL AND n.delete_after IS NULL) >= ${keptOfBranch})`,
    [org, row.project_id, row.branch, row.number, afterMs / 1000],
  );
}

/** All at once it is there, or not at all. */
async function finish({ database, garbageAfterMs }: IndexParts, job: RunningJob, made: Made): Promise<void> {
  const { org, projectId, id } = job;
  const { row, model, generation, folder, sizes, digest, written, missing } = made;
  await database.withOrg(org, async (tx) => {
    await lockForCommit(tx, job);
    if ((await readVectorState(tx, job)).model !== model) {
      throw new ApiError('unavailable', 'The model of the project was changed while its vectors were read.');
    }
    const { count } = await tx.query(
      `UPDATE snapshots SET ready_at = now(), embedding_model = $3, vector_generation = $4, vectors = $5,
         vectors_missing = $6, folder = $7, parts = $8::integer[], bytes = $9, digest = $10
       WHERE org_id = $1 AND id = $2 AND delete_after IS NULL`,
      [
        org,
        row.id,
        model,
        generation,
        written.vectors,
        missing,
        folder,
        sizes,
        sizes.reduce((sum, size) => sum + size, 0),
        digest,
      ],
    );
    if (count === 0) throw new JobStopped('cancelled');
    await replaceOlder(tx, job, row, garbageAfterMs);
    await endJob(tx, org, id, { status: 'succeeded', revision: row.revision });
    await countUsage(tx, job);
    // What other tries have left, and those that were replaced.
    await scheduleCollection(tx, org, projectId, garbageAfterMs);
  });
}

/**
 * Writes the revision that a job holds as a snapshot: into blobs that nobody knows of, read back and only then named by
 * its row. A job that is taken up again begins anew, beside what another server may still be writing.
 * @throws {JobStopped} {ApiError}
 */
export async function makeSnapshot(parts: IndexParts, job: RunningJob): Promise<void> {
  const { database, vectors, blobs } = parts;
  const { org, projectId } = job;
  const start = await database.withOrg(
    org,
    async (tx) => {
      const [row] = await readSnapshots(tx, 's.job_id = $2 AND s.delete_after IS NULL', [org, job.id]);
      return row === undefined ? undefined : { row, ...(await readVectorState(tx, job)) };
    },
    { readOnly: true },
  );
  if (start === undefined) throw new JobStopped('cancelled');
  const { row, model, generation } = start;
  const folder = crypto.randomUUID();
  const pathOf = (part: number): string => partPath(projectId, row.id, folder, part);
  const making: Making = {
    parts,
    job,
    writer: new SnapshotWriter(sha256Bytes),
    out: new PartWriter(blobs, org, pathOf),
  };
  const { writer, out } = making;
  const header = {
    projectId,
    branch: row.branch,
    revision: row.revision,
    rootHash: row.root_hash,
    analysisVersion: row.analysis_version,
    embeddingModel: model,
    dimensions: model === null ? 0 : vectors.dimensions,
    files: row.files,
    chunks: row.chunks,
  };
  await out.add(...(await writer.start(header)));
  const digests = await writeFiles(making);
  const missing = model === null ? 0 : await writeVectors(making, digests);
  await out.add(await writer.end());
  const sizes = await out.end();
  const digest = await readBack(parts, job, pathOf, sizes);
  await finish(parts, job, { row, model, generation, folder, sizes, digest, written: writer.written, missing });
}
