import type { Invitation, InviteMember, Member, Role } from '../../../protocol/api/index.ts';
import type { Database, Transaction } from '../../ports/database.ts';
import { isUuid, type OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit } from '../audit/auditLog.ts';
import { requireOwner, type Caller } from '../caller.ts';
import { decodeCursor, toPage, type Page, type PageRequest } from '../paging.ts';

const invitationDays = 14;

interface MemberRow {
  user_id: string;
  email: string;
  name: string | null;
  avatar_url: string | null;
  role: Role;
  created_at: Date;
}

const toMember = ({ created_at, ...rest }: MemberRow): Member => ({ ...rest, joined_at: created_at.toISOString() });

const memberNotFound = (): ApiError =>
  new ApiError('not_found', 'There is no such member in this organization.', { hint: 'GET /v1/members lists them.' });

/** In the order of their user ids. */
export async function listMembers(database: Database, org: OrgId, page: PageRequest): Promise<Page<Member>> {
  const after = decodeCursor('members', page.cursor, isUuid);
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<MemberRow>(
        `SELECT m.user_id, u.email, u.name, u.avatar_url, m.role, m.created_at
         FROM org_members m JOIN users u ON u.id = m.user_id
         WHERE m.org_id = $1 AND ($2::uuid IS NULL OR m.user_id > $2::uuid) ORDER BY m.user_id LIMIT $3`,
        [org, after, page.limit + 1],
      ),
    { readOnly: true },
  );
  return toPage('members', rows, page.limit, ({ user_id }) => user_id, toMember);
}

/** A member, locked until the transaction ends. */
async function lockMember(tx: Transaction, org: OrgId, userId: string): Promise<MemberRow> {
  const { rows } = await tx.query<MemberRow>(
    `SELECT m.user_id, u.email, u.name, u.avatar_url, m.role, m.created_at
     FROM org_members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 AND m.user_id = $2 FOR UPDATE OF m`,
    [org, userId],
  );
  if (rows[0] === undefined) throw memberNotFound();
  return rows[0];
}

const ownerStays = (): ApiError =>
  new ApiError('conflict', 'An organization has exactly one owner.', {
    hint: 'Transfer the organization to another member first: POST /v1/organization/transfer.',
  });

export async function changeRole(
  database: Database,
  caller: Caller,
  userId: string,
  role: 'admin' | 'member',
): Promise<Member> {
  return database.withOrg(caller.org, async (tx) => {
    const member = await lockMember(tx, caller.org, userId);
    if (member.role === 'owner') throw ownerStays();
    await tx.query('UPDATE org_members SET role = $3 WHERE org_id = $1 AND user_id = $2', [caller.org, userId, role]);
    await writeAudit(tx, caller.org, caller, 'member.role', `user:${userId}`, { from: member.role, to: role });
    return toMember({ ...member, role });
  });
}

/** Takes a member out; the keys that act for them end. @throws {ApiError} not_found; conflict for the owner. */
export async function removeMember(database: Database, caller: Caller, userId: string): Promise<void> {
  await database.withOrg(caller.org, async (tx) => {
    const member = await lockMember(tx, caller.org, userId);
    if (member.role === 'owner') throw ownerStays();
    const { count } = await tx.query(
      'UPDATE api_keys SET revoked_at = now() WHERE org_id = $1 AND user_id = $2 AND revoked_at IS NULL',
      [caller.org, userId],
    );
    await tx.query('DELETE FROM org_members WHERE org_id = $1 AND user_id = $2', [caller.org, userId]);
    await writeAudit(tx, caller.org, caller, 'member.remove', `user:${userId}`, {
      role: member.role,
      keys_revoked: count,
    });
  });
}

/** The owner becomes an admin, the member the owner. @throws {ApiError} role_missing, not_found */
export async function transferOwnership(database: Database, caller: Caller, userId: string): Promise<Member> {
  requireOwner(caller);
  return database.withOrg(caller.org, async (tx) => {
    const member = await lockMember(tx, caller.org, userId);
    if (member.role === 'owner') return toMember(member);
    // In this order: there is never a second owner, not even within the transaction.
    const { count } = await tx.query(
      `UPDATE org_members SET role = 'admin' WHERE org_id = $1 AND user_id = $2 AND role = 'owner'`,
      [caller.org, caller.user!.id],
    );
    if (count === 0) {
      throw new ApiError('role_missing', 'Only the owner of the organization may do this.', {
        hint: 'Somebody has transferred it just now.',
      });
    }
    await tx.query(`UPDATE org_members SET role = 'owner' WHERE org_id = $1 AND user_id = $2`, [caller.org, userId]);
    await writeAudit(tx, caller.org, caller, 'organization.transfer', `user:${userId}`);
    return toMember({ ...member, role: 'owner' });
  });
}

interface InvitationRow {
  id: string;
  email: string;
  role: 'admin' | 'member';
  created_at: Date;
  expires_at: Date;
}

const invitationColumns = 'id, email, role, created_at, expires_at';

const toInvitation = ({ created_at, expires_at, ...rest }: InvitationRow): Invitation => ({
  ...rest,
  created_at: created_at.toISOString(),
  expires_at: expires_at.toISOString(),
});

/**
 * Whoever proves the address at a sign-in becomes a member. Another invitation to the same address replaces this one.
 * @throws {ApiError} conflict where somebody of that address is a member.
 */
export async function inviteMember(
  database: Database,
  caller: Caller,
  { email, role }: InviteMember,
): Promise<Invitation> {
  return database.withOrg(caller.org, async (tx) => {
    const { count } = await tx.query(
      'SELECT FROM org_members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 AND u.email = $2',
      [caller.org, email],
    );
    if (count > 0) throw new ApiError('conflict', 'Somebody with this address is a member already.');
    const { rows } = await tx.query<InvitationRow>(
      `INSERT INTO invitations (org_id, email, role, expires_at) VALUES ($1, $2, $3, now() + make_interval(days => $4))
       ON CONFLICT (org_id, email) DO UPDATE SET role = excluded.role, expires_at = excluded.expires_at, created_at = now()
       RETURNING ${invitationColumns}`,
      [caller.org, email, role, invitationDays],
    );
    const invitation = toInvitation(rows[0]!);
    await writeAudit(tx, caller.org, caller, 'member.invite', `invitation:${invitation.id}`, { email, role });
    return invitation;
  });
}

/** Those that can still be accepted, in the order of their ids. */
export async function listInvitations(database: Database, org: OrgId, page: PageRequest): Promise<Page<Invitation>> {
  const after = decodeCursor('invitations', page.cursor, isUuid);
  const { rows } = await database.withOrg(
    org,
    (tx) =>
      tx.query<InvitationRow>(
        `SELECT ${invitationColumns} FROM invitations
         WHERE org_id = $1 AND expires_at > now() AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3`,
        [org, after, page.limit + 1],
      ),
    { readOnly: true },
  );
  return toPage('invitations', rows, page.limit, ({ id }) => id, toInvitation);
}

export async function withdrawInvitation(database: Database, caller: Caller, id: string): Promise<void> {
  await database.withOrg(caller.org, async (tx) => {
    const { rows } = await tx.query<{ email: string }>(
      'DELETE FROM invitations WHERE org_id = $1 AND id = $2 RETURNING email',
      [caller.org, id],
    );
    if (rows[0] === undefined) throw new ApiError('not_found', 'There is no such invitation.');
    await writeAudit(tx, caller.org, caller, 'member.uninvite', `invitation:${id}`, { email: rows[0].email });
  });
}
