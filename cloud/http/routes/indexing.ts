import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  indexContents,
  indexContentsReply,
  indexDiff,
  indexDiffReply,
  indexJob,
  indexState,
  indexSync,
  uuid,
} from '../../../protocol/api/index.ts';
import { acceptSync } from '../../domain/indexing/acceptSync.ts';
import { diffIndex } from '../../domain/indexing/diffIndex.ts';
import { cancelJob, getJob } from '../../domain/indexing/indexJobs.ts';
import { receiveContents } from '../../domain/indexing/receiveContents.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody, ofProject } from '../endpoint.ts';

const tags = ['Index'] as [string];
const params = z.object({ job_id: uuid.meta({ description: 'Of the job, as the sync has told it' }) });

const sync = endpoint({
  method: 'post',
  path: '/v1/index/sync',
  operationId: 'syncIndex',
  summary: 'Make the index what the working copy is',
  description:
    'With a `root_hash` alone: is it the one of the branch? With a `manifest`, a `base_revision` and contents that were ' +
    'sent before: a job that makes the branch exactly that, refused with 409 when the branch has moved on. With `files` ' +
    'and `deletions`: a job that changes only these. What a job makes becomes visible all at once.',
  tags,
  scope: 'project:write',
  errors: [...ofProject, 'conflict'],
  request: { body: jsonBody(indexSync) },
  responses: {
    200: json(indexState, 'Nothing was changed: it is so already, or only a root hash was asked about'),
    202: json(indexJob, 'The job that does it'),
  },
});

const diff = endpoint({
  method: 'post',
  path: '/v1/index/diff',
  operationId: 'diffIndex',
  summary: 'What the cloud lacks of a working copy',
  tags,
  scope: 'project:write',
  errors: ofProject,
  request: { body: jsonBody(indexDiff) },
  responses: { 200: json(indexDiffReply, 'The difference') },
});

const contents = endpoint({
  method: 'post',
  path: '/v1/index/contents',
  operationId: 'sendContents',
  summary: 'Contents and vectors for a sync to come',
  description:
    'They are visible to nobody until a sync names them; what no sync names is removed after a while. Bodies may come ' +
    'with `Content-Encoding: gzip`.',
  tags,
  scope: 'project:write',
  errors: ofProject,
  request: { body: jsonBody(indexContents) },
  responses: { 200: json(indexContentsReply, 'How many were new') },
});

const status = endpoint({
  method: 'get',
  path: '/v1/index/status/{job_id}',
  operationId: 'getIndexJob',
  summary: 'How far a job is',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { params },
  responses: { 200: json(indexJob, 'The job') },
});

const cancel = endpoint({
  method: 'delete',
  path: '/v1/index/jobs/{job_id}',
  operationId: 'cancelIndexJob',
  summary: 'Cancel a job',
  description: 'One that runs ends before its next step; what it has not made visible by then is never seen.',
  tags,
  scope: 'project:write',
  errors: [...ofProject, 'conflict'],
  request: { params },
  responses: { 200: json(indexJob, 'The job, which may still be running') },
});

export function indexingRoutes(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  app.openapi(sync, async (c) => {
    const started = performance.now();
    const caller = c.get('caller');
    const outcome = await acceptSync(parts, caller, c.req.valid('json'));
    await parts.usage.record(caller.org, {
      id: crypto.randomUUID(),
      keyId: caller.keyId,
      type: 'sync',
      projectId: outcome.projectId,
      tokens: 0,
      durationMs: performance.now() - started,
    });
    if (outcome.kind === 'state') return c.json(outcome.state, 200);
    return c.json(outcome.job, 202, { location: `/v1/index/status/${outcome.job.job_id}` });
  });
  app.openapi(diff, async (c) => c.json(await diffIndex(parts, c.get('caller'), c.req.valid('json')), 200));
  app.openapi(contents, async (c) => {
    const received = await receiveContents(parts, c.get('caller'), c.req.valid('json'));
    return c.json({ contents_stored: received.contents, vectors_stored: received.vectors }, 200);
  });
  app.openapi(status, async (c) =>
    c.json(await getJob(parts.database, c.get('caller'), c.req.valid('param').job_id), 200),
  );
  app.openapi(cancel, async (c) =>
    c.json(await cancelJob(parts.database, c.get('caller'), c.req.valid('param').job_id), 200),
  );
}
