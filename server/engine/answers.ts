import { AppError } from '../../core/errors.ts';
import type { RankedBy } from '../../core/rank/tunedWeights.ts';
import type { ParsePool } from '../indexing/parsePool.ts';
import type { Store } from '../store/index.ts';
import { checkGraphRequest } from './checkGraphRequest.ts';
import { findReferences } from './findReferences.ts';
import { explainPath } from './explainPath.ts';
import { selectContext, type SelectParts } from './selectContext.ts';
import type { Engine, EngineSettings } from './types.ts';

export interface AnswerParts extends SelectParts {
  root: string;
  indexDir: string;
  settings: EngineSettings;
  store: Store;
  pool: () => ParsePool;
  /** Throws once the engine is closed. */
  assertOpen: () => void;
}

/** The calls of the engine that answer questions and change nothing. */
export function createAnswers(
  parts: AnswerParts,
): Pick<Engine, 'select' | 'rank' | 'symbols' | 'graph' | 'references' | 'why'> {
  const { store, assertOpen } = parts;
  const prepare = async (): Promise<void> => {
    assertOpen();
    if (await store.refreshIfChanged()) parts.vectors.refresh();
  };
  return {
    async select(request) {
      await prepare();
      return selectContext(parts, request);
    },

    async rank(query, { limit = 200, ranking = {}, weights = {}, signal } = {}) {
      signal?.throwIfAborted();
      await prepare();
      const request = {
        limit,
        sources: [],
        weights: (rankedBy: RankedBy) => ({ ...parts.weights(rankedBy, ranking), ...weights }),
      };
      const { ranked } = await parts.vectors.search(query, request, signal);
      return ranked.map(({ path, startLine, endLine, score }) => ({ path, startLine, endLine, score }));
    },

    async symbols({ name, match = 'any', limit = 50 }) {
      assertOpen();
      if (name.trim() === '') {
        throw new AppError('invalid_input', 'the symbol name is empty', {
          hint: 'Give a name or the beginning of one.',
        });
      }
      await store.refreshIfChanged();
      return store.findSymbols({ name: name.trim(), match, limit });
    },

    async graph(request) {
      assertOpen();
      const query = checkGraphRequest(request);
      await store.refreshIfChanged();
      return store.graph(query);
    },

    async references(request) {
      await prepare();
      return findReferences(parts, request);
    },

    async why(path, query) {
      await prepare();
      return explainPath(parts, path, query);
    },
  };
}
