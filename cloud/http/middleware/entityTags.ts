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
  const { headers, status } = c.res;
  const isJson = headers.get('content-type')?.startsWith('application/json') === true;
  if (c.req.method !== 'GET' || status !== 200 || !isJson) return;
  const body = await c.res.text();
  const tag = await etagOf(body);
  headers.set('etag', tag);
  headers.set('cache-control', 'private, no-cache');
  const known = c.req.header('if-none-match');
  const isKnown = known !== undefined && matches(known, tag);
  if (isKnown) for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
  // Made anew: what was read is a stream, and a copy of it another one. A text is sent as it is.
  c.res = undefined;
  c.res = isKnown ? new Response(null, { status: 304, headers }) : new Response(body, { status, headers });
});
