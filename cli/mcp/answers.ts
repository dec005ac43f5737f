import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { budgetLimits, type McpInput, type McpTool } from '../../protocol/index.ts';
import { noSuchSymbol } from '../noSuchSymbol.ts';
import { graphLines } from '../output/graphLines.ts';
import { packLines } from '../output/packLines.ts';
import { referenceLines, type Wording } from '../output/referenceLines.ts';
import { statusLines } from '../output/statusLines.ts';
import { symbolLines } from '../output/symbolLines.ts';
import { plain, startOf } from '../output/terminal.ts';
import { whyLines } from '../output/whyLines.ts';
import type { OpenWorkspace } from '../session.ts';

/** What a tool gives: texts, each a block of its own. */
export type Answer = string[];

/** Answers a tool from a folder that has been brought up to date. */
export type Answering<Tool extends McpTool> = (
  workspace: OpenWorkspace,
  input: McpInput<Tool>,
  signal: AbortSignal,
) => Promise<Answer>;

/** As many as a model takes in, unless it asks for more. */
const defaultLimit = { symbols: 30, references: 60, calls: 40 } as const;

const wording: Wording = { limit: 'a higher `limit`', inside: '`path`' };

const text = (lines: readonly string[]): Answer => [lines.join('\n').trimEnd()];

/** Models name paths as they have seen them, some of them from the root of the disk. */
function fromRoot({ root }: OpenWorkspace, named: string): string {
  const relative = path.isAbsolute(named) ? path.relative(root, named) || '.' : named;
  return path.sep === '/' ? relative : relative.split(path.sep).join('/');
}

const inside = (workspace: OpenWorkspace, named: string | undefined): { path?: string } =>
  named === undefined ? {} : { path: fromRoot(workspace, named) };

/** One answer a tool. */
export const answers: { [Tool in McpTool]: Answering<Tool> } = {
  async select_context(workspace, input, signal) {
    const { engine, config } = workspace;
    const { query, budget, mode = 'full', sources, have, include_imports: includeImports = false } = input;
    if (query.trim() === '' && mode === 'full')
      throw new AppError('invalid_input', 'the query is empty', {
        hint: 'Say in a few words what you look for, or set mode to "map" for an overview of the repository.',
      });
    const { context, metadata } = await engine.select({
      query,
      mode,
      budget: budget ?? config.budget ?? budgetLimits.default,
      format: config.format ?? 'markdown',
      includeImports,
      signal,
      ...(sources === undefined ? {} : { sources: sources.map((each) => fromRoot(workspace, each)) }),
      ...(have === undefined ? {} : { have }),
    });
    const { filesIncluded, held } = metadata;
    if (filesIncluded > 0) return [context, packLines(metadata).join('\n')];
    if (held > 0) return ['Nothing is new: you have all that matches.'];
    return [
      query.trim() === ''
        ? 'There is no code to map.'
        : `Nothing matches "${startOf(query)}"${sources === undefined ? '' : ' in these sources'}. Try other words, or check_index to see what is indexed.`,
    ];
  },

  async find_symbols({ engine }, { name, match = 'any', limit = defaultLimit.symbols }) {
    const found = await engine.symbols({ name, match, limit });
    if (found.length > 0) return text(symbolLines(found, plain));
    return [
      `No symbol is called "${startOf(name)}"${match === 'any' ? '' : '; match "any" finds parts of names, too'}.`,
    ];
  },

  async find_references(workspace, { symbol, path: named, limit = defaultLimit.references }, signal) {
    const { engine } = workspace;
    const answer = await engine.references({ symbol, limit, signal, ...inside(workspace, named) });
    if (answer.definitions.length > 0) return text(referenceLines(answer, wording, plain));
    return [await noSuchSymbol(engine, symbol, named)];
  },

  async trace_calls(workspace, { symbol, path: named, direction = 'both', depth = 1, limit = defaultLimit.calls }) {
    const { engine } = workspace;
    const answer = await engine.graph({ symbol, depth, direction, limit, ...inside(workspace, named) });
    if (answer.definitions.length > 0) return text(graphLines(answer, direction, wording, plain));
    return [await noSuchSymbol(engine, symbol, named)];
  },

  async check_index({ engine }, { path: named, query }) {
    if (named === undefined) return text(statusLines(await engine.status(), plain, false));
    return text(whyLines(await engine.why(named, query), plain, ''));
  },
};
