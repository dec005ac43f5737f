import { mapPieces } from '../format/mapPieces.ts';
import { textOfPiece } from '../format/pieces.ts';
import { renderPieces, type RenderFormat } from '../format/render.ts';
import type { TokenCounting } from '../tokens/types.ts';
import type { RenderedPack } from './packFull.ts';
import { chooseMap, type MapCosts, type MapFile, type MapSymbol } from './packMap.ts';
import type { MapPack } from './types.ts';

/** A token has about 3.2 characters. */
const charactersPerBudgetToken = 7;

/** Definitions are looked at until they would fill the budget about twice. */
export const charactersFor = (budget: number): number => budget * charactersPerBudgetToken;

/** A map that is this full is not made again. */
const fullEnough = 0.99;
const mostRounds = 12;
/** For the sentence at the end. */
const endTokens = 20;

export interface MapParts {
  /** Ranked, with what they could show. */
  files: readonly MapFile[];
  /** All definitions that could have been given. */
  total: number;
  counter: TokenCounting;
  /** As an AbortSignal. */
  signal: { throwIfAborted(): void } | undefined;
}

/** Counts every line that the map may have. */
async function countCosts(counter: TokenCounting, files: readonly MapFile[], format: RenderFormat): Promise<MapCosts> {
  const pieces = mapPieces(format);
  const texts: string[] = [pieces.gap];
  const frames = new Map<MapFile, number>();
  for (const file of files) {
    frames.set(file, texts.push(pieces.frame(file.path, file.language)) - 1);
    const width = String(file.symbols.at(-1)?.line ?? 0).length;
    for (const symbol of file.symbols) texts.push(pieces.line(symbol, width));
  }
  const counts = await counter.count(texts);
  return {
    file: (file) => counts[frames.get(file)!]!,
    line: (file, symbol) => counts[frames.get(file)! + 1 + symbol]!,
    gap: counts[0]!,
  };
}

interface Aim {
  /** Tokens that the parts of the map may cost, counted one by one. */
  readonly allowed: number;
  /** Definitions that others are tried in the place of. */
  readonly without: ReadonlySet<MapSymbol>;
  /** What the map cost as a whole, and what was chosen last for it. */
  correct(tokensUsed: number, last: MapSymbol | undefined): void;
}

/** Costs of parts do not add up to that of the whole: what they may be is corrected by what came out. */
function createAim(budget: number): Aim {
  let allowed = budget - endTokens;
  let tooMuch = Infinity;
  const without = new Set<MapSymbol>();
  return {
    get allowed() {
      return allowed;
    },
    without,
    correct(tokensUsed, last) {
      const fits = tokensUsed <= budget;
      if (!fits) tooMuch = Math.min(tooMuch, allowed);
      allowed += budget - tokensUsed - (fits ? 0 : 1);
      // A little more is too much: another line in the place of the last one may come closer.
      if (!fits || allowed < tooMuch || last === undefined) return;
      without.add(last);
      tooMuch = Infinity;
    },
  };
}

/** Signatures of the best definitions that fill the budget. */
export async function fillMap(
  { files, total, counter, signal }: MapParts,
  { budget, format }: { budget: number; format: RenderFormat },
): Promise<RenderedPack<MapPack>> {
  const costs = await countCosts(counter, files, format);
  let best: RenderedPack<MapPack> | undefined;
  const aim = createAim(budget);
  for (let round = 0; ; round++) {
    signal?.throwIfAborted();
    const { pack: document, last } = chooseMap(files, costs, aim.allowed, total, aim.without);
    const blocks = renderPieces(document, format).map(textOfPiece);
    const counts = await counter.count(blocks);
    const tokensUsed = counts.reduce((sum, count) => sum + count, 0);
    const fits = tokensUsed <= budget;
    if (fits && (best === undefined || tokensUsed > best.tokensUsed))
      best = { document, context: blocks.join(''), tokensUsed };
    const isFull = best !== undefined && best.tokensUsed >= fullEnough * budget;
    const isAll = fits && document.leftOut === 0;
    if (best !== undefined && (isFull || isAll || round >= mostRounds || document.files.length === 0)) return best;
    aim.correct(tokensUsed, last);
  }
}
