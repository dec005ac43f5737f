import { HTTPException } from 'hono/http-exception';
import type { Problem } from '../../protocol/api/index.ts';
import { ApiError, type ApiErrorCode } from '../domain/apiError.ts';
import { BlobStoreError } from '../ports/blobStore.ts';
import { DatabaseError } from '../ports/database.ts';
import { EmbedderError } from '../ports/embedder.ts';
import { VectorStoreError } from '../ports/vectorStore.ts';
import type { AppContext, AppParts } from './appTypes.ts';
import { httpStatus, titles, type ErrorStatus } from './httpStatus.ts';

const unavailable = (what: string, cause: unknown): ApiError =>
  new ApiError('unavailable', `${what} does not answer now.`, {
    hint: 'Try again in a few seconds; a write that is sent with an Idempotency-Key is done once, however often it is sent.',
    retryAfterMs: 5_000,
    cause,
  });

function ofDatabase(error: DatabaseError): ApiError | undefined {
  if (error.isUnavailable || error.isConflict) return unavailable('The database', error);
  // A value that passed our own checks and is none for the database: a date of the year 20000, say.
  if (error.sqlState?.startsWith('22') === true) {
    return new ApiError('invalid_input', 'A value of this request cannot be stored.', { cause: error });
  }
  return undefined;
}

const codeOfStatus: Partial<Record<number, ApiErrorCode>> = {
  400: 'invalid_input',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** Planned refusals, and what stands for one; undefined for a bug. */
function toApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof DatabaseError) return ofDatabase(error);
  if (error instanceof VectorStoreError && error.isUnavailable) return unavailable('The vector store', error);
  if (error instanceof BlobStoreError && error.isUnavailable) return unavailable('The blob store', error);
  if (error instanceof EmbedderError && error.isUnavailable) return unavailable('The embedding provider', error);
  if (error instanceof HTTPException) {
    const code = codeOfStatus[error.status];
    return code === undefined ? undefined : new ApiError(code, error.message || 'The request cannot be read.');
  }
  return undefined;
}

function headersOf(error: ApiError): Record<string, string> {
  const { rateLimit, retryAfterMs, code } = error;
  return {
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    ...(rateLimit === undefined ? {} : rateHeaders(rateLimit)),
    // The rest of the body is not read: nothing else can come over this connection.
    ...(code === 'payload_too_large' ? { connection: 'close' } : {}),
    ...(httpStatus[code] === 401 ? { 'www-authenticate': 'Bearer realm="contextkit"' } : {}),
  };
}

export function rateHeaders({ limit, remaining, resetMs }: NonNullable<ApiError['rateLimit']>): Record<string, string> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.ceil(resetMs / 1000)),
  };
}

function send(
  c: AppContext,
  status: ErrorStatus,
  problem: Omit<Problem, 'title' | 'status' | 'request_id' | 'type'>,
  headers: Record<string, string>,
): Response {
  const body: Problem = {
    type: `urn:contextkit:problem:${problem.code}`,
    title: titles[status],
    status,
    ...problem,
    request_id: c.get('requestId'),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}

/** Every refusal leaves here: as a document for programs and people, and in the log where it is a fault of ours. */
export function sendProblem(
  c: AppContext,
  error: unknown,
  { log, metrics }: Pick<AppParts, 'log' | 'metrics'>,
): Response {
  const known = toApiError(error);
  if (known?.code === 'rate_limited') metrics.limited('rate');
  if (known?.code === 'quota_exceeded') metrics.limited('quota');
  if (known === undefined) {
    const bug = error instanceof Error ? error : new Error(String(error));
    log('error', 'request.failed', {
      request_id: c.get('requestId'),
      error: bug.name,
      message: bug.message,
      stack: bug.stack,
    });
    const detail = 'This is a fault of ours; nothing is known about what was changed.';
    return send(c, 500, { code: 'internal', detail, hint: 'Name the request id when you report it.' }, {});
  }
  if (known.code === 'unavailable') {
    const cause = known.cause instanceof Error ? known.cause.message : undefined;
    log('warn', 'request.unavailable', { request_id: c.get('requestId'), message: known.message, cause });
  }
  const errors = known.faults.length === 0 ? {} : { errors: [...known.faults] };
  const hint = known.hint === undefined ? {} : { hint: known.hint };
  return send(
    c,
    httpStatus[known.code],
    { code: known.code, detail: known.message, ...hint, ...errors },
    headersOf(known),
  );
}
