import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SizedCache } from '../../../cloud/domain/context/sizedCache.ts';

describe('A cache bounded by bytes', () => {
  it('forgets what was used longest ago', () => {
    const cache = new SizedCache<number>({ maxBytes: 30 });
    cache.set('a', 1, 10);
    cache.set('b', 2, 10);
    cache.set('c', 3, 10);
    assert.equal(cache.get('a'), 1);
    cache.set('d', 4, 10);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => cache.get(key)),
      [1, undefined, 3, 4],
    );
    cache.set('large', 5, 31);
    assert.equal(cache.get('large'), undefined);
    assert.equal(cache.bytes, 30);
  });

  it('forgets what is old, and a group as a whole', () => {
    let time = 0;
    const cache = new SizedCache<number>({ maxBytes: 100, maxAgeMs: 1_000, now: () => time });
    cache.set('a', 1, 10, 'one');
    cache.set('b', 2, 10, 'one');
    cache.set('c', 3, 10, 'two');
    time = 1_000;
    assert.equal(cache.get('a'), 1);
    time = 1_001;
    assert.equal(cache.get('a'), undefined);
    cache.dropGroup('one');
    assert.equal(cache.size, 1);
    cache.dropGroup('one');
    assert.equal(cache.bytes, 10);
  });

  it('never holds more than it may, whatever comes', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      bytes: fc.integer({ min: 0, max: 40 }),
      group: fc.constantFrom('x', 'y'),
      act: fc.constantFrom('set', 'set', 'get', 'delete', 'drop'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new SizedCache<number>({ maxBytes: 60 });
        const sizes = new Map<string, number>();
        for (const { key, bytes, group, act } of steps) {
          if (act === 'set') {
            cache.set(key, bytes, bytes, group);
            sizes.set(key, bytes);
            assert.equal(cache.get(key), bytes);
          } else if (act === 'get') assert.ok([undefined, sizes.get(key)].includes(cache.get(key)));
          else if (act === 'delete') cache.delete(key);
          else cache.dropGroup(group);
          const held = [...sizes].filter(([each]) => cache.get(each) !== undefined);
          assert.equal(cache.size, held.length);
          assert.equal(
            cache.bytes,
            held.reduce((sum, [, each]) => sum + each, 0),
          );
          assert.ok(cache.bytes <= 60);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
