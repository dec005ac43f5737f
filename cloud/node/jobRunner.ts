import { randomUUID } from 'node:crypto';
import os from 'node:os';
import type { IndexParts } from '../domain/indexing/indexParts.ts';
import { workJob } from '../domain/indexing/workJob.ts';
import { orgId } from '../ports/organization.ts';

export interface JobRunnerOptions {
  parts: Omit<IndexParts, 'wakeWorkers'>;
  /** Jobs at once; 0: this server takes up none. */
  workers: number;
  /** Nobody else can be at work on this database: what was running has died with its server. */
  isAlone: boolean;
}

export interface JobRunner {
  /** A job may be due: looks at once. */
  readonly wake: () => void;
  /** Takes up no more; those that run end with their step, and are given back to be gone on with. */
  drain(): Promise<void>;
}

/** Another server may have left a job, and a time to try one again may have come. */
const pollMs = 1_000;
/** The database did not answer. */
const afterFaultMs = 3_000;
const storageMs = 300_000;

/** Workers of the index inside this process. */
export async function startJobRunner({ parts, workers, isAlone }: JobRunnerOptions): Promise<JobRunner> {
  const { database, log, metrics } = parts;
  const name = `${os.hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const stop = new AbortController();
  const sleepers = new Set<() => void>();
  let wakes = 0;

  const wake = (): void => {
    wakes++;
    for (const wakeUp of sleepers) wakeUp();
  };

  /** Until somebody wakes it, or the time is up. */
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const wakeUp = (): void => {
        clearTimeout(timer);
        sleepers.delete(wakeUp);
        resolve();
      };
      const timer = setTimeout(wakeUp, ms);
      sleepers.add(wakeUp);
    });

  const work = async (slot: number): Promise<void> => {
    const indexParts: IndexParts = { ...parts, wakeWorkers: wake };
    while (!stop.signal.aborted) {
      const before = wakes;
      try {
        const found = await workJob(indexParts, `${name}/${slot}`, stop.signal);
        if (!found && wakes === before && !stop.signal.aborted) await sleep(pollMs);
      } catch (error) {
        log('error', 'index.worker_failed', {
          message: error instanceof Error ? error.message : String(error),
        });
        if (!stop.signal.aborted) await sleep(afterFaultMs);
      }
    }
  };

  const showStorage = async (): Promise<void> => {
    try {
      const rows = await database.callGate<{ org_id: string; storage_bytes: number }>('storage_of_organizations', []);
      for (const { org_id, storage_bytes } of rows) metrics.storage(orgId(org_id), storage_bytes);
    } catch (error) {
      log('warn', 'index.storage_unknown', { message: error instanceof Error ? error.message : String(error) });
    }
  };

  if (isAlone) await database.callGate('release_jobs', []);
  await showStorage();
  const timer = setInterval(() => void showStorage(), storageMs);
  const running = Array.from({ length: workers }, (_, slot) => work(slot));
  return {
    wake,
    drain: async () => {
      clearInterval(timer);
      stop.abort();
      wake();
      await Promise.all(running);
    },
  };
}
