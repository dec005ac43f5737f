import * as z from 'zod';
import { budgetLimits, packModes } from './settings.ts';

/** A result as the panel shows it. */
const panelRange = z.object({
  id: z.number().int(),
  path: z.string(),
  startLine: z.number().int(),
  endLine: z.number().int(),
  scope: z.string(),
  tokens: z.number(),
  /** 0 to 1, relative to the best. */
  share: z.number(),
  score: z.number(),
});

/** What the host tells the panel. */
export const toPanel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('index'), state: z.enum(['none', 'indexing', 'ready', 'problem']), text: z.string() }),
  z.object({ type: z.literal('searching'), query: z.string() }),
  z.object({
    type: z.literal('results'),
    query: z.string(),
    ranges: z.array(panelRange),
    /** The pack itself where it is a map: it has no ranges. */
    map: z.string().nullable(),
    files: z.number(),
    tokensUsed: z.number(),
    budget: z.number(),
    leftOut: z.number(),
    partial: z.boolean(),
    /** Found by words; the answer that knows the meaning is on its way. */
    preview: z.boolean(),
    ms: z.number(),
  }),
  z.object({ type: z.literal('error'), message: z.string(), hint: z.string().nullable() }),
  z.object({ type: z.literal('budget'), budget: z.number() }),
  z.object({ type: z.literal('focus') }),
]);

/** What the panel asks of the host. */
export const fromPanel = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({
    type: z.literal('search'),
    query: z.string(),
    budget: z.number().int().min(budgetLimits.least).max(budgetLimits.most),
    mode: z.enum(packModes),
  }),
  z.strictObject({ type: z.literal('open'), id: z.number().int() }),
  z.strictObject({ type: z.literal('copy'), id: z.number().int() }),
  z.strictObject({ type: z.literal('copyPack') }),
  z.strictObject({ type: z.literal('showStatus') }),
]);

export type ToPanel = z.output<typeof toPanel>;
export type FromPanel = z.output<typeof fromPanel>;
export type PanelRange = z.output<typeof panelRange>;
