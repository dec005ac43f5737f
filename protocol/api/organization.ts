import { z } from 'zod';
import { displayName, instant, nextCursor, plan, role, scope, uuid } from './common.ts';

export const organization = z
  .object({
    id: uuid,
    name: z.string(),
    slug: z.string(),
    plan,
    limits: z.object({
      requests_per_minute: z.int(),
      queries_per_month: z.int().nullable().meta({ description: 'null: as many as you like' }),
    }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Organization' });
export type Organization = z.infer<typeof organization>;

export const updateOrganization = z.strictObject({ name: displayName }).meta({ id: 'UpdateOrganization' });

export const me = z
  .object({
    organization: z.object({ id: uuid, slug: z.string(), plan }),
    key: z.object({
      id: uuid,
      scopes: z.array(scope).meta({ description: 'What the key may do, with what its scopes include.' }),
      project_ids: z.array(uuid).meta({ description: 'Empty: all projects.' }),
      expires_at: instant.nullable(),
    }),
    user: z
      .object({ id: uuid, role })
      .nullable()
      .meta({ description: 'The person the key acts for; null for a key of the organization.' }),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof me>;

export const member = z
  .object({
    user_id: uuid,
    email: z.string(),
    name: z.string().nullable(),
    avatar_url: z.string().nullable(),
    role,
    joined_at: instant,
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof member>;
export const memberPage = z.object({ members: z.array(member), next_cursor: nextCursor }).meta({ id: 'MemberPage' });

const invitedRole = z.enum(['admin', 'member']);

export const invitation = z
  .object({ id: uuid, email: z.string(), role: invitedRole, created_at: instant, expires_at: instant })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof invitation>;
export const invitationPage = z
  .object({ invitations: z.array(invitation), next_cursor: nextCursor })
  .meta({ id: 'InvitationPage' });

export const inviteMember = z
  .strictObject({ email: z.email().max(254).toLowerCase(), role: invitedRole.default('member') })
  .meta({ id: 'InviteMember' });
export type InviteMember = z.infer<typeof inviteMember>;

export const changeRole = z.strictObject({ role: invitedRole }).meta({ id: 'ChangeRole' });
export const transferOwnership = z.strictObject({ user_id: uuid }).meta({ id: 'TransferOwnership' });

export const auditEntry = z
  .object({
    id: z.int(),
    at: instant,
    actor: z.object({
      key_id: uuid.nullable(),
      user_id: uuid.nullable().meta({ description: 'Both null: the operator of the platform.' }),
    }),
    action: z.string().meta({ examples: ['project.create'] }),
    target: z.string().meta({ examples: ['project:5c56c793-69f3-4fbf-87e6-c4bf54c28c26'] }),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntry>;
export const auditPage = z.object({ entries: z.array(auditEntry), next_cursor: nextCursor }).meta({ id: 'AuditPage' });
