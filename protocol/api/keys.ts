import { z } from 'zod';
import { displayName, instant, nextCursor, scope, uuid } from './common.ts';

export const apiKey = z
  .object({
    id: uuid,
    name: z.string(),
    prefix: z.string().meta({ description: 'How the key begins, to recognise it by.', examples: ['ck_live_4f9'] }),
    scopes: z.array(scope),
    project_ids: z.array(uuid).meta({ description: 'Empty: all projects.' }),
    requests_per_minute: z.int().nullable().meta({ description: 'null: as the plan says' }),
    user_id: uuid.nullable().meta({ description: 'The person it acts for.' }),
    last_used_at: instant.nullable(),
    expires_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKey>;

export const apiKeyPage = z.object({ keys: z.array(apiKey), next_cursor: nextCursor }).meta({ id: 'ApiKeyPage' });

export const newApiKey = apiKey
  .extend({ key: z.string().meta({ description: 'Shown this once: only its digest is kept.' }) })
  .meta({ id: 'NewApiKey' });
export type NewApiKey = z.infer<typeof newApiKey>;

export const createApiKey = z
  .strictObject({
    name: displayName,
    scopes: z.array(scope).min(1).max(4),
    project_ids: z.array(uuid).max(100).default([]),
    requests_per_minute: z.int().min(1).max(100_000).nullable().default(null),
    expires_at: instant.nullable().default(null),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.infer<typeof createApiKey>;

export const rotateApiKey = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(0)
      .meta({ description: 'For so long the old key goes on working.' }),
  })
  .meta({ id: 'RotateApiKey' });
