import { charactersFor, fillMap } from '../../core/pack/fillMap.ts';
import { toMapFile, type MapFile } from '../../core/pack/packMap.ts';
import type { MapPack } from '../../core/pack/types.ts';
import type { MapAnswer, QuestionVector, Store } from '../store/index.ts';
import { byWords } from '../../core/rank/tunedWeights.ts';
import type { WeightsFor } from './rankingWeights.ts';
import type { CheckedRequest } from './checkSelect.ts';
import type { RenderedPack } from '../../core/pack/packFull.ts';
import type { SourceReader } from './sourceReader.ts';
import type { TokenCounter } from '../tokens/tokenCounter.ts';

export interface MapParts {
  /** The weights of this repository for what ranks, with some set anew. */
  weights: WeightsFor;
  store: Store;
  reader: SourceReader;
  counter: () => TokenCounter;
}

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

/** Signatures of the definitions nearest to the query, or of the most used ones, that fill the budget. */
export async function packMap(
  parts: MapParts,
  wanted: CheckedRequest,
  vector: QuestionVector | null,
): Promise<{ pack: RenderedPack<MapPack>; stale: string[] }> {
  const { query, sources, budget, signal } = wanted;
  const answer = await parts.store.map({
    query,
    sources: [...sources],
    characters: charactersFor(budget),
    weights: parts.weights(vector?.model ?? byWords),
    ...(vector === null ? {} : { vector }),
  });
  signal?.throwIfAborted();
  const { files, stale } = await currentFiles(parts, answer.files);
  const pack = await fillMap({ files, total: answer.total, counter: parts.counter(), signal }, wanted);
  return { pack, stale };
}
