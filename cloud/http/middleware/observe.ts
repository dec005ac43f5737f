import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import type { Caller } from '../../domain/caller.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';

/** The pattern of the route that answered; requests for anything else share one name, so that labels stay few. */
function endpointOf(c: Parameters<typeof routePath>[0]): string {
  const pattern = routePath(c, -1);
  return pattern.includes('*') ? 'unmatched' : pattern;
}

/** Counts and logs each request. The path is not logged: it may hold names. */
export const observe = ({ metrics, log }: Pick<AppParts, 'metrics' | 'log'>) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const started = performance.now();
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
    const seconds = (performance.now() - started) / 1000;
    const endpoint = `${c.req.method} ${endpointOf(c)}`;
    // Not set where the request was refused before it was known who asks.
    const org = (c.get('caller') as Caller | undefined)?.org;
    metrics.request(endpoint, c.res.status, seconds, org);
    log('info', 'request', {
      request_id: c.get('requestId'),
      org,
      endpoint,
      status: c.res.status,
      ms: Math.round(seconds * 1e4) / 10,
    });
  });
