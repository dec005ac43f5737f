import type { Database, Transaction } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import { JobStopped, type RunningJob, type StopReason } from './runningJob.ts';

/** A worker that is not heard of for so long is taken for dead: another one takes up its job. */
export const leaseSeconds = 20;
const heartbeatMs = 4_000;

export interface Progress {
  filesProcessed: number;
  chunksCreated: number;
}

const stillOurs = `org_id = $1 AND id = $2 AND worker = $3 AND status = 'running'`;

function stopIfAsked(rows: readonly { cancel_requested: boolean }[]): void {
  if (rows[0] === undefined) throw new JobStopped('lease_lost');
  if (rows[0].cancel_requested) throw new JobStopped('cancelled');
}

/** Shows how far a job is; it has got on, so whatever stopped it before was no fault of its own. @throws {JobStopped} */
export async function reportProgress(
  tx: Transaction,
  { org, id, worker }: RunningJob,
  { filesProcessed, chunksCreated }: Progress,
): Promise<void> {
  // Batches end in any order.
  const { rows } = await tx.query<{ cancel_requested: boolean }>(
    `UPDATE index_jobs SET lease_until = now() + make_interval(secs => $4),
       claims = CASE WHEN files_processed < $5 THEN 0 ELSE claims END,
       files_processed = greatest(files_processed, $5), chunks_created = greatest(chunks_created, $6)
     WHERE ${stillOurs} RETURNING cancel_requested`,
    [org, id, worker, leaseSeconds, filesProcessed, chunksCreated],
  );
  stopIfAsked(rows);
}

export interface Lease {
  signal: AbortSignal;
  readonly throwIfStopped: () => void;
  /** No more heartbeats. */
  end(): void;
}

/**
 * Keeps a job ours while it runs, and hears of it when it is to stop.
 * @param stop aborted when the server is about to end
 */
export function holdLease(
  database: Database,
  { org, id, worker }: Pick<RunningJob, 'org' | 'id' | 'worker'>,
  stop: AbortSignal,
  log: Log,
): Lease {
  const controller = new AbortController();
  const abort = (reason: StopReason): void => controller.abort(new JobStopped(reason));
  const onStop = (): void => abort('draining');
  const beat = async (): Promise<void> => {
    try {
      const { rows } = await database.withOrg(org, (tx) =>
        tx.query<{ cancel_requested: boolean }>(
          `UPDATE index_jobs SET lease_until = now() + make_interval(secs => $4) WHERE ${stillOurs}
           RETURNING cancel_requested`,
          [org, id, worker, leaseSeconds],
        ),
      );
      stopIfAsked(rows);
    } catch (error) {
      if (error instanceof JobStopped) abort(error.reason);
      // The next one may get through; if none does, the lease ends, and the last step of the job finds that out.
      else log('warn', 'index.heartbeat_missed', { org, job: id, message: String(error) });
    }
  };
  const timer = setInterval(() => void beat(), heartbeatMs);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  return {
    signal: controller.signal,
    throwIfStopped: () => controller.signal.throwIfAborted(),
    end: () => {
      clearInterval(timer);
      stop.removeEventListener('abort', onStop);
    },
  };
}
