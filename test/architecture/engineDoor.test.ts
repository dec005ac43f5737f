import assert from 'node:assert/strict';
import * as door from '../../server/engine/index.ts';

describe("The engine's door", () => {
  it('opens the engine and shows nothing of what is behind it', () => {
    assert.deepEqual(Object.keys(door), [
      'downloadModel',
      'embeddingCacheStatus',
      'examineIndex',
      'findModel',
      'importModel',
      'listModels',
      'openEmbeddings',
      'openEngine',
      'pruneEmbeddingCache',
      'removeModel',
      'scoreRepository',
    ]);
  });
});
