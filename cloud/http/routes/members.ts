import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  changeRole,
  exchangeSession,
  invitation,
  invitationPage,
  inviteMember,
  member,
  memberPage,
  pageQuery,
  session,
  transferOwnership,
  uuid,
} from '../../../protocol/api/index.ts';
import * as members from '../../domain/members/manageMembers.ts';
import { signIn } from '../../domain/members/signIn.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody } from '../endpoint.ts';

const tags = ['Members'] as [string];
const userParams = z.object({ user_id: uuid.meta({ description: 'Of the member' }) });
const invitationParams = z.object({ id: uuid.meta({ description: 'Of the invitation' }) });

const exchange = endpoint({
  method: 'post',
  path: '/v1/auth/github',
  operationId: 'exchangeGithubSession',
  summary: 'A key for a person, in exchange for their session of GitHub',
  description:
    'The key acts for the person and may do what their role allows, for 90 days. Invitations to the verified address of the account are accepted on the way.',
  tags,
  errors: ['identity_refused', 'no_organization', 'conflict'],
  request: { body: jsonBody(exchangeSession) },
  responses: { 201: json(session, 'The key; its text is shown this once', false) },
});

const list = endpoint({
  method: 'get',
  path: '/v1/members',
  operationId: 'listMembers',
  summary: 'The people of the organization',
  tags,
  scope: 'org:admin',
  request: { query: pageQuery },
  responses: { 200: json(memberPage, 'In the order of their ids') },
});

const change = endpoint({
  method: 'patch',
  path: '/v1/members/{user_id}',
  operationId: 'changeMemberRole',
  summary: 'Make a member an admin, or the other way round',
  tags,
  scope: 'org:admin',
  errors: ['not_found', 'conflict'],
  request: { params: userParams, body: jsonBody(changeRole) },
  responses: { 200: json(member, 'The member') },
});

const remove = endpoint({
  method: 'delete',
  path: '/v1/members/{user_id}',
  operationId: 'removeMember',
  summary: 'Take a member out',
  description: 'The keys that act for them end at once.',
  tags,
  scope: 'org:admin',
  errors: ['not_found', 'conflict'],
  request: { params: userParams },
  responses: { 204: { description: 'They are no member any more.' } },
});

const transfer = endpoint({
  method: 'post',
  path: '/v1/organization/transfer',
  operationId: 'transferOrganization',
  summary: 'Make another member the owner',
  description: 'For the owner, with a key that acts for them. They become an admin.',
  tags,
  scope: 'org:admin',
  errors: ['role_missing', 'not_found'],
  request: { body: jsonBody(transferOwnership) },
  responses: { 200: json(member, 'The new owner') },
});

const listInvitations = endpoint({
  method: 'get',
  path: '/v1/invitations',
  operationId: 'listInvitations',
  summary: 'Invitations that can still be accepted',
  tags,
  scope: 'org:admin',
  request: { query: pageQuery },
  responses: { 200: json(invitationPage, 'In the order of their ids') },
});

const invite = endpoint({
  method: 'post',
  path: '/v1/invitations',
  operationId: 'inviteMember',
  summary: 'Invite somebody by their address',
  description:
    'Whoever proves the address at a sign-in within 14 days becomes a member. Nothing is sent: tell them yourself.',
  tags,
  scope: 'org:admin',
  errors: ['conflict'],
  request: { body: jsonBody(inviteMember) },
  responses: { 201: json(invitation, 'The invitation') },
});

const withdraw = endpoint({
  method: 'delete',
  path: '/v1/invitations/{id}',
  operationId: 'withdrawInvitation',
  summary: 'Withdraw an invitation',
  tags,
  scope: 'org:admin',
  errors: ['not_found'],
  request: { params: invitationParams },
  responses: { 204: { description: 'It cannot be accepted any more.' } },
});

export function memberRoutes(app: OpenAPIHono<AppEnv>, { database, environment, identityProvider }: AppParts): void {
  app.openapi(exchange, async (c) => {
    const { access_token: accessToken, organization, device } = c.req.valid('json');
    return c.json(await signIn(database, identityProvider, environment, { accessToken, organization, device }), 201);
  });
  app.openapi(list, async (c) => {
    const { items, nextCursor } = await members.listMembers(database, c.get('caller').org, c.req.valid('query'));
    return c.json({ members: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(change, async (c) => {
    const { user_id: userId } = c.req.valid('param');
    return c.json(await members.changeRole(database, c.get('caller'), userId, c.req.valid('json').role), 200);
  });
  app.openapi(remove, async (c) => {
    await members.removeMember(database, c.get('caller'), c.req.valid('param').user_id);
    return c.body(null, 204);
  });
  app.openapi(transfer, async (c) =>
    c.json(await members.transferOwnership(database, c.get('caller'), c.req.valid('json').user_id), 200),
  );
  app.openapi(listInvitations, async (c) => {
    const { items, nextCursor } = await members.listInvitations(database, c.get('caller').org, c.req.valid('query'));
    return c.json({ invitations: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(invite, async (c) =>
    c.json(await members.inviteMember(database, c.get('caller'), c.req.valid('json')), 201),
  );
  app.openapi(withdraw, async (c) => {
    await members.withdrawInvitation(database, c.get('caller'), c.req.valid('param').id);
    return c.body(null, 204);
  });
}
