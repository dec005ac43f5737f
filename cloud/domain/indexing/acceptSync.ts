import type { IndexJob, IndexState, IndexSync } from '../../../protocol/api/index.ts';
import type { Transaction } from '../../ports/database.ts';
import { ApiError, type InputFault } from '../apiError.ts';
import type { Caller } from '../caller.ts';
import { findProject } from '../projects/manageProjects.ts';
import { readHead, recordKeySql, toState, type Branch, type BranchHead } from './branchHead.ts';
import { checkPaths, FaultList } from './filePaths.ts';
import { readJob } from './indexJobs.ts';
import type { IndexParts } from './indexParts.ts';
import { expectRows } from './manyRows.ts';
import { readContent } from './receiveContents.ts';
import { rootHashOf, type ManifestEntry } from './rootHash.ts';
import { storeContents, type ContentPlace, type NewContent } from './storedContents.ts';

export type SyncOutcome = { kind: 'state'; state: IndexState } | { kind: 'job'; job: IndexJob };

/** What a sync wants of a branch. */
type Wish =
  /** To know whether it is at this root hash. */
  | { kind: 'compare' }
  /** These files, and no others. */
  | { kind: 'whole'; files: readonly ManifestEntry[] }
  /** These files besides what there is, and not those. */
  | { kind: 'changes'; files: readonly ManifestEntry[]; deletions: readonly string[] };

interface Request {
  wish: Wish;
  rootHash: string | null;
  baseRevision: number | null;
  /** Texts that came with the request. */
  contents: readonly NewContent[];
}

async function readFiles(
  files: NonNullable<IndexSync['files']>,
  faults: FaultList,
): Promise<{ entries: ManifestEntry[]; contents: NewContent[] }> {
  const entries: ManifestEntry[] = [];
  const contents: NewContent[] = [];
  for (const [index, { path, content, encoding, hash }] of files.entries()) {
    const place = `body.files.${index}`;
    if (content === undefined) {
      if (hash === undefined) faults.add(place, 'needs a content, or the hash of one');
      else entries.push({ path, hash });
      continue;
    }
    const read = await readContent({ content, encoding, hash }, place, faults);
    if (read === undefined) continue;
    entries.push({ path, hash: read.hash });
    contents.push(read);
  }
  return { entries, contents };
}

/** @throws {ApiError} invalid_input */
async function readRequest(body: IndexSync): Promise<Request> {
  const { manifest, files, deletions, root_hash: rootHash = null, base_revision: baseRevision = null } = body;
  const faults = new FaultList();
  const common = { rootHash, baseRevision };
  if (manifest !== undefined) {
    if (files !== undefined || deletions !== undefined) {
      faults.add('body', 'has a manifest, which says all, and files or deletions besides');
    }
    if (baseRevision === null) faults.add('body.base_revision', 'is missing: a manifest is made for a revision');
    checkPaths([{ place: 'body.manifest', paths: manifest.map(({ path }) => path) }], faults);
    faults.throwIfAny('POST /v1/index/diff tells the revision, and which contents are lacking.');
    const actual = await rootHashOf(manifest);
    if (rootHash !== null && rootHash !== actual)
      faults.add('body.root_hash', `is not that of the manifest: ${actual}`);
    faults.throwIfAny();
    return { ...common, rootHash: actual, wish: { kind: 'whole', files: manifest }, contents: [] };
  }
  if (files === undefined && deletions === undefined) {
    if (rootHash === null) faults.add('body', 'needs a root_hash, a manifest, or files and deletions');
    faults.throwIfAny();
    return { ...common, wish: { kind: 'compare' }, contents: [] };
  }
  const gone = deletions ?? [];
  const lists = [
    { place: 'body.files', paths: (files ?? []).map(({ path }) => path) },
    { place: 'body.deletions', paths: gone },
  ];
  checkPaths(lists, faults);
  const { entries, contents } = await readFiles(files ?? [], faults);
  faults.throwIfAny();
  return { ...common, wish: { kind: 'changes', files: entries, deletions: gone }, contents };
}

const moved = (base: number, head: number): ApiError =>
  new ApiError('conflict', `The branch is at revision ${head}, and no longer at ${base}.`, {
    hint: 'Ask POST /v1/index/diff again, and send the sync for the revision that it names.',
  });

const busy = (jobId: string): ApiError =>
  new ApiError('conflict', 'Another sync of this branch is not done yet.', {
    hint: `Wait for job ${jobId}, then ask POST /v1/index/diff again.`,
    retryAfterMs: 1_000,
  });

