import type { RankedChunk } from '../../core/rank/types.ts';
import { embedPriority } from '../embedding/types.ts';
import type { VectorSupply } from './vectorSupply.ts';

/** So many ranges are embedded for a question, among them the best one of each of so many files. */
const mostRanges = 50;
const firstFiles = 20;
/** Ranked ranges that hold as many files, mostly. */
export const candidateDepth = 200;

/**
 * The ranges that are worth a vector, best first. Files are compared by their nearest range: where the first files had
 * some five vectors each and the next none, these would have no chance to come before them.
 */
export function candidatesAmong<Range extends Pick<RankedChunk, 'path'>>(ranked: readonly Range[]): Range[] {
  const bestOfFile = new Map<string, Range>();
  for (const range of ranked) if (!bestOfFile.has(range.path)) bestOfFile.set(range.path, range);
  const chosen = new Set([...bestOfFile.values()].slice(0, firstFiles));
  for (const range of ranked) {
    if (chosen.size >= mostRanges) break;
    chosen.add(range);
  }
  return ranked.filter((range) => chosen.has(range));
}

/** Embeds those of these ranges that have no vector, best first, until the signal is given. What is done counts. */
export async function embedCandidates(
  supply: VectorSupply,
  ranked: readonly RankedChunk[],
  signal: AbortSignal,
): Promise<void> {
  const linesOf = new Map<string, number[]>();
  const order = new Map(ranked.map(({ path, startLine }, i) => [`${path}:${startLine}`, i]));
  for (const { path, startLine } of ranked) linesOf.set(path, [...(linesOf.get(path) ?? []), startLine]);
  const files = await supply.chunksToEmbed([...linesOf].map(([path, startLines]) => ({ path, startLines })));
  if (files.length === 0) return;
  const rankOf = ({ path, startLine }: { path: string; startLine: number }): number =>
    order.get(`${path}:${startLine}`)!;
  const places = supply.textsOf(files).sort((a, b) => rankOf(a) - rankOf(b));
  try {
    await supply.embed(places, { priority: embedPriority.answer, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
