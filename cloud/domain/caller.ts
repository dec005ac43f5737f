import type { Plan, Role, Scope } from '../../protocol/api/index.ts';
import type { OrgId } from '../ports/organization.ts';
import { ApiError } from './apiError.ts';
import type { PlanLimits } from './plans.ts';

/** On whose behalf a request acts; made by authentication alone. */
export interface Caller {
  org: OrgId;
  orgSlug: string;
  plan: Plan;
  limits: PlanLimits;
  keyId: string;
  /** A limit of the key itself; null: none. */
  keyRequestsPerMinute: number | null;
  /** With what they include. */
  scopes: ReadonlySet<Scope>;
  /** Empty: all projects. */
  projectIds: readonly string[];
  /** The person the key acts for. */
  user: { id: string; role: Role } | null;
  /** Of this month, when the key was looked up. */
  queriesThisMonth: number;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

const included: Record<Scope, readonly Scope[]> = {
  'project:read': [],
  'project:write': ['project:read'],
  'usage:read': [],
  'org:admin': ['project:read', 'project:write', 'usage:read'],
};

const scopesOfRole: Record<Role, readonly Scope[]> = {
  owner: ['org:admin'],
  admin: ['org:admin'],
  member: ['project:write', 'usage:read'],
};

export const withIncluded = (scopes: Iterable<Scope>): Set<Scope> =>
  new Set([...scopes].flatMap((scope) => [scope, ...included[scope]]));

/** What a key may do: of a key that acts for a person, no more than the person. */
export function effectiveScopes(scopes: readonly Scope[], role: Role | null): Set<Scope> {
  const own = withIncluded(scopes);
  if (role === null) return own;
  const allowed = withIncluded(scopesOfRole[role]);
  return new Set([...own].filter((scope) => allowed.has(scope)));
}

export const roleScopes = (role: Role): readonly Scope[] => scopesOfRole[role];

/** @throws {ApiError} scope_missing */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return;
  throw new ApiError('scope_missing', `This key lacks the scope ${scope}.`, {
    hint: `Use a key with ${scope}; an admin of the organization can make one.`,
  });
}

/** What concerns the organization as a whole is not for a key that is limited to some projects. @throws {ApiError} */
export function requireWholeOrganization(caller: Caller): void {
  if (caller.projectIds.length === 0) return;
  throw new ApiError('project_not_allowed', 'This key is limited to some projects of the organization.', {
    hint: 'Use a key without such a limit.',
  });
}

/** @throws {ApiError} role_missing */
export function requireOwner(caller: Caller): void {
  if (caller.user?.role === 'owner') return;
  throw new ApiError('role_missing', 'Only the owner of the organization may do this.', {
    hint: 'Sign in as the owner, and use the key of that sign-in.',
  });
}
