import type { ApiKey, CreateApiKey, NewApiKey, Scope } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { isUuid } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit, type Actor } from '../audit/auditLog.ts';
import { sha256 } from '../bytes.ts';
import type { Caller } from '../caller.ts';
import { decodeCursor, toPage, type Page, type PageRequest } from '../paging.ts';
import { makeKey, parseKey, type Environment } from './keyFormat.ts';

interface KeyRow {
  id: string;
  name: string;
  key_prefix: string;
  scopes: Scope[];
  project_ids: string[];
  requests_per_minute: number | null;
  user_id: string | null;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
}

const columns =
  'id, name, key_prefix, scopes, project_ids, requests_per_minute, user_id, last_used_at, expires_at, revoked_at, created_at';

const isoOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

const toApiKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  prefix: `ck_${row.key_prefix}`,
  scopes: row.scopes,
  project_ids: row.project_ids,
  requests_per_minute: row.requests_per_minute,
  user_id: row.user_id,
  last_used_at: isoOrNull(row.last_used_at),
  expires_at: isoOrNull(row.expires_at),
  revoked_at: isoOrNull(row.revoked_at),
  created_at: row.created_at.toISOString(),
});

const keyNotFound = (): ApiError =>
  new ApiError('not_found', 'There is no such key in this organization.', { hint: 'GET /v1/api-keys lists them.' });

export type KeyContent = Omit<CreateApiKey, 'expires_at'> & { expires_at: string | null; user_id?: string | null };

/** Makes a key in the transaction at hand. @returns it with its text, which is nowhere kept. */
export async function insertKey(
  tx: Transaction,
  org: OrgId,
  environment: Environment,
  content: KeyContent,
): Promise<NewApiKey> {
  const key = makeKey(environment);
  const { rows } = await tx.query<KeyRow>(
    `INSERT INTO api_keys (org_id, name, key_hash, key_prefix, scopes, project_ids, requests_per_minute, user_id, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6::uuid[], $7, $8, $9::timestamptz) RETURNING ${columns}`,
    [
      org,
      content.name,
      await sha256(key),
      parseKey(key)!.prefix,
      JSON.stringify([...new Set(content.scopes)]),
      [...new Set(content.project_ids)],
      content.requests_per_minute,
      content.user_id ?? null,
      content.expires_at,
    ],
  );
  return { ...toApiKey(rows[0]!), key };
}

/** By the clock that keys expire by: those of servers differ. @throws {ApiError} */
async function checkExpiry(tx: Transaction, expiresAt: string | null): Promise<void> {
  if (expiresAt === null) return;
  const { rows } = await tx.query<{ is_past: boolean }>('SELECT $1::timestamptz <= now() AS is_past', [expiresAt]);
  if (!rows[0]!.is_past) return;
  const faults = [{ path: 'body.expires_at', message: 'must lie in the future' }];
  throw new ApiError('invalid_input', 'The key would be expired from the beginning.', { faults });
}

/** Keys name projects of their own organization, and none that does not exist. @throws {ApiError} */
async function checkProjects(tx: Transaction, org: OrgId, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { rows } = await tx.query<{ id: string }>(
    'SELECT id FROM projects WHERE org_id = $1 AND id = ANY($2::uuid[])',
    [org, ids],
  );
  const known = new Set(rows.map(({ id }) => id));
  const faults = ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `body.project_ids.${index}`, message: 'is not a project of this organization' }],
  );
  if (faults.length === 0) return;
  throw new ApiError('not_found', 'Some projects do not exist.', { faults, hint: 'GET /v1/projects lists them.' });
}

