import { BlobStoreError } from '../../ports/blobStore.ts';
import { DatabaseError } from '../../ports/database.ts';
import { EmbedderError } from '../../ports/embedder.ts';
import { orgId } from '../../ports/organization.ts';
import { VectorStoreError } from '../../ports/vectorStore.ts';
import { ApiError } from '../apiError.ts';
import { accountStorage } from './accountStorage.ts';
import { analyzeChanges } from './analyzeChanges.ts';
import { collectGarbage, purgeProject } from './collectGarbage.ts';
import { commitRevision } from './commitRevision.ts';
import { embedChanges } from './embedChanges.ts';
import { makeSnapshot } from '../snapshots/makeSnapshot.ts';
import { endJob } from './indexJobs.ts';
import type { IndexParts } from './indexParts.ts';
import { holdLease, leaseSeconds } from './jobLease.ts';
import { JobStopped, type RunningJob } from './runningJob.ts';

/** A job that was taken up so often and never got on takes its server down with it. */
const maxClaims = 30;
/** A fault of ours may be one of the moment; one of a store passes when the store is back. */
const maxFaults = 5;
const firstDelayMs = 500;
const mostDelayMs = 60_000;

interface ClaimedRow {
  id: string;
  org_id: string;
  project_id: string;
  branch: string;
  kind: RunningJob['kind'];
  api_key_id: string | null;
  base_revision: number | null;
  root_hash: string | null;
  claims: number;
  failures: number;
}

type Claimed = Omit<RunningJob, 'signal' | 'throwIfStopped'> & { claims: number; failures: number };

async function claim({ database }: IndexParts, worker: string): Promise<Claimed | undefined> {
  const [row] = await database.callGate<ClaimedRow>('claim_job', [worker, leaseSeconds]);
  if (row === undefined) return undefined;
  return {
    id: row.id,
    org: orgId(row.org_id),
    projectId: row.project_id,
    branch: row.branch,
    kind: row.kind,
    apiKeyId: row.api_key_id,
    baseRevision: row.base_revision,
    rootHash: row.root_hash,
    claims: row.claims,
    failures: row.failures,
    worker,
    startedAt: performance.now(),
  };
}

async function sync(parts: IndexParts, job: RunningJob): Promise<void> {
  await analyzeChanges(parts, job);
  await embedChanges(parts, job);
  job.throwIfStopped();
  await commitRevision(parts, job);
}

const works: Record<RunningJob['kind'], (parts: IndexParts, job: RunningJob) => Promise<void>> = {
  sync,
  collect: collectGarbage,
  purge: purgeProject,
  snapshot: makeSnapshot,
};

/** It may work later, without anybody's doing. */
function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.isUnavailable || error.isConflict;
  if (error instanceof ApiError) return error.code === 'unavailable';
  return (
    (error instanceof BlobStoreError || error instanceof VectorStoreError || error instanceof EmbedderError) &&
    error.isUnavailable
  );
}

function describe(error: unknown): { code: string; detail: string } {
  if (error instanceof ApiError) return { code: error.code, detail: error.message };
  const isStore =
    error instanceof DatabaseError ||
    error instanceof BlobStoreError ||
    error instanceof VectorStoreError ||
    error instanceof EmbedderError;
  if (isStore) return { code: 'unavailable', detail: `A service that this needs does not answer: ${error.name}.` };
  return { code: 'internal', detail: 'This is a fault of ours. Name the job when you report it.' };
}

/** Twice as long each time, and never the same for two jobs that failed together. */
const delayOf = (failures: number): number =>
  Math.min(mostDelayMs, firstDelayMs * 2 ** Math.min(failures, 20)) * (0.5 + Math.random() / 2);

async function tryLater({ database, metrics }: IndexParts, job: Claimed, error: unknown): Promise<void> {
  const { code, detail } = describe(error);
  const { org, id, worker, failures } = job;
  await database.withOrg(org, (tx) =>
    tx.query(
      `UPDATE index_jobs SET status = 'queued', worker = NULL, lease_until = NULL, claims = 0, failures = failures + 1,
         run_after = now() + make_interval(secs => $4), error_code = $5, error_detail = $6
       WHERE org_id = $1 AND id = $2 AND worker = $3 AND status = 'running'`,
      [org, id, worker, delayOf(failures) / 1000, code, detail],
    ),
  );
  metrics.jobEnded('tried_again');
}

