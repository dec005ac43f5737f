import type { Database, Transaction } from '../ports/database.ts';
import type { OrgId } from '../ports/organization.ts';
import { ApiError } from './apiError.ts';

export interface IdempotentRequest {
  org: OrgId;
  apiKeyId: string;
  /** The caller's own name for the request. */
  key: string;
  /** Of everything that makes the request what it is. */
  fingerprint: string;
}

export interface KeptReply {
  status: number;
  /** Null where it holds a secret, which is shown once and kept nowhere. */
  body: string | null;
  location: string | null;
}

/** Replies are kept for a day; a request that has not ended after a minute has died with its server. */
const keptFor = '24 hours';
const diedAfter = '1 minute';

interface Row {
  fingerprint: string;
  status: number | null;
  body: string | null;
  location: string | null;
  is_dead: boolean;
}

async function take(tx: Transaction, { org, apiKeyId, key, fingerprint }: IdempotentRequest): Promise<Row | undefined> {
  await tx.query(`DELETE FROM idempotency_keys WHERE org_id = $1 AND created_at < now() - interval '${keptFor}'`, [
    org,
  ]);
  const { count } = await tx.query(
    `INSERT INTO idempotency_keys (org_id, api_key_id, key, fingerprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [org, apiKeyId, key, fingerprint],
  );
  if (count === 1) return undefined;
  const { rows } = await tx.query<Row>(
    `SELECT fingerprint, status, body, location, created_at < now() - interval '${diedAfter}' AS is_dead
     FROM idempotency_keys WHERE org_id = $1 AND api_key_id = $2 AND key = $3 FOR UPDATE`,
    [org, apiKeyId, key],
  );
  return rows[0];
}

/**
 * Reserves the key for a request that is new.
 * @returns the reply that the same request got before; undefined for one that is to be run now.
 * @throws {ApiError} idempotency_mismatch, idempotency_conflict
 */
export async function beginIdempotent(database: Database, request: IdempotentRequest): Promise<KeptReply | undefined> {
  return database.withOrg(request.org, async (tx) => {
    const before = await take(tx, request);
    if (before === undefined) return undefined;
    if (before.fingerprint !== request.fingerprint) {
      throw new ApiError('idempotency_mismatch', 'This idempotency key was used with another request.', {
        hint: 'Make a new key for each new request; use the same one only to send the same request again.',
      });
    }
    if (before.status !== null) return { status: before.status, body: before.body, location: before.location };
    if (!before.is_dead) {
      throw new ApiError('idempotency_conflict', 'The first request with this idempotency key is still running.', {
        hint: 'Send it again in a second, to get its reply.',
        retryAfterMs: 1_000,
      });
    }
    const { org, apiKeyId, key } = request;
    await tx.query(
      'UPDATE idempotency_keys SET created_at = now() WHERE org_id = $1 AND api_key_id = $2 AND key = $3',
      [org, apiKeyId, key],
    );
    return undefined;
  });
}

/** Keeps the reply; undefined frees the key, so that the request can be tried again. */
export async function endIdempotent(
  database: Database,
  { org, apiKeyId, key }: IdempotentRequest,
  reply: KeptReply | undefined,
): Promise<void> {
  await database.withOrg(org, (tx) =>
    reply === undefined
      ? tx.query('DELETE FROM idempotency_keys WHERE org_id = $1 AND api_key_id = $2 AND key = $3', [
          org,
          apiKeyId,
          key,
        ])
      : tx.query(
          `UPDATE idempotency_keys SET status = $4, body = $5, location = $6
           WHERE org_id = $1 AND api_key_id = $2 AND key = $3`,
          [org, apiKeyId, key, reply.status, reply.body, reply.location],
        ),
  );
}
