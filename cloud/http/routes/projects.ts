import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  createProject,
  pageQuery,
  project,
  projectPage,
  projectRef,
  updateProject,
} from '../../../protocol/api/index.ts';
import { requireWholeOrganization } from '../../domain/caller.ts';
import * as projects from '../../domain/projects/manageProjects.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody, ofProject } from '../endpoint.ts';
import { etagOf, matches } from '../middleware/entityTags.ts';

const tags = ['Projects'] as [string];
const params = z.object({ project: projectRef });

const list = endpoint({
  method: 'get',
  path: '/v1/projects',
  operationId: 'listProjects',
  summary: 'The projects this key can see',
  tags,
  scope: 'project:read',
  request: { query: pageQuery },
  responses: { 200: json(projectPage, 'In the order of their slugs') },
});

const create = endpoint({
  method: 'post',
  path: '/v1/projects',
  operationId: 'createProject',
  summary: 'A new project',
  tags,
  scope: 'project:write',
  errors: ['project_not_allowed', 'conflict'],
  request: { body: jsonBody(createProject) },
  responses: { 201: json(project, 'The project') },
});

const get = endpoint({
  method: 'get',
  path: '/v1/projects/{project}',
  operationId: 'getProject',
  summary: 'One project',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { params },
  responses: { 200: json(project, 'The project') },
});

const update = endpoint({
  method: 'patch',
  path: '/v1/projects/{project}',
  operationId: 'updateProject',
  summary: 'Change a project',
  description: 'With the header `If-Match`, only if the project is still the one with that ETag.',
  tags,
  scope: 'project:write',
  errors: [...ofProject, 'conflict', 'precondition_failed'],
  request: { params, body: jsonBody(updateProject) },
  responses: { 200: json(project, 'The project as it is now') },
});

const remove = endpoint({
  method: 'delete',
  path: '/v1/projects/{project}',
  operationId: 'deleteProject',
  summary: 'Delete a project, and all that belongs to it',
  tags,
  scope: 'project:write',
  errors: ofProject,
  request: { params },
  responses: { 204: { description: 'It is gone.' } },
});

export function projectRoutes(app: OpenAPIHono<AppEnv>, { database, bytes }: AppParts): void {
  app.openapi(list, async (c) => {
    const { items, nextCursor } = await projects.listProjects(database, c.get('caller'), c.req.valid('query'));
    return c.json({ projects: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(create, async (c) => {
    requireWholeOrganization(c.get('caller'));
    const made = await projects.createProject(database, c.get('caller'), c.req.valid('json'));
    return c.json(made, 201, { location: `/v1/projects/${made.id}` });
  });
  app.openapi(get, async (c) =>
    c.json(await projects.getProject(database, c.get('caller'), c.req.valid('param').project), 200),
  );
  app.openapi(update, async (c) => {
    const wanted = c.req.header('if-match');
    const isCurrent = async (now: unknown): Promise<boolean> =>
      wanted === undefined || matches(wanted, await etagOf(bytes, JSON.stringify(now)));
    const { project: ref } = c.req.valid('param');
    return c.json(await projects.updateProject(database, c.get('caller'), ref, c.req.valid('json'), isCurrent), 200);
  });
  app.openapi(remove, async (c) => {
    await projects.deleteProject(database, c.get('caller'), c.req.valid('param').project);
    return c.body(null, 204);
  });
}
