import { z } from 'zod';

export const uuid = z.uuid().meta({ examples: ['5c56c793-69f3-4fbf-87e6-c4bf54c28c26'] });

/** No control characters: names are shown in terminals and logs. */
export const displayName = z
  .string()
  .trim()
  .min(1)
  .max(100)

  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must not hold control characters');

/** Stands in addresses, where an id could stand as well: so it must not look like one. */
export const slug = z
  .string()
  .regex(
    /^(?![0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 lower case letters, digits and hyphens, with neither end a hyphen, and not a UUID',
  )
  .meta({ examples: ['web-shop'] });

/** Stands in addresses and bodies. */
export const projectRef = z
  .string()
  .min(1)
  .max(63)
  .meta({ description: 'Id or slug of a project', examples: ['web-shop'] });

export const instant = z.iso.datetime().meta({ description: 'UTC, as 2026-02-09T12:00:00.000Z' });

export const role = z.enum(['owner', 'admin', 'member']);
export type Role = z.infer<typeof role>;

export const plan = z.enum(['free', 'pro', 'team', 'enterprise']);
export type Plan = z.infer<typeof plan>;

export const scopes = ['project:read', 'project:write', 'usage:read', 'org:admin'] as const;
export const scope = z.enum(scopes).meta({
  description:
    'project:write includes project:read; org:admin includes all others, and is needed for members, keys and the audit log.',
});
export type Scope = z.infer<typeof scope>;

/** What every list takes. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50).meta({ description: 'How many a page holds at most' }),
  cursor: z.string().min(1).max(500).optional().meta({ description: 'next_cursor of the page before' }),
});
export type PageQuery = z.infer<typeof pageQuery>;

export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Where the next page begins; null on the last one.' });

/** An error, as RFC 9457 has it. */
export const problem = z
  .object({
    type: z.string().meta({ examples: ['urn:contextkit:problem:not_found'] }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; made for programs.' }),
    detail: z.string(),
    hint: z.string().optional().meta({ description: 'What to do next.' }),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Each fault of an input, by where it is.' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;
