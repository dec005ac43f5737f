import type { Log } from '../../ports/log.ts';
import type { BlobStore } from '../../ports/blobStore.ts';
import type { Database } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit } from '../audit/auditLog.ts';
import type { Caller } from '../caller.ts';
import { scheduleCollection } from '../indexing/collectGarbage.ts';
import { findSnapshot } from './manageSnapshots.ts';
import { PartLost, readPart } from './packedParts.ts';
import { partPath } from './snapshotRows.ts';

/** What its bytes are found by. */
export interface ReadySnapshot {
  id: string;
  projectId: string;
  branch: string;
  revision: number;
  digest: string;
  bytes: number;
  folder: string;
  parts: readonly number[];
}

/** Both inclusive. */
export interface ByteRange {
  first: number;
  last: number;
}

interface DownloadParts {
  database: Database;
  blobs: BlobStore;
  log: Log;
}

/** @throws {ApiError} not_found, project_not_allowed; conflict while it is not ready */
export async function findReadySnapshot(database: Database, caller: Caller, id: string): Promise<ReadySnapshot> {
  const row = await database.withOrg(caller.org, (tx) => findSnapshot(tx, caller, id), { readOnly: true });
  const { folder, parts, bytes, digest, job_id: jobId } = row;
  if (row.ready_at === null || folder === null || parts === null || bytes === null || digest === null) {
    throw new ApiError('conflict', 'The snapshot is not ready.', {
      hint: `GET /v1/index/status/${jobId} tells how far it is.`,
      retryAfterMs: 1_000,
    });
  }
  const { project_id: projectId, branch, revision } = row;
  return { id, projectId, branch, revision, digest, bytes, folder, parts };
}

/** A snapshot that is not all there is none: nobody is given it again, and the next that is asked for is made anew. */
async function forget({ database, log }: DownloadParts, org: OrgId, { id, projectId }: ReadySnapshot): Promise<void> {
  log('error', 'snapshot.lost', { org, snapshot: id });
  await database.withOrg(org, async (tx) => {
    await tx.query('UPDATE snapshots SET delete_after = now() WHERE org_id = $1 AND id = $2', [org, id]);
    await scheduleCollection(tx, org, projectId, 0);
  });
}

/** @throws {PartLost} {BlobStoreError} */
async function* piecesOf(
  { blobs }: DownloadParts,
  org: OrgId,
  { id, projectId, folder, parts }: ReadySnapshot,
  { first, last }: ByteRange,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let start = 0;
  for (const [part, size] of parts.entries()) {
    const end = start + size;
    if (end > first && start <= last) {
      const bytes = await readPart(blobs, org, partPath(projectId, id, folder, part), size);
      yield bytes.subarray(Math.max(0, first - start), Math.min(size, last + 1 - start));
    }
    start = end;
  }
}

/**
 * The bytes of a snapshot, part by part as they are taken. That somebody took them is written down before the first one.
 * @throws {ApiError} not_found, where the store has lost the first part; what fails later breaks the stream off.
 */
export async function downloadSnapshot(
  parts: DownloadParts,
  caller: Caller,
  snapshot: ReadySnapshot,
  range: ByteRange,
): Promise<ReadableStream<Uint8Array>> {
  const { org } = caller;
  const pieces = piecesOf(parts, org, snapshot, range);
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    try {
      return await pieces.next();
    } catch (error) {
      if (!(error instanceof PartLost)) throw error;
      await forget(parts, org, snapshot);
      throw new ApiError('not_found', 'The snapshot was lost.', { hint: 'Make another one: POST /v1/snapshots.' });
    }
  };
  let pending: Promise<IteratorResult<Uint8Array, void>> | undefined = Promise.resolve(await next());
  const { id, projectId, branch, revision } = snapshot;
  await parts.database.withOrg(org, (tx) =>
    writeAudit(tx, org, caller, 'snapshot.export', `snapshot:${id}`, {
      project_id: projectId,
      branch,
      revision,
      ...range,
    }),
  );
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const taken = pending ?? next();
        pending = undefined;
        try {
          const { done, value } = await taken;
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          // Hosts may show what breaks a stream off to whoever reads it.
          parts.log('warn', 'snapshot.broken_off', { org, snapshot: id, message: String(error) });
          throw new Error('The download was broken off.', { cause: error });
        }
      },
      cancel: async () => {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}
