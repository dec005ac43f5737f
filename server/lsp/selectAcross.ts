import { pathToFileURL } from 'node:url';
import path from 'node:path';
import {
  budgetLimits,
  type SelectAnswer,
  type SelectedRange,
  type SelectParams,
  type Settings,
} from '../../protocol/index.ts';
import type { SelectResult } from '../engine/index.ts';
import type { FolderSession } from './folderSession.ts';

/** Ranked ranges of a folder that decide its share of the budget. */
const shareDepth = 10;

/**
 * One answer over all folders. With several of them each gets a part of the budget in proportion to the scores of its
 * best ranges (at least the least budget there is), and the packs follow one another, best folder first: scores of
 * different indexes are close enough to divide a budget by, and a pack stays what its own engine made.
 */
export async function selectAcross(
  folders: readonly FolderSession[],
  params: SelectParams,
  settings: Settings,
  signal: AbortSignal,
): Promise<SelectAnswer> {
  const budget = params.budget ?? settings.budget;
  const byMeaning = params.byMeaning ?? true;
  await Promise.all(folders.map((folder) => folder.caughtUp(byMeaning ? params.query : null)));
  const shares = await sharesOf(folders, params.query, budget, signal);
  const answers = await Promise.all(
    shares.map(async ({ folder, tokens }) => {
      const engine = await folder.engine();
      const result = await engine.select({
        query: params.query,
        budget: tokens,
        format: params.format ?? settings.format,
        mode: params.mode ?? 'full',
        byMeaning,
        signal,
      });
      return { folder, result };
    }),
  );
  const many = folders.length > 1;
  const sum = (of: (result: SelectResult) => number): number =>
    answers.reduce((total, { result }) => total + of(result), 0);
  return {
    context: answers
      .map(({ folder, result }) => (many ? `## ${folder.name}\n\n${result.context}` : result.context))
      .join('\n'),
    ranges: answers
      .flatMap(({ folder, result }) => result.chunks.map((chunk) => toRange(folder, chunk, many)))
      .sort((a, b) => b.score - a.score),
    tokensUsed: sum(({ metadata }) => metadata.tokensUsed),
    budget,
    filesIncluded: sum(({ metadata }) => metadata.filesIncluded),
    leftOut: sum(({ metadata }) => metadata.leftOut),
    processingMs: Math.max(...answers.map(({ result }) => result.metadata.processingMs)),
    partial: answers.some(({ result }) => result.metadata.partial),
    byMeaning: answers.some(({ result }) => result.metadata.byMeaning),
  };
}

/** Left free for the headings of folders. */
const headingTokens = 32;

async function sharesOf(folders: readonly FolderSession[], query: string, budget: number, signal: AbortSignal) {
  const [only, ...others] = folders;
  if (only !== undefined && others.length === 0) return [{ folder: only, tokens: budget }];
  const scored = await Promise.all(
    folders.map(async (folder) => {
      const ranked = await (await folder.engine()).rank(query, { limit: shareDepth, signal });
      return { folder, weight: ranked.reduce((sum, range) => sum + range.score, 0) };
    }),
  );
  const found = scored.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  const most = Math.max(1, Math.floor(budget / budgetLimits.least));
  const kept = (found.length > 0 ? found : scored).slice(0, most);
  const total = kept.reduce((sum, { weight }) => sum + weight, 0) || 1;
  const spare = budget - kept.length * budgetLimits.least;
  return kept.map(({ folder, weight }) => ({
    folder,
    tokens: Math.max(budgetLimits.least, Math.floor(budgetLimits.least + (spare * weight) / total) - headingTokens),
  }));
}

function toRange(folder: FolderSession, chunk: SelectResult['chunks'][number], many: boolean): SelectedRange {
  const { startLine, endLine, language, scope, content, tokens, score, symbols } = chunk;
  return {
    uri: pathToFileURL(path.join(folder.root, ...chunk.path.split('/'))).href,
    path: many ? `${folder.name}/${chunk.path}` : chunk.path,
    folder: folder.name,
    startLine,
    endLine,
    language,
    scope,
    content,
    tokens,
    score,
    symbols,
  };
}
