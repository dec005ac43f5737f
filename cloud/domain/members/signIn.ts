import type { NewApiKey, Role } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import { IdentityProviderError, type Identity, type IdentityProvider } from '../../ports/identityProvider.ts';
import { orgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit } from '../audit/auditLog.ts';
import { roleScopes } from '../caller.ts';
import type { Environment } from '../keys/keyFormat.ts';
import { insertKey } from '../keys/manageKeys.ts';

const sessionDays = 90;

interface Membership {
  user_id: string;
  org_id: string;
  org_slug: string;
  org_name: string;
  role: Role;
}

/** By the clock that keys expire by: those of servers differ. */
async function sessionEnd(tx: Transaction): Promise<string> {
  const { rows } = await tx.query<{ end: Date }>('SELECT now() + make_interval(days => $1) AS "end"', [sessionDays]);
  return rows[0]!.end.toISOString();
}

export interface SignInRequest {
  accessToken: string;
  /** Slug or id; needed by people who belong to several. */
  organization: string | undefined;
  /** Where the key will be used, for the list of keys. */
  device: string | undefined;
}

export interface SignedIn {
  key: NewApiKey;
  organization: { id: string; slug: string; name: string };
  user: { id: string; email: string; role: Role };
}

async function identify(provider: IdentityProvider, accessToken: string): Promise<Identity> {
  let identity: Identity | undefined;
  try {
    identity = await provider.identify(accessToken);
  } catch (error) {
    if (!(error instanceof IdentityProviderError)) throw error;
    throw new ApiError('unavailable', 'The identity provider does not answer.', {
      hint: 'Try again in a minute.',
      retryAfterMs: 30_000,
      cause: error,
    });
  }
  if (identity !== undefined) return identity;
  throw new ApiError('identity_refused', 'The identity provider does not accept this session.', {
    hint: 'Sign in there again; the account needs a verified address that this application may read.',
  });
}

function choose(memberships: readonly Membership[], wanted: string | undefined): Membership {
  const found =
    wanted === undefined
      ? memberships
      : memberships.filter(({ org_id, org_slug }) => org_id === wanted || org_slug === wanted);
  if (found[0] === undefined) {
    throw new ApiError(
      'no_organization',
      wanted === undefined ? 'You belong to no organization.' : `You do not belong to the organization ${wanted}.`,
      { hint: 'Ask an admin for an invitation to the verified address of your account, then sign in again.' },
    );
  }
  if (found.length > 1) {
    throw new ApiError('conflict', 'You belong to several organizations.', {
      hint: `Name one of them: ${found.map(({ org_slug }) => org_slug).join(', ')}.`,
    });
  }
  return found[0];
}

/**
 * Exchanges a session of the identity provider for a key that acts for the person in one organization, and accepts the
 * invitations to their address on the way.
 * @throws {ApiError}
 */
export async function signIn(
  database: Database,
  provider: IdentityProvider,
  environment: Environment,
  { accessToken, organization, device }: SignInRequest,
): Promise<SignedIn> {
  const { provider: name, subject, email, ...person } = await identify(provider, accessToken);
  const values = [name, subject, email, person.name, person.avatarUrl];
  const membership = choose(await database.callGate<Membership>('sign_in', values), organization);
  const { user_id: userId, role } = membership;
  const org = orgId(membership.org_id);
  const key = await database.withOrg(org, async (tx) => {
    const made = await insertKey(tx, org, environment, {
      name: device ?? 'Sign-in',
      scopes: [...roleScopes(role)],
      project_ids: [],
      requests_per_minute: null,
      expires_at: await sessionEnd(tx),
      user_id: userId,
    });
    await writeAudit(tx, org, { keyId: made.id, user: { id: userId, role } }, 'session.create', `key:${made.id}`);
    return made;
  });
  return {
    key,
    organization: { id: org, slug: membership.org_slug, name: membership.org_name },
    user: { id: userId, email, role },
  };
}
