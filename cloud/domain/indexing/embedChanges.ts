import { chunkText, modelText } from '../../../core/chunk/embeddingInput.ts';
import { lineStartsOf, sliceLines } from '../../../core/lexical/lineStarts.ts';
import { decodeChunks } from '../../../core/records/fileRecords.ts';
import type { Embedder } from '../../ports/embedder.ts';
import { readBlob } from './analyzeChanges.ts';
import { eachOf, slicesOf } from './batches.ts';
import { digestsOf } from './collectGarbage.ts';
import type { IndexParts } from './indexParts.ts';
import { holdToModel } from './receiveContents.ts';
import type { RunningJob } from './runningJob.ts';
import { storeVectors } from './storedContents.ts';

const filesAtOnce = 200;
const textsAtOnce = 64;
const requestsAtOnce = 3;

interface RecordRow {
  path: string;
  hash: string;
  chunks: Uint8Array;
  digests: Uint8Array;
}

interface MissingChunk {
  digest: string;
  text: string;
}

/** The embedder, where it is what the vectors of the project come from. A project without a model gets this one. */
async function embedderOf({ database, embedder }: IndexParts, job: RunningJob): Promise<Embedder | undefined> {
  if (embedder === undefined) return undefined;
  const { org, projectId } = job;
  const model = await database.withOrg(org, async (tx) => {
    const read = async (): Promise<{ model: string | null; is_set: boolean } | undefined> =>
      (
        await tx.query<{ model: string | null; is_set: boolean }>(
          `SELECT settings ->> 'embedding_model' AS model, settings ? 'embedding_model' AS is_set
           FROM projects WHERE org_id = $1 AND id = $2`,
          [org, projectId],
        )
      ).rows[0];
    const settings = await read();
    if (settings === undefined || settings.is_set) return settings?.model;
    await holdToModel(tx, org, projectId, embedder.model);
    return (await read())?.model;
  });
  return model === embedder.model ? embedder : undefined;
}

async function nextRecords({ database }: IndexParts, { org, id }: RunningJob, after: string): Promise<RecordRow[]> {
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<RecordRow>(
        `SELECT c.file_path AS path, c.content_hash AS hash, r.chunks, r.digests
         FROM index_job_changes c JOIN file_records r ON r.org_id = c.org_id AND r.key = c.record_key
         WHERE c.org_id = $1 AND c.job_id = $2 AND c.file_path > $3 ORDER BY c.file_path LIMIT ${filesAtOnce}`,
        [org, id, after],
      ),
    { readOnly: true },
  );
  return rows;
}

async function knownDigests(
  { database }: IndexParts,
  { org, projectId }: RunningJob,
  digests: readonly string[],
): Promise<Set<string>> {
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<{ digest: string }>(
        `SELECT digest FROM chunk_vectors
         WHERE org_id = $1 AND project_id = $2 AND digest = ANY($3::text[]) AND is_stored`,
        [org, projectId, digests],
      ),
    { readOnly: true },
  );
  return new Set(rows.map(({ digest }) => digest));
}

/** Texts of the chunks that have no vector yet, equal ones once, as the model is given them. */
async function missingChunks(parts: IndexParts, job: RunningJob, rows: readonly RecordRow[]): Promise<MissingChunk[]> {
  const digests = rows.map((row) => digestsOf(row.digests));
  const known = await knownDigests(parts, job, [...new Set(digests.flat())]);
  const missing = new Map<string, string>();
  for (const [at, { path, hash, chunks }] of rows.entries()) {
    if (digests[at]!.every((digest) => known.has(digest))) continue;
    const text = new TextDecoder().decode(await readBlob(parts, job, path, hash));
    const starts = lineStartsOf(text);
    decodeChunks(chunks).forEach(({ startLine, endLine, scope }, index) => {
      const digest = digests[at]![index]!;
      if (known.has(digest)) return;
      missing.set(digest, modelText(chunkText(scope, sliceLines(text, starts, startLine, endLine))));
    });
  }
  return [...missing].map(([digest, text]) => ({ digest, text }));
}

/**
 * Has the embedder make the vectors that the files of a job lack, where the project's vectors are of its model.
 * @throws {EmbedderError} {VectorStoreError} {JobStopped}
 */
export async function embedChanges(parts: IndexParts, job: RunningJob): Promise<void> {
  const embedder = await embedderOf(parts, job);
  if (embedder === undefined) return;
  const place = { org: job.org, projectId: job.projectId };
  for (let after = ''; ;) {
    const rows = await nextRecords(parts, job, after);
    if (rows.length === 0) return;
    after = rows[rows.length - 1]!.path;
    const missing = await missingChunks(parts, job, rows);
    await eachOf([...slicesOf(missing, textsAtOnce)], requestsAtOnce, async (batch) => {
      job.throwIfStopped();
      const texts = batch.map(({ text }) => text);
      const made = await embedder.embed(texts, 'chunk', job.signal);
      await storeVectors(
        parts,
        place,
        batch.map(({ digest }, index) => ({ digest, vector: made[index]! })),
      );
    });
  }
}
