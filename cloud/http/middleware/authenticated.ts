import { createMiddleware } from 'hono/factory';
import { authenticate } from '../../domain/keys/authenticate.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { rateHeaders } from '../problem.ts';

const reads = new Set(['GET', 'HEAD', 'OPTIONS']);
/** They change nothing; their words are only too many for an address. */
const questions = new Set(['/v1/context/select']);

/** Who asks, and whether they have asked too often: before anything else of a request is read. */
export const authenticated = ({
  database,
  environment,
  limits,
  bytes,
}: Pick<AppParts, 'database' | 'environment' | 'limits' | 'bytes'>) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const caller = await authenticate({ database, bytes }, environment, c.req.header('authorization'));
    c.set('caller', caller);
    const isWrite = !reads.has(c.req.method) && !questions.has(c.req.path);
    const state = await limits.hit(caller, isWrite);
    await next();
    for (const [name, value] of Object.entries(rateHeaders(state))) c.res.headers.set(name, value);
  });
