import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  callGraph,
  callQuery,
  foundSymbols,
  selectContext,
  selectedContext,
  symbolQuery,
  type SelectedContext,
} from '../../../protocol/api/index.ts';
import { branchOfProject } from '../../domain/context/branchOfProject.ts';
import type { Revision } from '../../domain/context/contextPorts.ts';
import type { GraphEdge, GraphSymbol, SelectAnswer } from '../../domain/context/contextService.ts';
import { requireQuota } from '../../domain/limits/requestLimits.ts';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { endpoint, json, jsonBody, ofProject } from '../endpoint.ts';

const tags = ['Context'] as [string];

const select = endpoint({
  method: 'post',
  path: '/v1/context/select',
  operationId: 'selectContext',
  summary: 'The right code for a question, inside a token budget',
  description: 'Counts as a query of this month.',
  tags,
  scope: 'project:read',
  errors: [...ofProject, 'quota_exceeded'],
  request: { body: jsonBody(selectContext) },
  responses: { 200: json(selectedContext, 'The context') },
});

const symbols = endpoint({
  method: 'get',
  path: '/v1/symbols/search',
  operationId: 'searchSymbols',
  summary: 'Definitions by name',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { query: symbolQuery },
  responses: { 200: json(foundSymbols, 'Definitions, best match first') },
});

const calls = endpoint({
  method: 'get',
  path: '/v1/graph/calls',
  operationId: 'getCalls',
  summary: 'Who calls a definition, and what it calls',
  tags,
  scope: 'project:read',
  errors: ofProject,
  request: { query: callQuery },
  responses: { 200: json(callGraph, 'Each definition of the name with its calls; none where there is no such name') },
});

const toRevision = ({ branch, number, rootHash }: Revision) => ({ branch, number, root_hash: rootHash });

const toDefinition = ({ path, ...rest }: GraphSymbol) => ({ ...rest, file: path });

const toCall = ({ caller, callee, path, lines, depth }: GraphEdge) => ({
  caller: caller === null ? null : toDefinition(caller),
  callee: toDefinition(callee),
  file: path,
  lines,
  depth,
});

const inMs = (ms: number): number => Math.round(ms * 10) / 10;

function toReply(answer: SelectAnswer, budget: number, ms: number): SelectedContext {
  const { revision } = answer;
  return {
    context: answer.context,
    chunks: answer.chunks.map(({ startLine, endLine, ...rest }) => ({
      ...rest,
      start_line: startLine,
      end_line: endLine,
    })),
    metadata: {
      project_id: revision.projectId,
      revision: toRevision(revision),
      tokens_used: answer.tokensUsed,
      budget,
      files_included: answer.filesIncluded,
      left_out: answer.leftOut,
      by_meaning: answer.byMeaning,
      notes: answer.notes,
      processing_time_ms: inMs(ms),
      cache_hit: answer.isCached,
    },
  };
}

export function contextRoutes(app: OpenAPIHono<AppEnv>, parts: AppParts): void {
  const { database, context, usage, metrics } = parts;
  app.openapi(select, async (c) => {
    const started = performance.now();
    const caller = c.get('caller');
    const { project_id: ref, branch, include_imports: includeImports, ...question } = c.req.valid('json');
    requireQuota(caller, new Date());
    const { org, keyId } = caller;
    const place = await branchOfProject(database, caller, ref, branch);
    const { projectId } = place;
    const answer = await context.select(place, { ...question, includeImports });
    const ms = performance.now() - started;
    // Before the reply: what was answered is counted, whatever happens afterwards.
    const tokens = answer.tokensUsed;
    await usage.record(org, { id: crypto.randomUUID(), keyId, type: 'query', projectId, tokens, durationMs: ms });
    metrics.queryTokens(org, tokens);
    return c.json(toReply(answer, question.budget, ms), 200);
  });
  app.openapi(symbols, async (c) => {
    const caller = c.get('caller');
    const { project_id: ref, branch, query, exact, limit } = c.req.valid('query');
    const { revision, answer } = await context.symbols(await branchOfProject(database, caller, ref, branch), {
      name: query,
      match: exact === 'true' ? 'exact' : 'any',
      limit,
    });
    const found = answer.map(({ path, startLine, endLine, ...rest }) => ({
      ...rest,
      file: path,
      start_line: startLine,
      end_line: endLine,
    }));
    return c.json({ symbols: found, revision: toRevision(revision) }, 200);
  });
  app.openapi(calls, async (c) => {
    const caller = c.get('caller');
    const { project_id: ref, branch, symbol, path, ...request } = c.req.valid('query');
    const { revision, answer } = await context.graph(await branchOfProject(database, caller, ref, branch), {
      symbol,
      ...request,
      ...(path === undefined ? {} : { path }),
    });
    const definitions = answer.definitions.map((each) => ({
      symbol: toDefinition(each.symbol),
      callers: each.callers.map(toCall),
      callees: each.callees.map(toCall),
      truncated: each.truncated,
    }));
    return c.json({ symbol, definitions, more: answer.more, revision: toRevision(revision) }, 200);
  });
}
