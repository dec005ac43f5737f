import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { ApiError } from '../../domain/apiError.ts';
import { measureJobs } from '../../domain/indexing/measureJobs.ts';
import { inTime } from '../../domain/inTime.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { docsPage } from '../docsPage.ts';
import { endpoint, json } from '../endpoint.ts';
import { apiDocument } from '../openApi.ts';

const tags = ['Service'] as [string];
/** A store that is asked for longer than this counts as silent. */
const healthTimeoutMs = 2_000;

const alive = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Alive' });
const readiness = z
  .object({
    status: z.enum(['ready', 'draining', 'not_ready']),
    checks: z.record(z.string(), z.enum(['ok', 'failed'])),
  })
  .meta({ id: 'Readiness' });

const healthz = endpoint({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  summary: 'Whether the program runs',
  tags,
  responses: { 200: json(alive, 'It does', false) },
});

const readyz = endpoint({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  summary: 'Whether requests should be sent here',
  tags,
  responses: {
    200: json(readiness, 'Yes', false),
    503: json(readiness, 'Not now: a store is silent, or the server is about to end', false),
  },
});

const text = { 'text/plain': { schema: z.string() } };

const metricsRoute = endpoint({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Measures for Prometheus',
  tags,
  errors: ['unauthenticated'],
  responses: { 200: { description: 'In its text format', content: text } },
});

async function passes(check: () => Promise<void>): Promise<boolean> {
  // The reply says which one: the reason stands in the log of whoever needed the store.
  const passed = Promise.resolve()
    .then(check)
    .then(
      () => true,
      () => false,
    );
  return (await inTime(passed, healthTimeoutMs)) ?? false;
}

function once<T extends object | string>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

export function serviceRoutes(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  const { metrics, metricsToken, health, isDraining, version } = parts;
  app.openapi(healthz, (c) => c.json({ status: 'ok' as const, version }, 200));
  const check = (): Promise<(readonly [string, boolean])[]> =>
    Promise.all(Object.entries(health).map(async ([name, answers]) => [name, await passes(answers)] as const));
  app.openapi(readyz, async (c) => {
    const results = await check();
    const checks = Object.fromEntries(
      results.map(([name, isUp]) => [name, isUp ? ('ok' as const) : ('failed' as const)]),
    );
    if (isDraining()) return c.json({ status: 'draining' as const, checks }, 503);
    const isReady = results.every(([, isUp]) => isUp);
    return isReady
      ? c.json({ status: 'ready' as const, checks }, 200)
      : c.json({ status: 'not_ready' as const, checks }, 503);
  });
  app.openapi(metricsRoute, async (c) => {
    if (metricsToken !== undefined && c.req.header('authorization') !== `Bearer ${metricsToken}`) {
      throw new ApiError('unauthenticated', 'The measures need their own token.', {
        hint: 'Send the header "Authorization: Bearer …" with the value of METRICS_TOKEN.',
      });
    }
    const [results] = await Promise.all([check(), measureJobs(parts)]);
    for (const [name, isUp] of results) metrics.dependency(name, isUp);
    metrics.ready(!isDraining() && results.every(([, isUp]) => isUp));
    const { contentType, text: body } = await metrics.expose();
    return c.text(body, 200, { 'content-type': contentType });
  });
  // Made when it is first asked for: all routes are there by then, and stay what they are.
  const document = once(() => apiDocument(app, version));
  const page = once(() => docsPage(document()));
  app.get('/openapi.json', (c) => c.json(document()));
  app.get('/docs', (c) => c.html(page()));
  app.get('/', (c) => c.redirect('/docs'));
}
