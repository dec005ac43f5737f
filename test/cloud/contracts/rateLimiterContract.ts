import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitRequest, RateLimiter } from '../../../cloud/ports/rateLimiter.ts';

/** Where limits are counted. */
export interface LimiterBackend {
  limiter: RateLimiter;
  /** The limiter of one more server, where servers share what they count. */
  another?: () => RateLimiter;
  close(): Promise<void>;
}

const minute = 60_000;

/** What holds for every rate limiter; for one that servers share, also between them. */
export function rateLimiterContract(
  name: string,
  { isShared, start }: { isShared: boolean; start: () => Promise<LimiterBackend> },
): void {
  describe(`A rate limiter: ${name}`, () => {
    let backend: LimiterBackend;
    let limiter: RateLimiter;

    before(async () => {
      backend = await start();
      limiter = backend.limiter;
    });
    after(() => backend?.close());

    const limitOf = (limit: number, windowMs = minute, key = `org:${randomUUID()}`): LimitRequest => ({
      key,
      limit,
      windowMs,
    });
    const isAllowed = async (...requests: LimitRequest[]): Promise<boolean> =>
      (await limiter.hit(requests)).every(({ allowed }) => allowed);

    it('allows as many hits as the limit says and no more', async () => {
      const request = limitOf(3);
      const verdicts = [];
      for (let i = 0; i < 5; i++) verdicts.push((await limiter.hit([request]))[0]!);
      assert.deepEqual(
        verdicts.map(({ allowed, limit, remaining }) => [allowed, limit, remaining]),
        [
          [true, 3, 2],
          [true, 3, 1],
          [true, 3, 0],
          [false, 3, 0],
          [false, 3, 0],
        ],
      );
      for (const { resetMs } of verdicts) assert.ok(resetMs > minute - 5_000 && resetMs <= minute, String(resetMs));
    });

    it('counts each key for itself: one organization never uses up what another has', async () => {
      const [one, other] = [limitOf(2), limitOf(2)];
      assert.deepEqual([await isAllowed(one), await isAllowed(one), await isAllowed(one)], [true, true, false]);
      const [verdict] = await limiter.hit([other]);
      assert.deepEqual([verdict!.allowed, verdict!.remaining], [true, 1]);
    });

    it('and takes keys for what they are, whatever stands in them', async () => {
      for (const key of [
        'org:*',
        'org:?',
        'a b\r\nFLUSHALL\r\n',
        '{x}',
        'org:\u0000',
        'ключ 🔑',
        '1:1',
        `k${'y'.repeat(198)}`,
      ]) {
        const request = limitOf(1, minute, key);
        assert.deepEqual([await isAllowed(request), await isAllowed(request)], [true, false], JSON.stringify(key));
      }
    });

    it('counts a hit on all of its limits or on none', async () => {
      const [org, key, third] = [limitOf(10), limitOf(1), limitOf(5)];
      assert.equal(await isAllowed(org, key, third), true);
      const refused = await limiter.hit([org, key, third]);
      assert.deepEqual(
        refused.map(({ allowed, remaining }) => [allowed, remaining]),
        [
          [true, 9],
          [false, 0],
          [true, 4],
        ],
      );
      const [afterwards] = await limiter.hit([org]);
      assert.equal(afterwards!.remaining, 8);
    });

    it('counts the same key in windows of two lengths', async () => {
      const key = `org:${randomUUID()}`;
      const [short, long] = [limitOf(1, 400, key), limitOf(2, minute, key)];
      assert.equal(await isAllowed(short, long), true);
      assert.equal(await isAllowed(short, long), false);
      await sleep(420);
      assert.equal(await isAllowed(short, long), true);
      await sleep(420);
      const last = await limiter.hit([short, long]);
      assert.deepEqual(
        last.map(({ allowed }) => allowed),
        [true, false],
      );
    });

    it('slides: there is room again when the oldest hit has left, and for one', async () => {
      const request = limitOf(2, 800);
      assert.equal(await isAllowed(request), true);
      await sleep(400);
      assert.equal(await isAllowed(request), true);
      const [refused] = await limiter.hit([request]);
      assert.equal(refused!.allowed, false);
      assert.ok(refused!.resetMs > 0 && refused!.resetMs <= 410, String(refused!.resetMs));
      await sleep(refused!.resetMs + 5);
      assert.equal(await isAllowed(request), true);
      assert.equal(await isAllowed(request), false);
    });

    it('holds the limit over the edges of fixed windows too', async () => {
      // Hits all the time: between the beginning of a hit and the end of the tenth after it lies a window at least.
      const request = limitOf(10, 200);
      const allowed: { before: number; after: number }[] = [];
      const end = performance.now() + 650;
      while (performance.now() < end) {
        const before = performance.now();
        if (await isAllowed(request)) allowed.push({ before, after: performance.now() });
        else await sleep(1);
      }
      assert.ok(allowed.length >= 20, `${allowed.length} hits were allowed`);
      for (const [i, { after }] of allowed.slice(10).entries()) {
        const took = after - allowed[i]!.before;
        assert.ok(took >= 199, `11 hits in ${took} ms`);
      }
    });

    it('does not count a refused hit', async () => {
      const request = limitOf(1, 300);
      assert.equal(await isAllowed(request), true);
      const end = performance.now() + 3_000;
      let refused = 0;
      while (!(await isAllowed(request))) {
        refused++;
        assert.ok(performance.now() < end, 'who goes on trying is never let in');
        await sleep(10);
      }
      assert.ok(refused >= 3);
    });

    it('200 hits at once: exactly as many as the limit are allowed', async () => {
      const request = limitOf(57);
      const outcomes = await Promise.all(Array.from({ length: 200 }, () => isAllowed(request)));
      assert.equal(outcomes.filter(Boolean).length, 57);
    });

    it('200 hits at once on an organization and its keys: none is counted by halves', async () => {
      const org = limitOf(60);
      const keys = Array.from({ length: 4 }, () => limitOf(20));
      const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => isAllowed(org, keys[i % 4]!)));
      assert.equal(outcomes.filter(Boolean).length, 60);
      let left = 0;
      for (const key of keys) {
        const verdicts = await limiter.hit([{ ...org, limit: 60 }, key]);
        assert.equal(verdicts[0]!.allowed, false);
        left += verdicts[1]!.remaining;
      }
      assert.equal(left, 20);
    });

    it('a limit that was lowered acts at once, one that was raised too', async () => {
      const request = limitOf(5);
      for (let i = 0; i < 5; i++) await limiter.hit([request]);
      const [lowered] = await limiter.hit([{ ...request, limit: 2 }]);
      assert.deepEqual([lowered!.allowed, lowered!.remaining], [false, 0]);
      const [raised] = await limiter.hit([{ ...request, limit: 7 }]);
      assert.deepEqual([raised!.allowed, raised!.remaining], [true, 1]);
    });

    it('says when there is room under a lowered limit', async () => {
      const request = limitOf(3);
      await limiter.hit([request]);
      await sleep(300);
      await limiter.hit([request]);
      await limiter.hit([request]);
      // Two of three must leave before one has room under a limit of two.
      const [lowered] = await limiter.hit([{ ...request, limit: 2 }]);
      assert.ok(lowered!.resetMs > minute - 250 && lowered!.resetMs <= minute, String(lowered!.resetMs));
    });

    it('a limit of 0 lets nobody in', async () => {
      const [verdict] = await limiter.hit([limitOf(0)]);
      assert.deepEqual(verdict, { allowed: false, limit: 0, remaining: 0, resetMs: minute });
    });

    it('a hit on nothing is allowed', async () => assert.deepEqual(await limiter.hit([]), []));

    it('refuses what cannot be counted, and counts nothing of it', async () => {
      const fine = limitOf(5);
      const wrong: LimitRequest[][] = [
        [limitOf(-1)],
        [limitOf(1.5)],
        [limitOf(NaN)],
        [limitOf(Infinity)],
        [limitOf(100_001)],
        [limitOf(1, 0)],
        [limitOf(1, -5)],
        [limitOf(1, 0.5)],
        [limitOf(1, NaN)],
        [limitOf(1, 32 * 24 * 3_600_000)],
        [limitOf(1, minute, '')],
        [limitOf(1, minute, 'k'.repeat(201))],
        [fine, limitOf(-1)],
        [fine, fine],
        Array.from({ length: 17 }, () => limitOf(1)),
      ];
      for (const requests of wrong)
        await assert.rejects(limiter.hit(requests), RangeError, JSON.stringify(requests[0]));
      const [verdict] = await limiter.hit([fine]);
      assert.equal(verdict!.remaining, 4);
    });

    it('is healthy', () => limiter.health());

    if (isShared)
      it('counts for all servers together', async () => {
        const others = [backend.another!(), backend.another!()];
        const servers = [limiter, ...others];
        try {
          const request = limitOf(50);
          const outcomes = await Promise.all(
            Array.from({ length: 200 }, async (_, i) => (await servers[i % 3]!.hit([request]))[0]!.allowed),
          );
          assert.equal(outcomes.filter(Boolean).length, 50);
        } finally {
          await Promise.all(others.map((each) => each.close()));
        }
      });
  });
}
