import type { Query, Statement } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';

export interface UsageEvent {
  /** Of the request: an event that is written twice counts once. */
  id: string;
  keyId: string;
  type: 'query' | 'index' | 'sync';
  projectId: string | null;
  tokens: number;
  durationMs: number;
}

/** The zero UUID stands for none: parts of a primary key cannot be null. */
export const noId = '00000000-0000-0000-0000-000000000000';

const writeEvents: Statement = {
  name: 'usage.record',
  text: `WITH added AS (
     INSERT INTO usage_events (id, org_id, api_key_id, event_type, project_id, tokens_used, duration_ms)
     SELECT e.id, $1, e.api_key_id, e.event_type, e.project_id, e.tokens_used, e.duration_ms
     FROM jsonb_to_recordset($2::jsonb) AS e
       (id uuid, api_key_id uuid, event_type text, project_id uuid, tokens_used integer, duration_ms integer)
     ON CONFLICT (id) DO NOTHING
     RETURNING api_key_id, event_type, project_id, tokens_used, (created_at AT TIME ZONE 'UTC')::date AS day
   ), months AS (
     INSERT INTO usage_monthly AS m (org_id, month, queries, tokens)
     SELECT $1, date_trunc('month', day)::date, count(*) FILTER (WHERE event_type = 'query'), sum(tokens_used)
     FROM added GROUP BY 2
     ON CONFLICT (org_id, month) DO UPDATE SET queries = m.queries + excluded.queries, tokens = m.tokens + excluded.tokens
   ), days AS (
     INSERT INTO usage_daily AS d (org_id, day, project_id, api_key_id, event_type, events, tokens)
     SELECT $1, day, coalesce(project_id, $3::uuid), coalesce(api_key_id, $3::uuid), event_type, count(*), sum(tokens_used)
     FROM added GROUP BY 2, 3, 4, 5
     ON CONFLICT (org_id, day, project_id, api_key_id, event_type)
       DO UPDATE SET events = d.events + excluded.events, tokens = d.tokens + excluded.tokens
   )
   UPDATE api_keys SET last_used_at = now() WHERE org_id = $1 AND id IN (SELECT api_key_id FROM added)`,
};

/**
 * Writes events and what they add up to, in one statement: sums are of those events that were not there before, so that
 * they stay exact whatever is tried again.
 * @param write `tx.last` where nothing comes after it
 */
export async function recordUsage(write: Query, org: OrgId, events: readonly UsageEvent[]): Promise<void> {
  const rows = events.map(({ id, keyId, type, projectId, tokens, durationMs }) => ({
    id,
    api_key_id: keyId,
    event_type: type,
    project_id: projectId,
    tokens_used: tokens,
    duration_ms: Math.round(durationMs),
  }));
  await write(writeEvents, [org, JSON.stringify(rows), noId]);
}
