import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from './appTypes.ts';

export type ApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** The identifier is new in OpenAPI 3.1, which the types of the library do not know in this place. */
const license = { name: 'MIT', identifier: 'MIT' };

/** What the API is, as a document for programs; made of the routes themselves. */
export function apiDocument(app: OpenAPIHono<AppEnv>, version: string): ApiDocument {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'ContextKit',
      version,
      description:
        'The right code for a question, inside a token budget, for a whole team.\n\nErrors are problem documents (RFC 9457) with a stable `code`. Lists are paged: pass `next_cursor` as `cursor`. ' +
        'Reads have ETags. Writes take an `Idempotency-Key`.',
      license,
    },
    tags: [
      { name: 'Projects', description: 'What is indexed and asked about' },
      {
        name: 'Index',
        description:
          'Syncing a working copy: ask for the difference, send what is lacking, then make it visible as the next revision',
      },
      { name: 'Snapshots', description: 'A revision of an index as one file, to start from it without indexing' },
      { name: 'Context', description: 'Questions about what is indexed' },
      { name: 'Organization', description: 'The tenant: its plan, its usage, its audit log' },
      { name: 'Members', description: 'People and their roles' },
      { name: 'API keys', description: 'What programs and editors send as `Authorization: Bearer ck_live_…`' },
      { name: 'Service', description: 'For those who run the platform' },
    ],
    servers: [{ url: '/' }],
  });
}
