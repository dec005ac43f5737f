import { createMiddleware } from 'hono/factory';
import { sha256 } from '../../domain/bytes.ts';
import type { AppEnv } from '../appTypes.ts';

/** Of the JSON of a reply. Weak: the same content may be compressed or not. */
export const etagOf = async (json: string): Promise<string> => `W/"${(await sha256(json)).slice(0, 32)}"`;

const plain = (tag: string): string => tag.trim().replace(/^W\//, '');

/** Whether one of the tags of If-Match or If-None-Match is this one; `*` is any. */
export const matches = (header: string, tag: string): boolean =>
  header.trim() === '*' || header.split(',').some((each) => plain(each) === plain(tag));

/** Readers that have the reply already are told so in a few bytes. */
export const entityTags = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const isJson = c.res.headers.get('content-type')?.startsWith('application/json') === true;
  if (c.req.method !== 'GET' || c.res.status !== 200 || !isJson) return;
  const tag = await etagOf(await c.res.clone().text());
  c.res.headers.set('etag', tag);
  c.res.headers.set('cache-control', 'private, no-cache');
  const known = c.req.header('if-none-match');
  if (known === undefined || !matches(known, tag)) return;
  const headers = new Headers(c.res.headers);
  for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
  c.res = new Response(null, { status: 304, headers });
});
