import assert from 'node:assert/strict';
import fc from 'fast-check';
import { memoryRateLimiter } from '../../../cloud/adapters/memoryRateLimiter/memoryRateLimiter.ts';
import { LimiterUnavailable } from '../../../cloud/ports/rateLimiter.ts';
import { rateLimiterContract } from '../contracts/rateLimiterContract.ts';

rateLimiterContract('memory', {
  isShared: false,
  async start() {
    const limiter = memoryRateLimiter();
    return { limiter, close: () => limiter.close() };
  },
});

describe('The rate limiter in memory', () => {
  it('agrees with a list of all hits, whatever the times and the limits', async () => {
    const hits = fc.array(
      fc.record({ after: fc.nat(30), keys: fc.subarray(['a', 'b', 'c'], { minLength: 1 }), limit: fc.nat(4) }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(hits, async (all) => {
        let now = 1_000;
        const limiter = memoryRateLimiter({ now: () => now });
        const counted: { key: string; at: number }[] = [];
        for (const { after, keys, limit } of all) {
          now += after;
          const inWindow = (key: string): number =>
            counted.filter((hit) => hit.key === key && hit.at > now - 50).length;
          const expected = keys.every((key) => inWindow(key) < limit);
          const verdicts = await limiter.hit(keys.map((key) => ({ key, limit, windowMs: 50 })));
          assert.equal(
            verdicts.every(({ allowed }) => allowed),
            expected,
          );
          if (expected) counted.push(...keys.map((key) => ({ key, at: now })));
          for (const [i, key] of keys.entries())
            assert.equal(verdicts[i]!.remaining, Math.max(0, limit - inWindow(key)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('what it says of the time until there is room is true to the millisecond', async () => {
    let now = 0;
    const limiter = memoryRateLimiter({ now: () => now });
    const request = { key: 'k', limit: 2, windowMs: 1_000 };
    await limiter.hit([request]);
    now = 300;
    await limiter.hit([request]);
    now = 400;
    const [refused] = await limiter.hit([request]);
    assert.deepEqual(refused, { allowed: false, limit: 2, remaining: 0, resetMs: 600 });
    now = 999;
    assert.equal((await limiter.hit([request]))[0]!.allowed, false);
    now = 1_000;
    assert.deepEqual((await limiter.hit([request]))[0], { allowed: true, limit: 2, remaining: 0, resetMs: 300 });
  });

  it('and never longer than the window, whatever the fractions of the clock', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1e9, noNaN: true }), async (now) => {
        const limiter = memoryRateLimiter({ now: () => now });
        const [verdict] = await limiter.hit([{ key: 'k', limit: 1, windowMs: 60_000 }]);
        assert.equal(verdict!.resetMs, 60_000);
      }),
      { numRuns: 2_000 },
    );
  });

  it('holds no more windows than it may, and forgets those without hits', async () => {
    let now = 0;
    const limiter = memoryRateLimiter({ now: () => now, maxWindows: 1_500 });
    const request = (i: number) => ({ key: `key:${i}`, limit: 1, windowMs: 1_000 });
    for (let i = 0; i < 1_500; i++) await limiter.hit([request(i)]);
    for (let i = 0; i < 10; i++) await assert.rejects(limiter.hit([request(1_500)]), LimiterUnavailable);
    // What is counted already goes on being counted.
    assert.equal((await limiter.hit([request(7)]))[0]!.allowed, false);
    now = 1_000;
    for (let i = 1_500; i < 3_000; i++) assert.equal((await limiter.hit([request(i)]))[0]!.allowed, true);
  });
});
