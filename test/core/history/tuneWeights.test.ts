import assert from 'node:assert/strict';
import { bestOf, combinations, prove, singleChanges, type Tried } from '../../../core/history/tuneWeights.ts';
import {
  tunableNames,
  tunableWeights,
  weightOf,
  withOverrides,
  type RankingOverrides,
} from '../../../core/rank/tunableWeights.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';
import { rankingWeights } from '../../../protocol/index.ts';

const before = [0.5, 0.5, 0.5, 0.5];
const tried = (overrides: RankingOverrides, gain: number): Tried => ({
  overrides,
  values: before.map((value) => value + gain),
});

describe('Tuning', () => {
  it('tries each weight alone, within its range', () => {
    const changes = singleChanges(defaultWeights);
    assert.deepEqual(new Set(changes.flatMap(Object.keys)), new Set(tunableNames));
    for (const change of changes) {
      const [[name, value]] = Object.entries(change) as [[keyof typeof tunableWeights, number]];
      const { least, most } = tunableWeights[name];
      assert.ok(value >= least && value <= most && value !== weightOf(defaultWeights, name), `${name} ${value}`);
    }
  });

  it('puts together what helped alone, the best first, one value a weight', () => {
    const singles = [
      tried({ path: 1 }, 0.02),
      tried({ path: 2 }, 0.05),
      tried({ name: 1 }, 0.03),
      tried({ near: 0 }, -0.1),
      tried({ spread: 1 }, 0),
    ];
    assert.deepEqual(combinations(before, singles), [{ path: 2 }, { path: 2, name: 1 }]);
    assert.deepEqual(combinations(before, [tried({ near: 0 }, -0.1)]), []);
  });

  it('takes the best of them, and none when all are worse', () => {
    const best = tried({ path: 2 }, 0.05);
    assert.equal(bestOf(before, [tried({ path: 1 }, 0.01), best, tried({ name: 1 }, -0.2)]), best);
    assert.equal(bestOf(before, [tried({ path: 1 }, -0.01), tried({ name: 1 }, 0)]), undefined);
  });

  it('is certain of a gain only when its whole interval lies above zero', () => {
    const values = Array.from({ length: 40 }, (_, i) => (i % 5) / 5);
    const gains = (of: (i: number) => number) =>
      prove(
        values,
        values.map((value, i) => value + of(i)),
      );
    assert.equal(gains((i) => (i % 4 === 0 ? 0.1 : 0)).certain, true);
    assert.equal(gains((i) => (i === 7 ? 0.9 : 0)).certain, false);
    assert.equal(gains((i) => (i % 2 === 0 ? 0.2 : -0.19)).certain, false);
    assert.equal(gains(() => 0).certain, false);
    assert.equal(gains(() => -0.1).certain, false);
  });
});

describe('Tunable weights', () => {
  it('are the ones that config.yaml takes, with the same ranges', () => {
    assert.deepEqual(Object.keys(rankingWeights.shape), tunableNames);
    for (const name of tunableNames) {
      const { least, most } = tunableWeights[name];
      const takes = (value: number): boolean => rankingWeights.safeParse({ [name]: value }).success;
      assert.deepEqual(
        [takes(least), takes(most), takes(least - 0.01), takes(most + 0.01)],
        [true, true, false, false],
      );
    }
  });

  it('have defaults within their ranges', () => {
    for (const name of tunableNames) {
      const value = weightOf(defaultWeights, name);
      assert.ok(value >= tunableWeights[name].least && value <= tunableWeights[name].most, name);
    }
  });

  it('are set in a copy', () => {
    const changed = withOverrides(defaultWeights, { path: 2, testPrior: 0.9, name: undefined });
    assert.deepEqual([changed.path, changed.prior.test, changed.name], [2, 0.9, defaultWeights.name]);
    assert.notEqual(defaultWeights.prior.test, 0.9);
    assert.deepEqual(withOverrides(defaultWeights, {}), defaultWeights);
  });
});
