import { DatabaseError } from '../../ports/database.ts';
import type { JobQueue } from '../../ports/metrics.ts';
import { inTime } from '../inTime.ts';
import type { IndexParts } from './indexParts.ts';

/** A database that is silent is told of by its own measure; whoever asks for measures does not wait for it. */
const timeoutMs = 2_000;

async function readQueue(database: IndexParts['database']): Promise<JobQueue> {
  const [row] = await database.callGate<Omit<JobQueue, 'oldestSeconds'> & { oldest_seconds: number }>('job_queue', []);
  const { waiting, running, later, oldest_seconds: oldestSeconds } = row!;
  return { waiting, running, later, oldestSeconds };
}

/** Looks how many jobs wait, for the measures. */
export async function measureJobs({ database, metrics }: Pick<IndexParts, 'database' | 'metrics'>): Promise<void> {
  const queue = readQueue(database).catch((error: unknown) => {
    if (error instanceof DatabaseError) return undefined;
    throw error;
  });
  metrics.jobQueue(await inTime(queue, timeoutMs));
}
