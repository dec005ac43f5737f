import type { Usage } from '../../../protocol/api/index.ts';
import type { Database } from '../../ports/database.ts';
import type { Caller } from '../caller.ts';
import { noId } from './recordUsage.ts';

interface SumRow {
  id: string;
  queries: number;
  tokens: number;
}

const sums = `coalesce(sum(events) FILTER (WHERE event_type = 'query'), 0) AS queries, sum(tokens) AS tokens`;

/** @param month as 2026-02; undefined: this one (UTC). */
export async function readUsage(database: Database, caller: Caller, month: string | undefined): Promise<Usage> {
  return database.withOrg(
    caller.org,
    async (tx) => {
      const { rows: totals } = await tx.query<{
        first: string;
        queries: number;
        tokens: number;
        storage_bytes: number;
      }>(
        `SELECT p.first, coalesce(u.queries, 0) AS queries, coalesce(u.tokens, 0) AS tokens,
           -- It stays what it was until something is stored or removed.
           coalesce((SELECT s.storage_bytes FROM usage_monthly s WHERE s.org_id = $1 AND s.month <= p.first
             AND s.storage_bytes IS NOT NULL ORDER BY s.month DESC LIMIT 1), 0) AS storage_bytes
         FROM (SELECT coalesce($2::date, date_trunc('month', now() AT TIME ZONE 'UTC')::date) AS first) p
         LEFT JOIN usage_monthly u ON u.org_id = $1 AND u.month = p.first`,
        [caller.org, month === undefined ? null : `${month}-01`],
      );
      const { first, ...total } = totals[0]!;
      const by = async (column: 'project_id' | 'api_key_id' | 'day'): Promise<SumRow[]> => {
        const { rows } = await tx.query<{ id: string; queries: string; tokens: string }>(
          `SELECT ${column} AS id, ${sums} FROM usage_daily
           WHERE org_id = $1 AND day >= $2::date AND day < $2::date + interval '1 month' GROUP BY 1 ORDER BY 1`,
          [caller.org, first],
        );
        // Sums of 64-bit numbers come as texts.
        return rows.map(({ id, queries, tokens }) => ({ id, queries: Number(queries), tokens: Number(tokens) }));
      };
      const named = (rows: SumRow[]): SumRow[] => rows.filter(({ id }) => id !== noId);
      return {
        month: first.slice(0, 7),
        plan: caller.plan,
        ...total,
        queries_limit: caller.limits.queriesPerMonth,
        projects: named(await by('project_id')).map(({ id, ...rest }) => ({ project_id: id, ...rest })),
        keys: named(await by('api_key_id')).map(({ id, ...rest }) => ({ key_id: id, ...rest })),
        days: (await by('day')).map(({ id, ...rest }) => ({ day: id, ...rest })),
      };
    },
    { readOnly: true },
  );
}