async function finish(
  { database, metrics }: IndexParts,
  job: Claimed,
  end: Parameters<typeof endJob>[3],
): Promise<void> {
  const { org, id, worker } = job;
  const isOurs = await database.withOrg(org, async (tx) => {
    const { count } = await tx.query(
      `SELECT FROM index_jobs WHERE org_id = $1 AND id = $2 AND worker = $3 AND status = 'running' FOR UPDATE`,
      [org, id, worker],
    );
    if (count === 1) await endJob(tx, org, id, end);
    return count === 1;
  });
  if (isOurs) metrics.jobEnded(end.status);
}

async function giveBack({ database }: IndexParts, { org, id, worker }: Claimed): Promise<void> {
  await database.withOrg(org, (tx) =>
    tx.query(
      `UPDATE index_jobs SET status = 'queued', worker = NULL, lease_until = NULL, claims = greatest(claims - 1, 0)
       WHERE org_id = $1 AND id = $2 AND worker = $3 AND status = 'running'`,
      [org, id, worker],
    ),
  );
}

async function settle(parts: IndexParts, job: Claimed, error: unknown): Promise<void> {
  if (error instanceof JobStopped) {
    if (error.reason === 'cancelled') await finish(parts, job, { status: 'cancelled' });
    else if (error.reason === 'draining') await giveBack(parts, job);
    return;
  }
  const isPlanned = error instanceof ApiError && !isPassing(error);
  const isFault = !isPlanned && !isPassing(error);
  parts.log(isFault ? 'error' : 'warn', 'index.job_failed', {
    org: job.org,
    job: job.id,
    kind: job.kind,
    failures: job.failures + 1,
    ...describe(error),
    ...(error instanceof Error ? { message: error.message, stack: isFault ? error.stack : undefined } : {}),
  });
  if (isPlanned || (isFault && job.failures + 1 >= maxFaults)) {
    await finish(parts, job, { status: 'failed', error: describe(error) });
  } else await tryLater(parts, job, error);
}

async function run(parts: IndexParts, claimed: Claimed, stop: AbortSignal): Promise<void> {
  const lease = holdLease(parts.database, claimed, stop, parts.log);
  const job: RunningJob = { ...claimed, signal: lease.signal, throwIfStopped: lease.throwIfStopped };
  try {
    await works[job.kind](parts, job);
    await finish(parts, claimed, { status: 'succeeded' });
    await accountStorage(parts, job.org);
    parts.log('info', 'index.job_done', {
      org: job.org,
      job: job.id,
      kind: job.kind,
      ms: Math.round(performance.now() - job.startedAt),
    });
  } catch (error) {
    // What an abort of the signal made of the work is the stop itself.
    const cause: unknown = lease.signal.aborted ? lease.signal.reason : error;
    await settle(parts, claimed, cause);
  } finally {
    lease.end();
  }
}

/**
 * Takes up the next job that is due, whichever organization's, and does it.
 * @param stop aborted when the server is about to end: the job is given back before its next step
 * @returns whether there was one. @throws {DatabaseError} when it cannot even be written down how it went
 */
export async function workJob(parts: IndexParts, worker: string, stop: AbortSignal): Promise<boolean> {
  const claimed = await claim(parts, worker);
  if (claimed === undefined) return false;
  if (claimed.kind === 'sync') parts.metrics.indexOperation(claimed.org);
  if (claimed.claims > maxClaims) {
    parts.log('error', 'index.job_given_up', { org: claimed.org, job: claimed.id, claims: claimed.claims });
    await finish(parts, claimed, {
      status: 'failed',
      error: { code: 'internal', detail: 'Each try ended the server. Name the job when you report it.' },
    });
  } else await run(parts, claimed, stop);
  return true;
}
