import * as z from 'zod';
import { budgetLimits, packModes } from './settings.ts';

/** Longer questions are answered by their beginning. */
const mostQueryCharacters = 20_000;

const query = z.string().max(mostQueryCharacters);
const symbol = z.string().trim().min(1).max(1_000);
const inside = z.string().min(1).max(4_096).optional();

/** What the tools of the MCP server take; descriptions are what a language model reads of them. */
export const mcpTools = {
  select_context: z.strictObject({
    query: query
      .default('')
      .describe(
        'What you look for, as a question, a task or keywords: "where are retries limited", an error message, a stack trace, a commit message. May be left out with mode "map".',
      ),
    budget: z
      .number()
      .int()
      .min(budgetLimits.least)
      .max(budgetLimits.most)
      .optional()
      .describe(`Most tokens of the code that comes back (default ${budgetLimits.default}).`),
    mode: z
      .enum(packModes)
      .optional()
      .describe(
        '"full" (default): the code itself. "map": signatures only, for an overview of many files; without a query of the whole repository.',
      ),
    sources: z
      .array(z.string().min(1).max(4_096))
      .max(100)
      .optional()
      .describe('Only these folders or globs (gitignore syntax), e.g. ["src/server", "*.go"].'),
    include_imports: z
      .boolean()
      .optional()
      .describe('Also what the chosen code calls and names by type: short definitions whole, others as signatures.'),
    have: z
      .array(z.string().min(1).max(100))
      .max(100)
      .optional()
      .describe(
        'Ids of packs from earlier answers that you still have before you: ranges that have not changed since are left out.',
      ),
  }),
  find_symbols: z.strictObject({
    name: symbol.describe('A name, a part of one, or the beginnings of its words (gUP for getUrlParts).'),
    match: z
      .enum(['exact', 'prefix', 'any'])
      .optional()
      .describe('"exact": the whole name in any letter case; "any" (default) also parts of names and typos.'),
    limit: z.number().int().min(1).max(500).optional().describe('At most so many (default 30).'),
  }),
  find_references: z.strictObject({
    symbol: symbol.describe('A name, or Type.member.'),
    path: inside.describe('Only definitions in this file or folder.'),
    limit: z.number().int().min(1).max(1_000).optional().describe('At most so many references (default 60).'),
  }),
  trace_calls: z.strictObject({
    symbol: symbol.describe('A name, or Type.member.'),
    direction: z.enum(['both', 'callers', 'callees']).optional().describe('Default "both".'),
    depth: z.number().int().min(1).max(10).optional().describe('Hops to follow (default 1).'),
    path: inside.describe('Only definitions in this file or folder.'),
    limit: z.number().int().min(1).max(1_000).optional().describe('At most so many calls each way (default 40).'),
  }),
  check_index: z.strictObject({
    path: inside.describe(
      'A file or folder: why it is, or is not, among the answers. Left out: the state of the index.',
    ),
    query: query.optional().describe('With a path: also its rank for this question.'),
  }),
} as const;

export type McpTool = keyof typeof mcpTools;
export type McpInput<Tool extends McpTool> = z.output<(typeof mcpTools)[Tool]>;
