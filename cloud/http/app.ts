import { OpenAPIHono } from '@hono/zod-openapi';
import { except } from 'hono/combine';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { ApiError, type InputFault } from '../domain/apiError.ts';
import type { AppEnv, AppParts } from './appTypes.ts';
import { authenticated } from './middleware/authenticated.ts';
import { entityTags } from './middleware/entityTags.ts';
import { idempotent } from './middleware/idempotent.ts';
import { indexBodies } from './middleware/indexBodies.ts';
import { jsonBodies } from './middleware/jsonBodies.ts';
import { jsonReplies } from './middleware/jsonReplies.ts';
import { observe } from './middleware/observe.ts';
import { packed } from './middleware/packed.ts';
import { sendProblem } from './problem.ts';
import { contextRoutes } from './routes/context.ts';
import { indexingRoutes } from './routes/indexing.ts';
import { keyRoutes } from './routes/keys.ts';
import { memberRoutes } from './routes/members.ts';
import { organizationRoutes } from './routes/organization.ts';
import { projectRoutes } from './routes/projects.ts';
import { serviceRoutes } from './routes/service.ts';
import { snapshotRoutes } from './routes/snapshots.ts';

interface Issue {
  path: PropertyKey[];
  message: string;
}

const places: Record<string, string> = { json: 'body', query: 'query', param: 'path', header: 'header' };

const toFaults = (target: string, issues: readonly Issue[]): InputFault[] =>
  issues.map(({ path, message }) => ({ path: [places[target] ?? target, ...path].map(String).join('.'), message }));

/** `GET /v1/projects/{project}` as a test for paths. */
const toPattern = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/\\\{\w+\\\}/g, '[^/]+')
      .replace(/:\w+/g, '[^/]+')}$`,
  );

/** Paths and the methods they take: a path that is there for another method is not "not found". */
function methodsOf(app: OpenAPIHono<AppEnv>, path: string): string[] {
  const routes = app.routes.filter(
    ({ method, path: pattern }) => method !== 'ALL' && !pattern.includes('*') && toPattern(pattern).test(path),
  );
  return [...new Set(routes.map(({ method }) => method))];
}

/** Texts of the address that no database takes. */
const hasBadText = (url: string): boolean => {
  try {
    return decodeURIComponent(new URL(url).search + new URL(url).pathname).includes('\0');
  } catch {
    return true; // a percent sign that begins no byte, or bytes that are no text
  }
};

/** Whole source trees come in here. */
const indexPaths = '/v1/index/*';

/** The platform as one function from requests to replies, the same on every host. */
export function createApp(parts: AppParts): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const faults = toFaults(result.target, result.error.issues);
      throw new ApiError(
        'invalid_input',
        `The request is not valid: ${faults.map(({ path, message }) => `${path}: ${message}`).join('; ')}.`,
        { faults },
      );
    },
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'ck_live_…',
  });
  app.onError((error, c) => sendProblem(c, error, parts));
  app.notFound((c) => {
    const methods = methodsOf(app, c.req.path);
    const error =
      methods.length > 0
        ? new ApiError('method_not_allowed', `This takes ${methods.join(', ')}.`)
        : new ApiError('not_found', 'There is nothing at this address.', { hint: 'GET /docs shows what there is.' });
    const response = sendProblem(c, error, parts);
    if (methods.length > 0) response.headers.set('allow', methods.join(', '));
    return response;
  });

  app.use(requestId({ limitLength: 100 }));
  app.use(observe(parts));
  app.use(secureHeaders());
  app.use(packed(parts));
  app.use(jsonReplies);
  app.use(async (c, next) => {
    if (hasBadText(c.req.url)) throw new ApiError('invalid_input', 'The address holds what is not text.');
    await next();
  });
  app.use(except(indexPaths, jsonBodies(parts.maxBodyBytes)));
  // A sign-in is how somebody comes to have a key.
  app.use('/v1/*', except('/v1/auth/*', authenticated(parts)));
  app.use(indexPaths, indexBodies(parts.maxIndexBodyBytes));
  app.use('/v1/*', entityTags(parts));
  app.use('/v1/*', except('/v1/auth/*', idempotent(parts)));

  projectRoutes(app, parts);
  indexingRoutes(app, parts);
  snapshotRoutes(app, parts);
  contextRoutes(app, parts);
  organizationRoutes(app, parts);
  memberRoutes(app, parts);
  keyRoutes(app, parts);
  serviceRoutes(app, parts);
  return app;
}
