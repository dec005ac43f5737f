import { z } from 'zod';
import { plan, uuid } from './common.ts';

export const usageQuery = z.strictObject({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'must be a month as 2026-02')
    .optional()
    .meta({ description: 'This month (UTC) where it is left out.', examples: ['2026-02'] }),
});

const sums = { queries: z.int(), tokens: z.int() };

export const usage = z
  .object({
    month: z.string(),
    plan,
    queries: z.int(),
    queries_limit: z.int().nullable().meta({ description: 'null: as many as you like' }),
    tokens: z.int(),
    storage_bytes: z.int(),
    projects: z.array(z.object({ project_id: uuid, ...sums })),
    keys: z.array(z.object({ key_id: uuid, ...sums })),
    days: z.array(z.object({ day: z.iso.date(), ...sums })),
  })
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof usage>;
