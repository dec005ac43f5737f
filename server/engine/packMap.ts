import { mapPieces } from '../../core/format/mapPieces.ts';
import { renderBlocks } from '../../core/format/render.ts';
import { chooseMap, toMapFile, type MapCosts, type MapFile, type MapSymbol } from '../../core/pack/packMap.ts';
import type { MapPack } from '../../core/pack/types.ts';
import type { MapAnswer, QuestionVector, Store } from '../store/index.ts';
import { byWords } from '../../core/rank/tunedWeights.ts';
import type { WeightsFor } from './rankingWeights.ts';
import type { CheckedRequest } from './checkSelect.ts';
import type { RenderedPack } from './packFull.ts';
import type { SourceReader } from './sourceReader.ts';
import type { TokenCounter } from './tokenCounter.ts';

export interface MapParts {
  /** The weights of this repository for what ranks, with some set anew. */
  weights: WeightsFor;
  store: Store;
  reader: SourceReader;
  counter: () => TokenCounter;
}

/** Definitions are looked at until they would fill the budget about twice: a token has about 3.2 characters. */
const charactersPerBudgetToken = 7;

/** A map that is this full is not made again. */
const fullEnough = 0.99;
const mostRounds = 12;
/** For the sentence at the end. */
const endTokens = 20;

/**
 * Files that have changed since are analysed as they are now, their definitions found again by name; those that are
 * gone are left out.
 */
async function currentFiles(
  { reader }: MapParts,
  files: MapAnswer['files'],
): Promise<{ files: MapFile[]; stale: string[] }> {
  const stale: string[] = [];
  const current = await Promise.all(
    files.map(async ({ map, known }): Promise<MapFile[]> => {
      if (reader.isUntouched(known)) return [map];
      const source = await reader.read(known);
      if (source !== null && source.fresh === null) return [map];
      stale.push(map.path);
      if (source === null || source.fresh === null) return [];
      const ranks = new Map(map.symbols.map(({ signature, rank }) => [signature, rank]));
      const best = Math.min(...map.symbols.map(({ rank }) => rank));
      return [
        toMapFile(
          { ...source.fresh.file, symbols: source.fresh.symbols },
          ({ signature }) => ranks.get(signature) ?? best,
        ),
      ];
    }),
  );
  return { files: current.flat(), stale: stale.sort() };
}

/** Counts every line that the map may have. */
async function countCosts(counter: TokenCounter, files: readonly MapFile[], wanted: CheckedRequest): Promise<MapCosts> {
  const pieces = mapPieces(wanted.format);
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

/** Signatures of the definitions nearest to the query, or of the most used ones, that fill the budget. */
export async function packMap(
  parts: MapParts,
  wanted: CheckedRequest,
  vector: QuestionVector | null,
): Promise<{ pack: RenderedPack<MapPack>; stale: string[] }> {
  const { query, sources, budget, format, signal } = wanted;
  const answer = await parts.store.map({
    query,
    sources: [...sources],
    characters: budget * charactersPerBudgetToken,
    weights: parts.weights(vector?.model ?? byWords),
    ...(vector === null ? {} : { vector }),
  });
  signal?.throwIfAborted();
  const { files, stale } = await currentFiles(parts, answer.files);
  const counter = parts.counter();
  const costs = await countCosts(counter, files, wanted);
  let best: RenderedPack<MapPack> | undefined;
  const aim = createAim(budget);
  for (let round = 0; ; round++) {
    signal?.throwIfAborted();
    const { pack: document, last } = chooseMap(files, costs, aim.allowed, answer.total, aim.without);
    const blocks = renderBlocks(document, format);
    const counts = await counter.count(blocks);
    const tokensUsed = counts.reduce((sum, count) => sum + count, 0);
    const fits = tokensUsed <= budget;
    if (fits && (best === undefined || tokensUsed > best.tokensUsed))
      best = { document, context: blocks.join(''), tokensUsed };
    const isFull = best !== undefined && best.tokensUsed >= fullEnough * budget;
    const isAll = fits && document.leftOut === 0;
    if (best !== undefined && (isFull || isAll || round >= mostRounds || document.files.length === 0))
      return { pack: best, stale };
    aim.correct(tokensUsed, last);
  }
}