/** The newest open job of the branch. */
async function openJob(tx: Transaction, { org, projectId, branch }: Branch): Promise<string | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    `SELECT id FROM index_jobs WHERE org_id = $1 AND project_id = $2 AND branch = $3 AND kind = 'sync'
       AND status IN ('queued', 'running') ORDER BY number DESC LIMIT 1`,
    [org, projectId, branch],
  );
  return rows[0]?.id;
}

const keyOfFile = recordKeySql('$3', 'm.hash', 'm.path');

/** Only what differs from the branch as it is, unless somebody else is changing it just now. */
const addFilesSql = `
  INSERT INTO index_job_changes (org_id, job_id, file_path, content_hash, record_key)
  SELECT $1, $2, m.path, m.hash, ${keyOfFile}
  FROM unnest($4::text[], $5::text[]) AS m (path, hash)
  LEFT JOIN indexed_files f ON f.project_id = $6 AND f.branch = $7 AND f.file_path = m.path COLLATE "C"
  WHERE $8 OR f.record_key IS DISTINCT FROM ${keyOfFile}`;

const addDeletionsSql = `
  INSERT INTO index_job_changes (org_id, job_id, file_path)
  SELECT $1, $2, m.path FROM unnest($3::text[]) AS m (path)
  WHERE $6 OR EXISTS (SELECT FROM indexed_files f
    WHERE f.project_id = $4 AND f.branch = $5 AND f.file_path = m.path COLLATE "C")`;

const addMissingSql = `
  INSERT INTO index_job_changes (org_id, job_id, file_path)
  SELECT $1, $2, f.file_path FROM indexed_files f
  WHERE f.project_id = $4 AND f.branch = $5
    AND NOT EXISTS (SELECT FROM unnest($3::text[]) AS m (path) WHERE m.path COLLATE "C" = f.file_path)`;

/** Files that another version of the analysis had been at. */
const addOutdatedSql = `
  INSERT INTO index_job_changes (org_id, job_id, file_path, content_hash, record_key)
  SELECT $1, $2, f.file_path, f.content_hash, ${recordKeySql('$3', 'f.content_hash', 'f.file_path')}
  FROM indexed_files f WHERE f.project_id = $4 AND f.branch = $5
    AND f.record_key <> ${recordKeySql('$3', 'f.content_hash', 'f.file_path')}`;

interface Draft {
  at: Branch;
  jobId: string;
  version: string;
  wish: Wish;
  /** Nothing may be left out for being as it is. */
  isComplete: boolean;
}

/** How many files it names; of a wish that names none, all may be changed. */
const sizeOf = (wish: Wish): number =>
  wish.kind === 'compare' ? Infinity : wish.files.length + (wish.kind === 'changes' ? wish.deletions.length : 0);

/** @returns how many files it changes. */
async function addChanges(tx: Transaction, { at, jobId, version, wish, isComplete }: Draft): Promise<number> {
  const { org, projectId, branch } = at;
  await expectRows(tx, sizeOf(wish));
  if (wish.kind === 'compare') {
    return (await tx.query(addOutdatedSql, [org, jobId, version, projectId, branch])).count;
  }
  const paths = wish.files.map(({ path }) => path);
  const hashes = wish.files.map(({ hash }) => hash);
  const added = await tx.query(addFilesSql, [org, jobId, version, paths, hashes, projectId, branch, isComplete]);
  const removed =
    wish.kind === 'whole'
      ? await tx.query(addMissingSql, [org, jobId, paths, projectId, branch])
      : await tx.query(addDeletionsSql, [org, jobId, wish.deletions, projectId, branch, isComplete]);
  return added.count + removed.count;
}

const maxNamed = 20;

class ContentsLacking extends ApiError {
  constructor(readonly missing: readonly { path: string; hash: string }[]) {
    super('conflict', `Contents are lacking, as that of ${JSON.stringify(missing[0]!.path)}.`, {
      hint: 'POST /v1/index/diff names all that are lacking; POST /v1/index/contents takes them.',
      faults: missing
        .slice(0, maxNamed)
        .map(({ path, hash }): InputFault => ({ path, message: `lacks its content ${hash}` })),
    });
  }
}

/** Contents that are needed are kept from now on. @throws {ContentsLacking} */
async function holdContents(tx: Transaction, { org, projectId }: Branch, jobId: string): Promise<void> {
  const { rows } = await tx.query<{ path: string; hash: string }>(
    `WITH needed AS (
       SELECT content_hash AS hash, min(file_path) AS path FROM index_job_changes
       WHERE org_id = $1 AND job_id = $2 AND content_hash IS NOT NULL GROUP BY 1
     ), touched AS (
       UPDATE file_contents c SET touched_at = now() FROM needed n
       WHERE c.org_id = $1 AND c.project_id = $3 AND c.content_hash = n.hash AND c.is_stored
       RETURNING c.content_hash AS hash
     )
     SELECT path, hash FROM needed WHERE hash NOT IN (SELECT hash FROM touched) ORDER BY path`,
    [org, jobId, projectId],
  );
  if (rows.length > 0) throw new ContentsLacking(rows);
}

