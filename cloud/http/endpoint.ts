import { createRoute, type RouteConfig } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { problem, type Scope } from '../../protocol/api/index.ts';
import type { ApiErrorCode } from '../domain/apiError.ts';
import { requireScope } from '../domain/caller.ts';
import type { AppEnv } from './appTypes.ts';
import { httpStatus, titles, type ErrorStatus } from './httpStatus.ts';

const problemContent = { 'application/problem+json': { schema: problem } };

export const retryAfter = { 'Retry-After': z.string().meta({ description: 'Seconds' }) };

const rateLimitHeaders = z.object({
  'X-RateLimit-Limit': z.string().meta({ description: 'Requests a minute' }),
  'X-RateLimit-Remaining': z.string(),
  'X-RateLimit-Reset': z.string().meta({ description: 'Seconds until there is more room' }),
});

/** Any request may meet these: an address that is no text is refused everywhere. */
const always: ApiErrorCode[] = ['unavailable', 'invalid_input'];
/** Any request below /v1 with a key. */
const withKey: ApiErrorCode[] = ['unauthenticated', 'rate_limited'];
const withBody: ApiErrorCode[] = ['payload_too_large', 'unsupported_media_type'];
const ofWrites: ApiErrorCode[] = ['idempotency_conflict', 'idempotency_mismatch'];

function errorResponses(codes: readonly ApiErrorCode[]): RouteConfig['responses'] {
  const statuses = new Map<ErrorStatus, Set<string>>([[500, new Set(['internal'])]]);
  for (const code of codes) {
    const status = httpStatus[code];
    statuses.set(status, (statuses.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries(
    [...statuses].map(([status, of]) => [
      status,
      { description: `${titles[status]}: ${[...of].sort().join(', ')}`, content: problemContent },
    ]),
  );
}

/** A route's own reply with the status of an error is documented beside it, not in its place. */
function withErrors(own: RouteConfig['responses'], errors: RouteConfig['responses']): RouteConfig['responses'] {
  const all = { ...own };
  for (const [status, error] of Object.entries(errors)) {
    const reply = own[status];
    const contents = reply !== undefined && 'content' in reply ? reply.content : {};
    all[status] = reply === undefined ? error : { ...reply, content: { ...contents, ...problemContent } };
  }
  return all;
}

const isWrite = (method: RouteConfig['method']): boolean => method !== 'get' && method !== 'head';

/** Read before the handler runs; described here so that the document knows it. */
const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional()
    .meta({ description: 'A request with a key that was used before gives the reply of that time, for 24 hours.' }),
});

const needsScope = (scope: Scope) =>
  createMiddleware<AppEnv>(async (c, next) => {
    requireScope(c.get('caller'), scope);
    await next();
  });

/** What a request that names a project may meet. */
export const ofProject = ['project_not_allowed', 'not_found'] as const satisfies readonly ApiErrorCode[];

export interface EndpointConfig extends Pick<RouteConfig, 'method' | 'path' | 'request' | 'responses'> {
  operationId: string;
  summary: string;
  description?: string;
  tags: [string];
  /** What the key must be good for; null: any key. Undefined: no key at all. */
  scope?: Scope | null;
  /** Besides those that any request of its kind may meet. */
  errors?: readonly ApiErrorCode[];
}

interface CommonParts {
  scope: Scope | null | undefined;
  method: RouteConfig['method'];
  request: RouteConfig['request'] | undefined;
}

/** What any request of its kind may meet. */
function commonErrors({ scope, method, request }: CommonParts): ApiErrorCode[] {
  const hasKey = scope !== undefined;
  return [
    ...always,
    ...(request?.body === undefined ? [] : withBody),
    ...(hasKey ? withKey : []),
    ...(hasKey && isWrite(method) ? ofWrites : []),
    ...(hasKey && scope !== null ? (['scope_missing'] as const) : []),
  ];
}

/**
 * A route with everything that holds for all of its kind: scope, limits, idempotency, the replies to bad requests. All
 * statuses it may give stand in the document.
 */
export function endpoint<const Config extends EndpointConfig>({
  scope,
  errors = [],
  ...config
}: Config): Omit<Config, 'scope' | 'errors'> {
  const writes = isWrite(config.method);
  const hasKey = scope !== undefined;
  const notModified = { 304: { description: 'Nothing has changed since the ETag of If-None-Match.' } };
  const description = [config.description, scope ? `Scope: \`${scope}\`.` : undefined].filter(Boolean).join('\n\n');
  const route = {
    ...config,
    ...(description === '' ? {} : { description }),
    ...(scope ? { middleware: [needsScope(scope)] } : {}),
    request: { ...config.request, ...(hasKey && writes ? { headers: idempotencyHeader } : {}) },
    responses: withErrors(
      { ...config.responses, ...(hasKey && !writes ? notModified : {}) },
      errorResponses([...commonErrors({ scope, method: config.method, request: config.request }), ...errors]),
    ),
    // Said of all: those without are open on purpose.
    security: hasKey ? [{ apiKey: [] }] : [],
  };
  // What was added concerns the document; handlers are typed by what the route itself says.
  return createRoute(route as RouteConfig) as unknown as Omit<Config, 'scope' | 'errors'>;
}

/** A reply with a JSON body. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string, isLimited = true) => ({
  description,
  content: { 'application/json': { schema } },
  ...(isLimited ? { headers: rateLimitHeaders } : {}),
});

/** A request with a JSON body. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true as const,
  content: { 'application/json': { schema } },
});
