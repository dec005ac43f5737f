import type { OrgId } from '../../ports/organization.ts';

export type StopReason = 'cancelled' | 'lease_lost' | 'draining';

/** The job goes no further; nothing of it is visible. */
export class JobStopped extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`the job has stopped: ${reason}`);
    this.name = 'JobStopped';
    this.reason = reason;
  }
}

/** A job that this server has taken up. */
export interface RunningJob {
  id: string;
  org: OrgId;
  projectId: string;
  branch: string;
  kind: 'sync' | 'collect' | 'purge' | 'snapshot';
  apiKeyId: string | null;
  baseRevision: number | null;
  rootHash: string | null;
  worker: string;
  startedAt: number;
  /** Aborted when it is to stop. */
  signal: AbortSignal;
  /** @throws {JobStopped} */
  readonly throwIfStopped: () => void;
}
