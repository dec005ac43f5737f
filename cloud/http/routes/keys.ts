import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  apiKey,
  apiKeyPage,
  createApiKey,
  newApiKey,
  pageQuery,
  rotateApiKey,
  uuid,
} from '../../../protocol/api/index.ts';
import * as keys from '../../domain/keys/manageKeys.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody } from '../endpoint.ts';
import { secretReply } from '../middleware/idempotent.ts';

const tags = ['API keys'] as [string];
const params = z.object({ id: uuid.meta({ description: 'Of the key' }) });

const list = endpoint({
  method: 'get',
  path: '/v1/api-keys',
  operationId: 'listApiKeys',
  summary: 'The keys of the organization',
  tags,
  scope: 'org:admin',
  request: { query: pageQuery },
  responses: { 200: json(apiKeyPage, 'In the order they were made, those that have ended included') },
});

const create = endpoint({
  method: 'post',
  path: '/v1/api-keys',
  operationId: 'createApiKey',
  summary: 'A new key',
  tags,
  scope: 'org:admin',
  errors: ['not_found'],
  request: { body: jsonBody(createApiKey) },
  responses: { 201: json(newApiKey, 'The key; its text is shown this once') },
});

const get = endpoint({
  method: 'get',
  path: '/v1/api-keys/{id}',
  operationId: 'getApiKey',
  summary: 'One key',
  tags,
  scope: 'org:admin',
  errors: ['not_found'],
  request: { params },
  responses: { 200: json(apiKey, 'What is known of it') },
});

const revoke = endpoint({
  method: 'delete',
  path: '/v1/api-keys/{id}',
  operationId: 'revokeApiKey',
  summary: 'End a key',
  description: 'It is refused from the next request on, on every server.',
  tags,
  scope: 'org:admin',
  errors: ['not_found'],
  request: { params },
  responses: { 204: { description: 'It has ended.' } },
});

const rotate = endpoint({
  method: 'post',
  path: '/v1/api-keys/{id}/rotate',
  operationId: 'rotateApiKey',
  summary: 'Replace a key by a new one that may do the same',
  tags,
  scope: 'org:admin',
  errors: ['not_found', 'conflict'],
  request: { params, body: jsonBody(rotateApiKey) },
  responses: { 201: json(newApiKey, 'The new key; its text is shown this once') },
});

export function keyRoutes(app: OpenAPIHono<AppEnv>, { database, environment }: AppParts): void {
  app.openapi(list, async (c) => {
    const { items, nextCursor } = await keys.listKeys(database, c.get('caller').org, c.req.valid('query'));
    return c.json({ keys: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(create, async (c) => {
    const made = await keys.createKey(database, c.get('caller'), environment, c.req.valid('json'));
    return c.json(made, 201, { location: `/v1/api-keys/${made.id}`, [secretReply]: '1' });
  });
  app.openapi(get, async (c) => c.json(await keys.getKey(database, c.get('caller').org, c.req.valid('param').id), 200));
  app.openapi(revoke, async (c) => {
    await keys.revokeKey(database, c.get('caller').org, c.get('caller'), c.req.valid('param').id);
    return c.body(null, 204);
  });
  app.openapi(rotate, async (c) => {
    const { grace_seconds: grace } = c.req.valid('json');
    const made = await keys.rotateKey(database, c.get('caller'), environment, c.req.valid('param').id, grace);
    return c.json(made, 201, { location: `/v1/api-keys/${made.id}`, [secretReply]: '1' });
  });
}
