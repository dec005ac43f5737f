import { createHash } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import { renderPack } from '../../core/format/render.ts';
import type { CodeSymbol } from '../../core/model.ts';
import { mapFiles, type MapCandidate } from '../../core/pack/packMap.ts';
import { arrange, chooseRanges, shortened } from '../../core/pack/packRanges.ts';
import type { PackCandidate, PackDocument } from '../../core/pack/types.ts';
import type { RankingOverrides } from '../../core/rank/tunableWeights.ts';
import type { RankedChunk } from '../../core/rank/types.ts';
import type { RankingWeights } from '../../core/rank/weights.ts';
import type { Store, StoredFile } from '../store/index.ts';
import type { SelectedChunk, SelectRequest, SelectResult } from './types.ts';
import {
  contentOf,
  namesWithin,
  replaceStaleRanges,
  scopeAt,
  type CurrentSource,
  type SourceReader,
} from './sourceReader.ts';
import type { TokenCounter } from './tokenCounter.ts';

export const budgetRange = { least: 500, most: 100_000, default: 8_000 } as const;

export interface SelectParts {
  /** The weights of this repository, with some set anew. */
  weights: (more: RankingOverrides) => RankingWeights;
  store: Store;
  reader: SourceReader;
  counter: () => TokenCounter;
  /** True while an index run goes on. */
  partial: () => boolean;
  /** Called with files whose content is no longer what the index knows. */
  onStale: (paths: string[]) => void;
}

/** A request with its defaults filled in; faults are invalid_input. */
export function checkRequest(
  request: SelectRequest,
): Required<Pick<SelectRequest, 'query' | 'budget' | 'format' | 'mode' | 'limit'>> {
  const {
    query,
    budget = budgetRange.default,
    format = 'markdown',
    mode = 'full',
    limit = Number.MAX_SAFE_INTEGER,
  } = request;
  if (query.trim() === '') {
    throw new AppError('invalid_input', 'the query is empty', { hint: 'Say in a few words what you look for.' });
  }
  if (!Number.isInteger(budget) || budget < budgetRange.least || budget > budgetRange.most) {
    throw new AppError('invalid_input', `a budget of ${budget} tokens is out of range`, {
      hint: `Use a whole number from ${budgetRange.least} to ${budgetRange.most}.`,
    });
  }
  if (limit !== Number.MAX_SAFE_INTEGER && (!Number.isInteger(limit) || limit < 1)) {
    throw new AppError('invalid_input', `a limit of ${limit} is out of range`, { hint: 'Use a whole number from 1.' });
  }
  return { query, budget, format, mode, limit };
}

interface Verified {
  range: RankedChunk;
  file: StoredFile;
  source: CurrentSource;
}

/** How many ranked ranges are looked at: enough to fill the budget with short ones. */
function candidateCount(budget: number): number {
  return Math.min(1_000, 40 + Math.ceil(budget / 60));
}

const chunksOf = ({ file, source }: Pick<Verified, 'file' | 'source'>) => source.fresh?.chunks ?? file.chunks;
const symbolsOf = ({ file, source }: Pick<Verified, 'file' | 'source'>): readonly CodeSymbol[] =>
  source.fresh?.symbols ?? file.symbols;

/** Reads each ranked file once; ranges of changed files are replaced, those of vanished files dropped. */
async function verify(
  parts: SelectParts,
  query: string,
  ranked: readonly RankedChunk[],
  signal: AbortSignal | undefined,
) {
  const byPath = new Map<string, RankedChunk[]>();
  for (const range of ranked) byPath.set(range.path, [...(byPath.get(range.path) ?? []), range]);
  const verified: Verified[] = [];
  const stale: string[] = [];
  const files = await parts.store.filesInfo([...byPath.keys()]);
  await Promise.all(
    files.map(async (file) => {
      signal?.throwIfAborted();
      const ranges = byPath.get(file.path) ?? [];
      const source = await parts.reader.read(file);
      if (source === null || source.fresh !== null) stale.push(file.path);
      if (source === null) return;
      const current = source.fresh === null ? ranges : replaceStaleRanges(query, ranges, source.fresh);
      for (const range of current) verified.push({ range, file, source });
    }),
  );
  verified.sort(
    (a, b) =>
      b.range.score - a.range.score ||
      (a.range.path < b.range.path ? -1 : a.range.path > b.range.path ? 1 : a.range.startLine - b.range.startLine),
  );
  return { verified, stale: stale.sort() };
}

