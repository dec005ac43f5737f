import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  auditPage,
  me,
  organization,
  pageQuery,
  scopes,
  updateOrganization,
  usage,
  usageQuery,
} from '../../../protocol/api/index.ts';
import { listAudit } from '../../domain/audit/auditLog.ts';
import type { Caller } from '../../domain/caller.ts';
import { getOrganization, renameOrganization } from '../../domain/organizations/manageOrganization.ts';
import { readUsage } from '../../domain/usage/readUsage.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody } from '../endpoint.ts';

const tags = ['Organization'] as [string];

const whoAmI = endpoint({
  method: 'get',
  path: '/v1/me',
  operationId: 'getMe',
  summary: 'What this key is, and what it may do',
  tags,
  scope: null,
  responses: { 200: json(me, 'The key, its organization, and the person it acts for') },
});

const get = endpoint({
  method: 'get',
  path: '/v1/organization',
  operationId: 'getOrganization',
  summary: 'The organization of this key',
  tags,
  scope: null,
  responses: { 200: json(organization, 'The organization') },
});

const rename = endpoint({
  method: 'patch',
  path: '/v1/organization',
  operationId: 'updateOrganization',
  summary: 'Rename the organization',
  tags,
  scope: 'org:admin',
  request: { body: jsonBody(updateOrganization) },
  responses: { 200: json(organization, 'The organization as it is now') },
});

const audit = endpoint({
  method: 'get',
  path: '/v1/audit-log',
  operationId: 'listAuditLog',
  summary: 'Who has changed what',
  tags,
  scope: 'org:admin',
  request: { query: pageQuery },
  responses: { 200: json(auditPage, 'Newest first') },
});

const readMonth = endpoint({
  method: 'get',
  path: '/v1/usage',
  operationId: 'getUsage',
  summary: 'What was used in a month',
  tags,
  scope: 'usage:read',
  request: { query: usageQuery },
  responses: { 200: json(usage, 'In all, and by project, key and day') },
});

const describeCaller = (caller: Caller) => ({
  organization: { id: caller.org as string, slug: caller.orgSlug, plan: caller.plan },
  key: {
    id: caller.keyId,
    scopes: scopes.filter((scope) => caller.scopes.has(scope)),
    project_ids: [...caller.projectIds],
    expires_at: caller.expiresAt?.toISOString() ?? null,
  },
  user: caller.user,
});

export function organizationRoutes(app: OpenAPIHono<AppEnv>, { database }: AppParts): void {
  app.openapi(whoAmI, (c) => c.json(describeCaller(c.get('caller')), 200));
  app.openapi(get, async (c) => c.json(await getOrganization(database, c.get('caller').org), 200));
  app.openapi(rename, async (c) =>
    c.json(await renameOrganization(database, c.get('caller'), c.req.valid('json').name), 200),
  );
  app.openapi(audit, async (c) => {
    const { items, nextCursor } = await listAudit(database, c.get('caller').org, c.req.valid('query'));
    return c.json({ entries: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(readMonth, async (c) =>
    c.json(await readUsage(database, c.get('caller'), c.req.valid('query').month), 200),
  );
}