const insertJobSql = `
  INSERT INTO index_jobs (org_id, project_id, branch, kind, api_key_id, base_revision, root_hash)
  VALUES ($1, $2, $3, 'sync', $4, $5, $6) RETURNING id`;

/** Undefined where nothing is to be done. */
async function makeJob(
  tx: Transaction,
  parts: IndexParts,
  caller: Caller,
  at: Branch,
  { wish, rootHash, baseRevision }: Request,
  head: BranchHead | undefined,
): Promise<IndexJob | undefined> {
  const open = await openJob(tx, at);
  const current = head?.revision ?? 0;
  if (baseRevision !== null && baseRevision !== current) throw moved(baseRevision, current);
  if (open !== undefined && (baseRevision !== null || wish.kind === 'compare')) throw busy(open);
  const base = wish.kind === 'compare' ? current : baseRevision;
  const { rows } = await tx.query<{ id: string }>(insertJobSql, [
    at.org,
    at.projectId,
    at.branch,
    caller.keyId,
    base,
    rootHash,
  ]);
  const jobId = rows[0]!.id;
  const isComplete = open !== undefined;
  const count = await addChanges(tx, { at, jobId, version: parts.analyzer.version, wish, isComplete });
  if (count === 0 && head !== undefined && !isComplete) {
    await tx.query('DELETE FROM index_jobs WHERE org_id = $1 AND id = $2', [at.org, jobId]);
    return undefined;
  }
  await holdContents(tx, at, jobId);
  await tx.query('UPDATE index_jobs SET files_total = $3 WHERE org_id = $1 AND id = $2', [at.org, jobId, count]);
  return readJob(tx, at.org, jobId);
}

const storeTries = 3;

/**
 * Stores what came with a request and does `work` that names it. What nothing names yet may be removed as garbage in
 * between, where garbage is removed at once: it is stored again then.
 */
async function withContents<T>(
  parts: IndexParts,
  place: ContentPlace,
  contents: readonly NewContent[],
  work: () => Promise<T>,
): Promise<T> {
  const sent = new Set(contents.map(({ hash }) => hash));
  for (let tries = 1; ; tries++) {
    await storeContents(parts, place, contents);
    try {
      return await work();
    } catch (error) {
      const isOurs = error instanceof ContentsLacking && error.missing.every(({ hash }) => sent.has(hash));
      if (!isOurs || tries === storeTries) throw error;
    }
  }
}

/**
 * Takes up a sync: says that there is nothing to do, or makes a job of it. A sync for a revision is refused when the
 * branch has moved on, or is being moved; one without is done after those before it.
 * @throws {ApiError} invalid_input, not_found, project_not_allowed, conflict
 */
export async function acceptSync(
  parts: IndexParts,
  caller: Caller,
  body: IndexSync,
): Promise<SyncOutcome & { projectId: string }> {
  const { org } = caller;
  const { branch } = body;
  const request = await readRequest(body);
  const { wish, rootHash } = request;
  const found = await parts.database.withOrg(
    org,
    async (tx) => {
      const { id: projectId } = await findProject(tx, caller, body.project_id);
      return { projectId, head: await readHead(tx, { org, projectId, branch }) };
    },
    { readOnly: true },
  );
  const { projectId } = found;
  const isSame = found.head !== undefined && found.head.rootHash === rootHash;
  const isFresh = found.head?.analysisVersion === parts.analyzer.version;
  if (wish.kind !== 'changes' && isSame && isFresh) {
    return { kind: 'state', state: toState(found.head, 'unchanged'), projectId };
  }
  if (wish.kind === 'compare' && !isSame) return { kind: 'state', state: toState(found.head, 'outdated'), projectId };
  const outcome = await withContents(parts, { org, projectId }, request.contents, () =>
    parts.database.withOrg(
      org,
      async (tx): Promise<SyncOutcome> => {
        // One after the other: each sees the jobs of those before it.
        await findProject(tx, caller, projectId, 'FOR NO KEY UPDATE');
        const at = { org, projectId, branch };
        const head = await readHead(tx, at);
        const job = await makeJob(tx, parts, caller, at, request, head);
        return job === undefined ? { kind: 'state', state: toState(head, 'unchanged') } : { kind: 'job', job };
      },
      { timeoutMs: 60_000 },
    ),
  );
  if (outcome.kind === 'job') parts.wakeWorkers();
  return { ...outcome, projectId };
}
