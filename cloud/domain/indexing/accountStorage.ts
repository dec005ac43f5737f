import type { OrgId } from '../../ports/organization.ts';
import type { IndexParts } from './indexParts.ts';

const bytesOfFloat = 4;

/** Counts what an organization keeps (texts, records, vectors and snapshots) and writes it down for its usage. */
export async function accountStorage({ database, metrics, vectors }: IndexParts, org: OrgId): Promise<void> {
  const bytes = await database.withOrg(
    org,
    async (tx) => {
      const { rows } = await tx.query<{ bytes: number }>(
        `SELECT (SELECT coalesce(sum(bytes), 0) FROM file_contents WHERE org_id = $1 AND is_stored)::bigint
           + (SELECT coalesce(sum(bytes), 0) FROM file_records WHERE org_id = $1)::bigint
           + (SELECT coalesce(sum(bytes), 0) FROM snapshots WHERE org_id = $1)::bigint
           + (SELECT count(*) FROM chunk_vectors WHERE org_id = $1 AND is_stored) * $2::bigint AS bytes`,
        [org, vectors.dimensions * bytesOfFloat],
      );
      await tx.query(
        `INSERT INTO usage_monthly (org_id, month, storage_bytes)
         VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $2)
         ON CONFLICT (org_id, month) DO UPDATE SET storage_bytes = excluded.storage_bytes`,
        [org, rows[0]!.bytes],
      );
      return rows[0]!.bytes;
    },
    { timeoutMs: 60_000 },
  );
  metrics.storage(org, bytes);
}
