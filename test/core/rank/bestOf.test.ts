import assert from 'node:assert/strict';
import { bestOf } from '../../../core/rank/bestOf.ts';

let seed = 11;
const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;

describe('bestOf', () => {
  it('gives what sorting all of a list gives, equal scores in the given order', () => {
    for (let round = 0; round < 200; round++) {
      const list = Array.from({ length: random(60) }, (_, id) => ({ id: (id * 37) % 61, score: random(9) / 8 }));
      const count = random(70);
      const sorted = [...list].sort((a, b) => b.score - a.score || a.id - b.id).slice(0, count);
      const best = bestOf(
        list,
        count,
        ({ score }) => score,
        (a, b) => a.id - b.id,
      );
      assert.deepEqual(best, sorted);
    }
  });
});
