import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { createSnapshot, snapshot, snapshotPage, snapshotQuery, uuid } from '../../../protocol/api/index.ts';
import { ApiError } from '../../domain/apiError.ts';
import { downloadSnapshot, findReadySnapshot, type ByteRange } from '../../domain/snapshots/downloadSnapshot.ts';
import * as snapshots from '../../domain/snapshots/manageSnapshots.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody, ofProject } from '../endpoint.ts';
import { matches } from '../middleware/entityTags.ts';

const tags = ['Snapshots'] as [string];
const params = z.object({ snapshot_id: uuid.meta({ description: 'Of the snapshot' }) });

const list = endpoint({
  method: 'get',
  path: '/v1/snapshots',
  operationId: 'listSnapshots',
  summary: 'The snapshots of a project',
  description: 'Of each branch the newest three that are ready, those being made, and those that failed within a day.',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { query: snapshotQuery },
  responses: { 200: json(snapshotPage, 'Newest first') },
});

const create = endpoint({
  method: 'post',
  path: '/v1/snapshots',
  operationId: 'createSnapshot',
  summary: 'A snapshot of the newest revision of a branch',
  description:
    'Made by a job, which `DELETE /v1/index/jobs/{job_id}` cancels. Of a revision that has one already it is that one, ' +
    'unless vectors came since that it lacks. Syncs go on meanwhile and do not change it.',
  tags,
  scope: 'project:write',
  errors: ofProject,
  request: { body: jsonBody(createSnapshot) },
  responses: {
    200: json(snapshot, 'There is one already'),
    202: json(snapshot, 'It is being made'),
  },
});

const get = endpoint({
  method: 'get',
  path: '/v1/snapshots/{snapshot_id}',
  operationId: 'getSnapshot',
  summary: 'One snapshot',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { params },
  responses: { 200: json(snapshot, 'The snapshot') },
});

const gzip = { 'application/gzip': { schema: { type: 'string', format: 'binary' } as const } };

const download = endpoint({
  method: 'get',
  path: '/v1/snapshots/{snapshot_id}/download',
  operationId: 'downloadSnapshot',
  summary: 'What is in a snapshot',
  description:
    'The index of the revision: of each file its path, the hash of its content, and what is known of it (chunks, ' +
    'symbols, links, words, digests), then the vectors. No texts. Packed with gzip; what is in it is described in ' +
    'docs/cloud.md. A download that broke off is gone on with by `Range`, with the ETag as `If-Range`. Each is written ' +
    'to the audit log.',
  tags,
  scope: 'project:read',
  errors: [...ofProject, 'conflict', 'range_not_satisfiable'],
  request: { params },
  responses: {
    200: { description: 'All of it', content: gzip },
    206: { description: 'What `Range` asked for, where it is one range', content: gzip },
    304: { description: 'Nothing has changed since the ETag of If-None-Match.' },
  },
});

const remove = endpoint({
  method: 'delete',
  path: '/v1/snapshots/{snapshot_id}',
  operationId: 'deleteSnapshot',
  summary: 'Delete a snapshot',
  description: 'One that is being made is cancelled.',
  tags,
  scope: 'project:write',
  errors: ofProject,
  request: { params },
  responses: { 204: { description: 'It is gone.' } },
});

/**
 * The one range that is asked for; undefined: all of it. Several ranges, other units and nonsense may be passed over, as
 * HTTP has it. @throws {ApiError} range_not_satisfiable
 */
function readRange(header: string | undefined, bytes: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const first = from === '' ? Math.max(0, bytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  if (first < bytes && first <= last) return { first, last };
  throw new ApiError('range_not_satisfiable', `The snapshot has ${bytes} bytes.`, {
    hint: 'It is all there already where a range begins at its end.',
  });
}

export function snapshotRoutes(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  app.openapi(list, async (c) => {
    const { items, nextCursor } = await snapshots.listSnapshots(parts.database, c.get('caller'), c.req.valid('query'));
    return c.json({ snapshots: items, next_cursor: nextCursor }, 200);
  });
  app.openapi(create, async (c) => {
    const made = await snapshots.createSnapshot(parts, c.get('caller'), c.req.valid('json'));
    const headers = { location: `/v1/snapshots/${made.id}` };
    return made.status === 'ready' ? c.json(made, 200, headers) : c.json(made, 202, headers);
  });
  app.openapi(get, async (c) =>
    c.json(await snapshots.getSnapshot(parts.database, c.get('caller'), c.req.valid('param').snapshot_id), 200),
  );
  app.openapi(download, async (c) => {
    const caller = c.get('caller');
    const ready = await findReadySnapshot(parts.database, caller, c.req.valid('param').snapshot_id);
    // Of these very bytes: the same content may be packed otherwise another time.
    const etag = `"${ready.id}-${ready.digest.slice(0, 32)}"`;
    const headers = { etag, 'cache-control': 'private, no-cache, no-transform', 'accept-ranges': 'bytes' };
    const known = c.req.header('if-none-match');
    if (known !== undefined && matches(known, etag)) return c.body(null, 304, headers);
    const condition = c.req.header('if-range');
    const isSame = condition === undefined || condition.trim() === etag;
    const range = isSame ? readRange(c.req.header('range'), ready.bytes) : undefined;
    const { first, last } = range ?? { first: 0, last: ready.bytes - 1 };
    const ofBody = {
      ...headers,
      'content-type': 'application/gzip',
      'content-length': String(last - first + 1),
      'content-disposition': `attachment; filename="revision-${ready.revision}.contextkit.gz"`,
    };
    // Who asks for the head alone takes nothing.
    const body = c.req.method === 'HEAD' ? '' : await downloadSnapshot(parts, caller, ready, { first, last });
    if (range === undefined) return c.body(body, 200, ofBody);
    return c.body(body, 206, { ...ofBody, 'content-range': `bytes ${first}-${last}/${ready.bytes}` });
  });
  app.openapi(remove, async (c) => {
    await snapshots.deleteSnapshot(parts, c.get('caller'), c.req.valid('param').snapshot_id);
    return c.body(null, 204);
  });
}
