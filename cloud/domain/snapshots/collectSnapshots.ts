import { snapshotsFolder, type IndexParts } from '../indexing/indexParts.ts';
import type { RunningJob } from '../indexing/runningJob.ts';

/** That it failed is told for so long. */
const failedFor = '1 day';

const isOpen = `EXISTS (SELECT FROM index_jobs j
  WHERE j.org_id = s.org_id AND j.id = s.job_id AND j.status IN ('queued', 'running'))`;

/** Those that were replaced or deleted, and those that will never be ready. */
const removeSql = `
  DELETE FROM snapshots s WHERE s.org_id = $1 AND s.project_id = $2 AND NOT ${isOpen}
    AND (s.delete_after <= now() OR s.ready_at IS NULL AND s.created_at < now() - interval '${failedFor}')`;

const livingSql = `
  SELECT s.id, s.folder FROM snapshots s
  WHERE s.org_id = $1 AND s.project_id = $2 AND (s.ready_at IS NOT NULL OR ${isOpen})`;

interface LivingRow {
  id: string;
  /** Null: it is being made, and each of its folders may be the one. */
  folder: string | null;
}

/** Removes snapshots that are over, and every blob that is no part of one, wherever it came from. */
export async function collectSnapshots({ database, blobs }: IndexParts, job: RunningJob): Promise<void> {
  const { org, projectId } = job;
  const folder = snapshotsFolder(projectId);
  await database.withOrg(org, (tx) => tx.query(removeSql, [org, projectId]));
  for (let after: string | null = ''; after !== null;) {
    job.throwIfStopped();
    // Blobs first: each was written after its row, so that a row which is not there by now is gone.
    const page = await blobs.list(org, folder, after === '' ? {} : { after });
    const { rows } = await database.withOrg(org, (tx) => tx.query<LivingRow>(livingSql, [org, projectId]), {
      readOnly: true,
    });
    const living = new Map(rows.map((row) => [row.id, row.folder]));
    const unused = page.blobs.filter(({ path }) => {
      const [id, attempt] = path.slice(folder.length).split('/');
      const kept = living.get(id!);
      return kept === undefined || (kept !== null && kept !== attempt);
    });
    if (unused.length > 0) {
      await blobs.delete(
        org,
        unused.map(({ path }) => path),
      );
    }
    after = page.next;
  }
}