async function toCandidates(parts: SelectParts, verified: readonly Verified[]): Promise<PackCandidate[]> {
  const contents = verified.map(({ source, range }) => contentOf(source, range));
  const tokens = await parts.counter().count(contents);
  return verified.map(({ range, file, source }, i) => ({
    path: range.path,
    language: range.language,
    startLine: range.startLine,
    endLine: range.endLine,
    scope: scopeAt(chunksOf({ file, source }), range.startLine),
    score: range.score,
    content: contents[i]!,
    tokens: tokens[i]!,
  }));
}

interface Pack {
  context: string;
  tokensUsed: number;
  chosen: PackCandidate[];
  document: PackDocument;
}

/** Renders, counts the whole text exactly, and takes away from the end until it fits. */
async function packFull(
  parts: SelectParts,
  candidates: PackCandidate[],
  wanted: ReturnType<typeof checkRequest>,
): Promise<Pack> {
  const choice = chooseRanges(candidates, wanted);
  let { chosen } = choice;
  for (;;) {
    const leftOut = choice.leftOut + choice.chosen.length - chosen.length;
    const document = arrange({ chosen, leftOut });
    const context = renderPack(document, wanted.format);
    const [tokensUsed] = await parts.counter().count([context]);
    if (tokensUsed! <= wanted.budget || chosen.length === 0)
      return { context, tokensUsed: tokensUsed!, chosen, document };
    const over = tokensUsed! - wanted.budget;
    const smaller = chosen.length === 1 ? shortened(chosen[0]!, chosen[0]!.tokens - over - 1) : undefined;
    chosen = smaller === undefined ? chosen.slice(0, -1) : [smaller];
  }
}

async function packMap(
  parts: SelectParts,
  verified: readonly Verified[],
  wanted: ReturnType<typeof checkRequest>,
): Promise<Pack> {
  const files = new Map<string, MapCandidate & { wanted: RankedChunk[] }>();
  for (const { range, file, source } of verified) {
    const entry = files.get(range.path) ?? {
      path: range.path,
      language: range.language,
      symbols: symbolsOf({ file, source }),
      wanted: [],
    };
    entry.wanted.push(range);
    files.set(range.path, entry);
  }
  let estimate = wanted.budget;
  for (;;) {
    const mapped = mapFiles([...files.values()], estimate);
    const document: PackDocument = { mode: 'map', ...mapped };
    const context = renderPack(document, wanted.format);
    const [tokensUsed] = await parts.counter().count([context]);
    if (tokensUsed! <= wanted.budget || mapped.files.length === 0)
      return { context, tokensUsed: tokensUsed!, chosen: [], document };
    estimate = Math.floor(Math.min(estimate - 1, (estimate * wanted.budget) / tokensUsed! - 4));
  }
}

function selectedChunks(pack: Pack, verified: readonly Verified[], explain: boolean): SelectedChunk[] {
  return pack.chosen.map((candidate) => {
    const found = verified.find(
      ({ range }) => range.path === candidate.path && range.startLine === candidate.startLine,
    )!;
    return {
      path: candidate.path,
      startLine: candidate.startLine,
      endLine: candidate.endLine,
      language: candidate.language,
      scope: candidate.scope,
      content: candidate.content,
      score: candidate.score,
      tokens: candidate.tokens,
      symbols: namesWithin(symbolsOf(found), candidate),
      ...(explain ? { parts: found.range.parts ?? [] } : {}),
    };
  });
}

function filesOf(document: PackDocument): number {
  return document.files.length;
}

/** rank → verify on read → pack. The same index, files and request give the same bytes. */
export async function selectContext(parts: SelectParts, request: SelectRequest): Promise<SelectResult> {
  const started = performance.now();
  const wanted = checkRequest(request);
  const { signal, explain = false, sources = [] } = request;
  signal?.throwIfAborted();
  const ranked = await parts.store.search(wanted.query, {
    limit: candidateCount(wanted.budget),
    sources,
    explain,
    weights: parts.weights({}),
  });
  signal?.throwIfAborted();
  const { verified, stale } = await verify(parts, wanted.query, ranked, signal);
  if (stale.length > 0) parts.onStale(stale);
  const pack =
    wanted.mode === 'map'
      ? await packMap(parts, verified, wanted)
      : await packFull(parts, await toCandidates(parts, verified), wanted);
  signal?.throwIfAborted();
  return {
    context: pack.context,
    chunks: selectedChunks(pack, verified, explain),
    metadata: {
      tokensUsed: pack.tokensUsed,
      budget: wanted.budget,
      filesIncluded: filesOf(pack.document),
      leftOut: pack.document.leftOut,
      refreshed: stale,
      processingMs: Math.round((performance.now() - started) * 10) / 10,
      partial: parts.partial(),
      packId: createHash('sha256').update(pack.context).digest('hex').slice(0, 16),
    },
  };
}
