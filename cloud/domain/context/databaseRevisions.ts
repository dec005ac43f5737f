import type { ChunkedBy, FileRole } from '../../../core/model.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { readPlace } from './branchOfProject.ts';
import type { FileRow, ListedFile, Revision, RevisionSource } from './contextPorts.ts';

/** A large project is read within so long. */
const patienceMs = 120_000;
/** Of one query: some megabytes. */
const recordsAtOnce = 500;

/** The revision that is current; undefined where there is none. Without a branch: of the one indexed last. */
async function readRevision(
  tx: Transaction,
  org: OrgId,
  projectId: string,
  branch: string | undefined,
): Promise<Revision | undefined> {
  return (await readPlace(tx.query, org, projectId, branch))?.revision;
}

type RecordRow = Omit<FileRow, keyof ListedFile> & { recordKey: string; chunkedBy: ChunkedBy; role: FileRole };

async function readRows(tx: Transaction, org: OrgId, files: readonly ListedFile[]): Promise<FileRow[]> {
  const found: FileRow[] = [];
  for (let at = 0; at < files.length; at += recordsAtOnce) {
    const slice = files.slice(at, at + recordsAtOnce);
    const { rows } = await tx.query<RecordRow>(
      `SELECT key AS "recordKey", language, role, chunked_by AS "chunkedBy", line_count AS "lineCount", chunks, symbols,
         links, words, digests
       FROM file_records WHERE org_id = $1 AND key = ANY($2::text[])`,
      [org, slice.map(({ recordKey }) => recordKey)],
    );
    const records = new Map(rows.map((row) => [row.recordKey, row]));
    for (const file of slice) {
      const record = records.get(file.recordKey);
      if (record !== undefined) found.push({ ...record, ...file });
    }
  }
  return found;
}

const mostAttempts = 5;

/**
 * A revision and its files. Each statement sees what was committed before it, and a revision replaces its files in one
 * transaction: they belong together where the revision is the same before and after them. Records stay as they are.
 */
async function readFiles(
  tx: Transaction,
  org: OrgId,
  projectId: string,
  branch: string,
): Promise<{ revision: Revision; files: ListedFile[] } | undefined> {
  for (let attempt = 1; ; attempt++) {
    const before = await readRevision(tx, org, projectId, branch);
    if (before === undefined) return undefined;
    const { rows: files } = await tx.query<ListedFile>(
      `SELECT file_path AS path, content_hash AS "contentHash", record_key AS "recordKey"
       FROM indexed_files WHERE org_id = $1 AND project_id = $2 AND branch = $3 AND skip_reason IS NULL
       ORDER BY file_path`,
      [org, projectId, branch],
    );
    const revision = await readRevision(tx, org, projectId, branch);
    if (revision?.number === before.number) return { revision, files };
    if (attempt === mostAttempts)
      throw new ApiError('unavailable', 'The index changes faster than it can be read.', { retryAfterMs: 1_000 });
  }
}

/** Revisions in the tables of the index service. */
export function databaseRevisions(database: Database): RevisionSource {
  return {
    current: (org, projectId, branch) =>
      database.withOrg(org, (tx) => readRevision(tx, org, projectId, branch), { readOnly: true }),
    read: (org, projectId, branch, knownRecords) =>
      database.withOrg(
        org,
        async (tx) => {
          const found = await readFiles(tx, org, projectId, branch);
          if (found === undefined) return undefined;
          const lacking = found.files.filter(({ recordKey }) => !knownRecords.has(recordKey));
          return { ...found, rows: await readRows(tx, org, lacking) };
        },
        { readOnly: true, timeoutMs: patienceMs },
      ),
  };
}
