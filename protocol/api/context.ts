import { z } from 'zod';
import { projectRef, uuid } from './common.ts';

const branch = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .meta({ description: 'The one that was indexed last where it is left out', examples: ['main'] });

const query = z.string().max(10_000);

export const selectContext = z
  .strictObject({
    project_id: projectRef,
    branch,
    query: query.meta({ description: 'What you look for, in words, names or paths; a map may do without' }),
    budget: z
      .int()
      .min(500)
      .max(100_000)
      .default(8_000)
      .meta({ description: 'How many tokens the context may have (o200k)' }),
    include_imports: z
      .boolean()
      .default(false)
      .meta({ description: 'With the definitions that the chosen code calls or names' }),
    mode: z
      .enum(['full', 'map'])
      .default('full')
      .meta({ description: 'map: signatures of the definitions nearest to the query' }),
    format: z.enum(['markdown', 'xml', 'json', 'plain']).default('markdown'),
    sources: z
      .array(z.string().min(1).max(500))
      .max(100)
      .default([])
      .meta({ description: 'Folders or globs to take from, `!` before those to leave out; none: everything' }),
  })
  .refine(({ mode, query: text }) => mode === 'map' || text.trim() !== '', {
    path: ['query'],
    message: 'must say what you look for',
  })
  .meta({ id: 'SelectContext' });
export type SelectContext = z.infer<typeof selectContext>;

const revision = z.object({
  branch: z.string(),
  number: z.int(),
  root_hash: z.string(),
});

export const selectedContext = z
  .object({
    context: z.string().meta({ description: 'What to give to a model' }),
    chunks: z
      .array(
        z.object({
          file: z.string(),
          start_line: z.int(),
          end_line: z.int(),
          content: z.string(),
          score: z.number(),
          symbols: z.array(z.string()).meta({ description: 'Names that are defined in it' }),
        }),
      )
      .meta({ description: 'The ranges that the context shows, best first; none of a map' }),
    metadata: z.object({
      project_id: uuid,
      revision: revision.meta({ description: 'What was indexed, at the moment of the answer' }),
      tokens_used: z.int(),
      budget: z.int(),
      files_included: z.int(),
      left_out: z.int().meta({ description: 'Ranges, or definitions of a map, that did not fit' }),
      by_meaning: z.boolean().meta({ description: 'Ranked with vectors, not by words alone' }),
      notes: z.array(z.string()).meta({ description: 'What the answer lacks, and why' }),
      processing_time_ms: z.number(),
      cache_hit: z.boolean(),
    }),
  })
  .meta({ id: 'SelectedContext' });
export type SelectedContext = z.infer<typeof selectedContext>;

const flag = z.enum(['true', 'false']).default('false');

/** Of one address: as whole numbers are written. */
const wholeNumber = (least: number, most: number, otherwise: number) =>
  z.coerce.number().int().min(least).max(most).default(otherwise);

export const symbolQuery = z.strictObject({
  project_id: projectRef,
  branch,
  query: z.string().trim().min(1).max(500).meta({ description: 'A name, or a part of one' }),
  exact: flag.meta({ description: 'Only this name, letter case aside' }),
  limit: wholeNumber(1, 200, 50).meta({ description: 'How many at most' }),
});

export const foundSymbols = z
  .object({
    symbols: z
      .array(
        z.object({
          name: z.string(),
          kind: z.string(),
          file: z.string(),
          line: z.int(),
          start_line: z.int(),
          end_line: z.int(),
          signature: z.string(),
          container: z.array(z.string()).meta({ description: 'Names of the definitions around it, outermost first' }),
          match: z.string().meta({ description: 'How the name fits the query' }),
        }),
      )
      .meta({ description: 'Best match first' }),
    revision,
  })
  .meta({ id: 'FoundSymbols' });

export const callQuery = z.strictObject({
  project_id: projectRef,
  branch,
  symbol: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .meta({ description: 'A name, or `Type.member`', examples: ['Router.handle'] }),
  path: z.string().min(1).max(1_000).optional().meta({ description: 'Only definitions in this file or folder' }),
  depth: wholeNumber(1, 10, 1).meta({ description: 'How many calls away' }),
  direction: z
    .enum(['callers', 'callees', 'both'])
    .default('both')
    .meta({ description: 'Which calls: to it, or by it' }),
  limit: wholeNumber(1, 1_000, 200).meta({ description: 'In each direction' }),
});

const definition = z
  .object({
    name: z.string(),
    kind: z.string(),
    file: z.string(),
    line: z.int(),
    signature: z.string(),
    container: z.array(z.string()),
  })
  .meta({ id: 'Definition' });

const call = z
  .object({
    caller: definition.nullable().meta({ description: 'null: the call is at the top of the file' }),
    callee: definition,
    file: z.string().meta({ description: 'Where the calls are' }),
    lines: z.array(z.int()),
    depth: z.int(),
  })
  .meta({ id: 'Call' });

export const callGraph = z
  .object({
    symbol: z.string(),
    definitions: z
      .array(
        z.object({
          symbol: definition,
          callers: z.array(call),
          callees: z.array(call),
          truncated: z.boolean().meta({ description: 'There are more than the limit' }),
        }),
      )
      .meta({ description: 'One entry a definition of the name, those of source files first' }),
    more: z.int().meta({ description: 'Definitions of the name that are left out' }),
    revision,
  })
  .meta({ id: 'CallGraph' });
