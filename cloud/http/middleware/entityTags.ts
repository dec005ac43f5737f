import { createMiddleware } from 'hono/factory';
import type { HostBytes } from '../../ports/hostBytes.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { textOf } from './jsonReplies.ts';

/** Of the JSON of a reply. Weak: the same content may be compressed or not. */
export const etagOf = async ({ sha256 }: HostBytes, json: string): Promise<string> =>
  `W/"${(await sha256(json)).slice(0, 32)}"`;

const plain = (tag: string): string => tag.trim().replace(/^W\//, '');

/** Whether one of the tags of If-Match or If-None-Match is this one; `*` is any. */
export const matches = (header: string, tag: string): boolean =>
  header.trim() === '*' || header.split(',').some((each) => plain(each) === plain(tag));

/** Readers that have the reply already are told so in a few bytes. */
export const entityTags = ({ bytes }: Pick<AppParts, 'bytes'>) =>
  createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const text = textOf(c.res);
    if (c.req.method !== 'GET' || c.res.status !== 200 || text === undefined) return;
    const tag = await etagOf(bytes, text);
    const { headers } = c.res;
    headers.set('etag', tag);
    headers.set('cache-control', 'private, no-cache');
    const known = c.req.header('if-none-match');
    if (known === undefined || !matches(known, tag)) return;
    headers.delete('content-type');
    c.res = undefined;
    c.res = new Response(null, { status: 304, headers });
  });
