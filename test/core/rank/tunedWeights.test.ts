import assert from 'node:assert/strict';
import { fittedWeights, reportWeights, weightsInForce, type RankingSettings } from '../../../core/rank/tunedWeights.ts';

const now = { index: 7, ranking: 2 };
const model = '0123456789abcdef01234567';
const other = 'ffffffffffffffffffffffff';
const settings: RankingSettings = {
  path: 0.5,
  tests: 0.1,
  tuned: {
    words: { ...now, weights: { path: 0.9 } },
    [model]: { ...now, model: 'gte-small', weights: { path: 0.2, meaning: 0.6 } },
  },
};

describe('Tuned weights', () => {
  it('are used for what they were fitted to, above those set by hand', () => {
    assert.deepEqual(weightsInForce(settings, 'words', now), { path: 0.9, tests: 0.1 });
    assert.deepEqual(weightsInForce(settings, model, now), { path: 0.2, meaning: 0.6, tests: 0.1 });
  });

  for (const [what, rankedBy, version] of [
    ['another model', other, now],
    ['another index', 'words', { ...now, index: 8 }],
    ['another ranking', model, { ...now, ranking: 3 }],
    ['a key that every object has', 'constructor', now],
  ] as const)
    it(`are not used for ${what}`, () => {
      assert.equal(fittedWeights(settings, rankedBy, version), null);
      assert.deepEqual(weightsInForce(settings, rankedBy, version), { path: 0.5, tests: 0.1 });
    });

  const words = { key: 'words', name: 'words' };
  const report = (...args: Parameters<typeof reportWeights>): [string, string | null, string | null] => {
    const { inForce, unused, nextStep } = reportWeights(...args);
    return [inForce, unused, nextStep];
  };

  it('that are not used are said, with what can be done', () => {
    assert.deepEqual(report({}, words, now), ['default', null, null]);
    assert.deepEqual(report({ path: 1 }, words, now), ['set', null, null]);
    assert.deepEqual(report(settings, words, now), ['tuned', null, null]);
    const [inForce, unused, nextStep] = report(settings, { key: other, name: 'minilm' }, now);
    assert.equal(inForce, 'set');
    assert.match(unused!, /for words, gte-small, not for minilm/);
    assert.match(nextStep!, /score --tune --embed/);
    const { tuned } = settings;
    const older = report({ tuned }, words, { ...now, index: 8 });
    assert.equal(older[0], 'default');
    assert.match(older[1]!, /another version/);
    assert.match(older[2]!, /`contextkit score --tune`/);
  });
});
