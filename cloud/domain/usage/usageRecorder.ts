import type { Database } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { recordUsage, type UsageEvent } from './recordUsage.ts';

export interface UsageRecorder {
  /**
   * Resolves when the event is in the database: a request that was answered is counted, whatever happens afterwards.
   * What comes in while a batch is being written makes up the next one, so that many requests cost few writes.
   */
  record(org: OrgId, event: UsageEvent): Promise<void>;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

interface Waiting {
  event: UsageEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export function openUsageRecorder(database: Database): UsageRecorder {
  const waiting = new Map<OrgId, Waiting[]>();
  const writing = new Map<OrgId, Promise<void>>();

  const writeAll = async (org: OrgId): Promise<void> => {
    for (let batch = waiting.get(org); batch !== undefined; batch = waiting.get(org)) {
      waiting.delete(org);
      const events = batch.map(({ event }) => event);
      try {
        await database.withOrg(org, (tx) => recordUsage(tx.last, org, events));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing.delete(org);
  };

  return {
    record: (org, event) =>
      new Promise<void>((resolve, reject) => {
        const batch = waiting.get(org);
        if (batch === undefined) waiting.set(org, [{ event, resolve, reject }]);
        else batch.push({ event, resolve, reject });
        if (!writing.has(org)) writing.set(org, writeAll(org));
      }),
    close: async () => {
      await Promise.all(writing.values());
    },
  };
}