export async function createKey(
  database: Database,
  caller: Caller,
  environment: Environment,
  content: CreateApiKey,
): Promise<NewApiKey> {
  if (content.project_ids.length > 0 && content.scopes.includes('org:admin')) {
    const faults = [{ path: 'body.project_ids', message: 'must be empty for a key with org:admin' }];
    throw new ApiError('invalid_input', 'A key with org:admin is for the whole organization.', { faults });
  }
  return database.withOrg(caller.org, async (tx) => {
    await checkExpiry(tx, content.expires_at);
    await checkProjects(tx, caller.org, content.project_ids);
    const made = await insertKey(tx, caller.org, environment, content);
    await writeAudit(tx, caller.org, caller, 'key.create', `key:${made.id}`, {
      name: made.name,
      scopes: made.scopes,
      project_ids: made.project_ids,
    });
    return made;
  });
}

/** In the order they were made, revoked ones included. */
export async function listKeys(database: Database, org: OrgId, page: PageRequest): Promise<Page<ApiKey>> {
  const after = decodeCursor('keys', page.cursor, isUuid);
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<KeyRow>(
        `SELECT ${columns} FROM api_keys
         WHERE org_id = $1 AND ($2::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM api_keys WHERE id = $2::uuid))
         ORDER BY created_at, id LIMIT $3`,
        [org, after, page.limit + 1],
      ),
    { readOnly: true },
  );
  return toPage('keys', rows, page.limit, ({ id }) => id, toApiKey);
}

export async function getKey(database: Database, org: OrgId, id: string): Promise<ApiKey> {
  const { rows } = await database.withOrg(
    org,
    (tx) => tx.query<KeyRow>(`SELECT ${columns} FROM api_keys WHERE org_id = $1 AND id = $2`, [org, id]),
    { readOnly: true },
  );
  if (rows[0] === undefined) throw keyNotFound();
  return toApiKey(rows[0]);
}

/** Nothing is changed for one that was revoked before. @throws {ApiError} not_found */
export async function revokeKey(database: Database, org: OrgId, actor: Actor, id: string): Promise<void> {
  await database.withOrg(org, async (tx) => {
    const { rows } = await tx.query<{ was: Date | null; name: string }>(
      'SELECT revoked_at AS was, name FROM api_keys WHERE org_id = $1 AND id = $2 FOR UPDATE',
      [org, id],
    );
    const row = rows[0];
    if (row === undefined) throw keyNotFound();
    if (row.was !== null) return;
    await tx.query('UPDATE api_keys SET revoked_at = now() WHERE org_id = $1 AND id = $2', [org, id]);
    await writeAudit(tx, org, actor, 'key.revoke', `key:${id}`, { name: row.name });
  });
}

/**
 * A new key that may do what the old one may; the old one ends, at once or after `graceSeconds`.
 * @throws {ApiError} not_found; conflict for a key that is revoked or expired.
 */
export async function rotateKey(
  database: Database,
  caller: Caller,
  environment: Environment,
  id: string,
  graceSeconds: number,
): Promise<NewApiKey> {
  return database.withOrg(caller.org, async (tx) => {
    const { rows } = await tx.query<KeyRow & { has_ended: boolean }>(
      `SELECT ${columns}, revoked_at IS NOT NULL OR coalesce(expires_at <= now(), false) AS has_ended
       FROM api_keys WHERE org_id = $1 AND id = $2 FOR UPDATE`,
      [caller.org, id],
    );
    const old = rows[0];
    if (old === undefined) throw keyNotFound();
    if (old.has_ended) {
      throw new ApiError('conflict', 'This key has ended; there is nothing to rotate.', { hint: 'Make a new key.' });
    }
    const made = await insertKey(tx, caller.org, environment, { ...old, expires_at: isoOrNull(old.expires_at) });
    if (graceSeconds === 0) {
      await tx.query('UPDATE api_keys SET revoked_at = now() WHERE org_id = $1 AND id = $2', [caller.org, id]);
    } else {
      await tx.query(
        `UPDATE api_keys SET expires_at = least(expires_at, now() + make_interval(secs => $3))
         WHERE org_id = $1 AND id = $2`,
        [caller.org, id, graceSeconds],
      );
    }
    const details = { name: old.name, replaced_by: made.id, grace_seconds: graceSeconds };
    await writeAudit(tx, caller.org, caller, 'key.rotate', `key:${id}`, details);
    return made;
  });
}
