import { z } from 'zod';
import { displayName, role, uuid } from './common.ts';
import { newApiKey } from './keys.ts';

export const exchangeSession = z
  .strictObject({
    access_token: z.string().min(1).max(500).meta({ description: 'Of the session that the editor has with GitHub.' }),
    organization: z.string().min(1).max(63).optional().meta({
      description: 'Slug or id; needed by people who belong to several.',
    }),
    device: displayName.optional().meta({ description: 'Where the key will be used: its name in the list of keys.' }),
  })
  .meta({ id: 'ExchangeSession' });
export type ExchangeSession = z.infer<typeof exchangeSession>;

export const session = z
  .object({
    key: newApiKey,
    organization: z.object({ id: uuid, slug: z.string(), name: z.string() }),
    user: z.object({ id: uuid, email: z.string(), role }),
  })
  .meta({ id: 'Session' });
