import type { NewApiKey, Organization, Plan } from '../../../protocol/api/index.ts';
import { DatabaseError, type Database } from '../../ports/database.ts';
import { orgId, type OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit } from '../audit/auditLog.ts';
import type { Caller } from '../caller.ts';
import type { Environment } from '../keys/keyFormat.ts';
import { insertKey, type KeyContent } from '../keys/manageKeys.ts';
import { limitsOf } from '../plans.ts';

interface OrganizationRow {
  id: string;
  name: string;
  slug: string;
  plan: Plan;
  requests_per_minute: number | null;
  queries_per_month: number | null;
  created_at: Date;
  updated_at: Date;
}

const columns = 'id, name, slug, plan, requests_per_minute, queries_per_month, created_at, updated_at';

function toOrganization(row: OrganizationRow): Organization {
  const { plan, requests_per_minute: requestsPerMinute, queries_per_month: queriesPerMonth } = row;
  const limits = limitsOf({ plan, requestsPerMinute, queriesPerMonth });
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    plan,
    limits: { requests_per_minute: limits.requestsPerMinute, queries_per_month: limits.queriesPerMonth },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

export async function getOrganization(database: Database, org: OrgId): Promise<Organization> {
  const { rows } = await database.withOrg(
    org,
    (tx) => tx.query<OrganizationRow>(`SELECT ${columns} FROM organizations WHERE id = $1`, [org]),
    { readOnly: true },
  );
  return toOrganization(rows[0]!);
}

export async function renameOrganization(database: Database, caller: Caller, name: string): Promise<Organization> {
  return database.withOrg(caller.org, async (tx) => {
    const { rows } = await tx.query<OrganizationRow>(
      `UPDATE organizations SET name = $2, updated_at = now() WHERE id = $1 RETURNING ${columns}`,
      [caller.org, name],
    );
    await writeAudit(tx, caller.org, caller, 'organization.rename', `organization:${caller.org}`, { name });
    return toOrganization(rows[0]!);
  });
}

export interface Foundation {
  /** Default: a new one. */
  id?: OrgId;
  name: string;
  slug: string;
  plan: Plan;
  ownerEmail: string;
}

/** May do everything, for ever. */
const ownerKey = (name: string, ownerId: string): KeyContent => ({
  name,
  scopes: ['org:admin'],
  project_ids: [],
  requests_per_minute: null,
  expires_at: null,
  user_id: ownerId,
});

/**
 * A new organization with its owner, and a key of the owner that may do everything. For the operator of the platform.
 * @throws {ApiError} conflict where the slug is taken.
 */
export async function foundOrganization(
  database: Database,
  environment: Environment,
  { id: org = orgId(crypto.randomUUID()), name, slug, plan, ownerEmail }: Foundation,
): Promise<{ organization: Organization; key: NewApiKey }> {
  const [owner] = await database.callGate<{ id: string }>('ensure_user', [ownerEmail.toLowerCase()]);
  try {
    return await database.withOrg(org, async (tx) => {
      const { rows } = await tx.query<OrganizationRow>(
        `INSERT INTO organizations (id, name, slug, plan) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
        [org, name, slug, plan],
      );
      await tx.query(`INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, 'owner')`, [org, owner!.id]);
      const key = await insertKey(tx, org, environment, ownerKey('First key', owner!.id));
      await writeAudit(tx, org, null, 'organization.found', `organization:${org}`, { slug, plan });
      return { organization: toOrganization(rows[0]!), key };
    });
  } catch (error) {
    if (error instanceof DatabaseError && error.isDuplicate) {
      throw new ApiError('conflict', `There is an organization with the slug ${slug}.`, { cause: error });
    }
    throw error;
  }
}

/**
 * A further key of the owner that may do everything, for an organization that has lost its keys. For the operator of the
 * platform. @throws {ApiError} not_found
 */
export async function issueOwnerKey(database: Database, environment: Environment, org: OrgId): Promise<NewApiKey> {
  return database.withOrg(org, async (tx) => {
    const { rows } = await tx.query<{ user_id: string }>(
      `SELECT user_id FROM org_members WHERE org_id = $1 AND role = 'owner'`,
      [org],
    );
    if (rows[0] === undefined) throw new ApiError('not_found', 'There is no such organization.');
    const key = await insertKey(tx, org, environment, ownerKey('Key by the operator', rows[0].user_id));
    await writeAudit(tx, org, null, 'key.create', `key:${key.id}`, { name: key.name, scopes: key.scopes });
    return key;
  });
}

export interface PlanChange {
  plan: Plan;
  requestsPerMinute: number | null;
  queriesPerMonth: number | null;
}

/** For the operator: acts from the next request on. */
export async function changePlan(database: Database, org: OrgId, change: PlanChange): Promise<Organization> {
  return database.withOrg(org, async (tx) => {
    const { rows } = await tx.query<OrganizationRow>(
      `UPDATE organizations SET plan = $2, requests_per_minute = $3, queries_per_month = $4, updated_at = now()
       WHERE id = $1 RETURNING ${columns}`,
      [org, change.plan, change.requestsPerMinute, change.queriesPerMonth],
    );
    if (rows[0] === undefined) throw new ApiError('not_found', 'There is no such organization.');
    await writeAudit(tx, org, null, 'organization.plan', `organization:${org}`, { ...change });
    return toOrganization(rows[0]);
  });
}
