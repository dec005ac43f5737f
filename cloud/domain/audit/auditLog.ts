import type { AuditEntry } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import type { Caller } from '../caller.ts';
import { decodeCursor, toPage, type Page, type PageRequest } from '../paging.ts';

/** What is written down for good: who may do what, and what was made or ended. */
export type AuditAction =
  | 'organization.found'
  | 'organization.rename'
  | 'organization.plan'
  | 'organization.transfer'
  | 'member.invite'
  | 'member.uninvite'
  | 'member.join'
  | 'member.role'
  | 'member.remove'
  | 'key.create'
  | 'key.rotate'
  | 'key.revoke'
  | 'session.create'
  | 'project.create'
  | 'project.update'
  | 'project.delete'
  | 'snapshot.export';

/** Null: the operator of the platform. */
export type Actor = Pick<Caller, 'keyId' | 'user'> | null;

/** In the transaction of what it tells of, so that neither is there without the other. */
export async function writeAudit(
  tx: Transaction,
  org: OrgId,
  actor: Actor,
  action: AuditAction,
  target: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  await tx.query(
    `INSERT INTO audit_log (org_id, actor_key_id, actor_user_id, action, target, details)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [org, actor?.keyId ?? null, actor?.user?.id ?? null, action, target, JSON.stringify(details)],
  );
}

interface AuditRow {
  id: number;
  at: Date;
  actor_key_id: string | null;
  actor_user_id: string | null;
  action: string;
  target: string;
  details: Record<string, unknown>;
}

/** Newest first. */
export async function listAudit(database: Database, org: OrgId, page: PageRequest): Promise<Page<AuditEntry>> {
  const before = decodeCursor('audit', page.cursor, (text) => /^\d{1,15}$/.test(text));
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<AuditRow>(
        `SELECT id, at, actor_key_id, actor_user_id, action, target, details FROM audit_log
         WHERE org_id = $1 AND ($2::bigint IS NULL OR id < $2::bigint) ORDER BY id DESC LIMIT $3`,
        [org, before, page.limit + 1],
      ),
    { readOnly: true },
  );
  return toPage(
    'audit',
    rows,
    page.limit,
    ({ id }) => String(id),
    ({ id, at, actor_key_id, actor_user_id, action, target, details }) => ({
      id,
      at: at.toISOString(),
      actor: { key_id: actor_key_id, user_id: actor_user_id },
      action,
      target,
      details,
    }),
  );
}
