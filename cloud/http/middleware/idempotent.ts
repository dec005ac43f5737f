import { createMiddleware } from 'hono/factory';
import { ApiError } from '../../domain/apiError.ts';
import { sha256 } from '../../domain/bytes.ts';
import { beginIdempotent, endIdempotent, type KeptReply } from '../../domain/idempotency.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { textOf } from './jsonReplies.ts';

/** Set by handlers whose reply holds a secret. */
export const secretReply = 'x-secret-reply';

const writes = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Only what was decided is kept: faults of ours, and requests that came too often, may go otherwise next time. */
const isFinal = (status: number): boolean => status < 500 && status !== 429;

async function keep(response: Response): Promise<KeptReply | undefined> {
  if (!isFinal(response.status)) return undefined;
  const isSecret = response.headers.has(secretReply);
  return {
    status: response.status,
    body: isSecret ? null : (textOf(response) ?? (await response.clone().text())),
    location: response.headers.get('location'),
  };
}

function replay({ status, body, location }: KeptReply): Response {
  if (body === null) {
    throw new ApiError('idempotency_conflict', 'This was done by the first request; its reply is shown only once.', {
      hint: 'Rotate the key that was made then, or make another one.',
    });
  }
  const headers = new Headers({ 'idempotency-replayed': 'true' });
  if (body !== '') headers.set('content-type', status < 400 ? 'application/json' : 'application/problem+json');
  if (location !== null) headers.set('location', location);
  return new Response(body === '' ? null : body, { status, headers });
}

/** A write that is sent again with the same `Idempotency-Key` is done once, and gets the reply of that time. */
export const idempotent = ({ database }: Pick<AppParts, 'database'>) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (key === undefined || !writes.has(c.req.method)) {
      await next();
      c.res.headers.delete(secretReply);
      return;
    }
    if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
      const faults = [{ path: 'header.idempotency-key', message: 'must be 1 to 200 visible ASCII characters' }];
      throw new ApiError('invalid_input', 'The idempotency key cannot be used.', { faults });
    }
    const { org, keyId } = c.get('caller');
    const fingerprint = await sha256(`${c.req.method} ${c.req.url}\n${await c.req.text()}`);
    const request = { org, apiKeyId: keyId, key, fingerprint };
    const before = await beginIdempotent(database, request);
    if (before !== undefined) {
      c.res = replay(before);
      return;
    }
    await next();
    await endIdempotent(database, request, await keep(c.res));
    c.res.headers.delete(secretReply);
  });
