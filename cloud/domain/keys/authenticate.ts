import type { Plan, Role, Scope } from '../../../protocol/api/index.ts';
import type { Database } from '../../ports/database.ts';
import type { HostBytes } from '../../ports/hostBytes.ts';
import { orgId } from '../../ports/organization.ts';
import { ApiError, type ApiErrorCode } from '../apiError.ts';
import { equalInConstantTime } from '../bytes.ts';
import { effectiveScopes, type Caller } from '../caller.ts';
import { limitsOf } from '../plans.ts';
import { parseKey, type Environment } from './keyFormat.ts';

interface KeyRow {
  id: string;
  org_id: string;
  key_hash: string;
  scopes: Scope[];
  project_ids: string[];
  user_id: string | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  org_slug: string;
  plan: Plan;
  requests_per_minute: number | null;
  queries_per_month: number | null;
  key_requests_per_minute: number | null;
  queries: number;
  role: Role | null;
  is_valid: boolean;
}

const makeOne = 'An admin of the organization can make a new key.';

function refuse(code: ApiErrorCode, message: string, hint: string): never {
  throw new ApiError(code, message, { hint });
}

function toCaller(row: KeyRow): Caller {
  const { plan, requests_per_minute: requestsPerMinute, queries_per_month: queriesPerMonth } = row;
  return {
    org: orgId(row.org_id),
    orgSlug: row.org_slug,
    plan,
    limits: limitsOf({ plan, requestsPerMinute, queriesPerMonth }),
    keyId: row.id,
    keyRequestsPerMinute: row.key_requests_per_minute,
    scopes: effectiveScopes(row.scopes, row.role),
    projectIds: row.project_ids,
    user: row.user_id === null || row.role === null ? null : { id: row.user_id, role: row.role },
    queriesThisMonth: row.queries,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}

export interface AuthenticationParts {
  database: Database;
  bytes: HostBytes;
}

/**
 * Who asks, by the header `Authorization: Bearer ck_…`. Keys are never kept in memory between requests: one that is
 * revoked is refused from the next request on, on every server.
 * @throws {ApiError}
 */
export async function authenticate(
  { database, bytes }: AuthenticationParts,
  environment: Environment,
  authorization: string | undefined,
): Promise<Caller> {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) {
    refuse('unauthenticated', 'This needs an API key.', 'Send the header "Authorization: Bearer ck_live_…".');
  }
  const parsed = parseKey(key);
  if (parsed === undefined) {
    refuse(
      'unauthenticated',
      'This is not an API key of ContextKit.',
      'A key is ck_live_ or ck_test_ and 32 letters and digits; check that it was copied as a whole.',
    );
  }
  if (parsed.environment !== environment) {
    refuse(
      'wrong_environment',
      `This is a key of the ${parsed.environment} environment; this is the ${environment} environment.`,
      `Use a key that begins with ck_${environment}_.`,
    );
  }
  const candidates = await database.callGate<KeyRow>('find_api_keys', [parsed.prefix]);
  const digest = await bytes.sha256(key);
  const row = candidates.filter(({ key_hash }) => equalInConstantTime(key_hash, digest))[0];
  if (row === undefined) refuse('unauthenticated', 'There is no such API key.', makeOne);
  // Somebody who has left: their keys are revoked with their membership, and lead nowhere in any case.
  if (row.revoked_at !== null || (row.user_id !== null && row.role === null)) {
    refuse('key_revoked', 'This API key was revoked.', makeOne);
  }
  if (!row.is_valid) refuse('key_expired', 'This API key has expired.', makeOne);
  return toCaller(row);
}
