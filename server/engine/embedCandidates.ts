import type { RankedChunk } from '../../core/rank/types.ts';
import { embedPriority } from '../embedding/types.ts';
import type { VectorSupply } from './vectorSupply.ts';

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
