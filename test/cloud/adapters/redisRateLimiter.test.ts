import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisRateLimiter } from '../../../cloud/adapters/redisRateLimiter/redisRateLimiter.ts';
import { LimiterUnavailable, type RateLimiter } from '../../../cloud/ports/rateLimiter.ts';
import { rateLimiterContract } from '../contracts/rateLimiterContract.ts';
import { startFaultyNetwork, type FaultyNetwork } from '../servers/faultyNetwork.ts';
import { startRedis, withRedis, type RedisServer } from '../servers/redisServer.ts';

const urlOf = (port: number): string => `redis://127.0.0.1:${port}`;
const minute = { limit: 5, windowMs: 60_000 };

/** Tries for some seconds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + 8_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(20);
    }
  }
}

async function elapsed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

withRedis('rate limits in Redis', () => {
  rateLimiterContract('Redis', {
    isShared: true,
    async start() {
      const server = await startRedis();
      const open = (): RateLimiter => redisRateLimiter({ url: urlOf(server.port), timeoutMs: 2_000 });
      const limiter = open();
      return {
        limiter,
        another: open,
        async close() {
          await limiter.close();
          await server.close();
        },
      };
    },
  });

  describe('The rate limiter in Redis', () => {
    let server: RedisServer;
    let network: FaultyNetwork;
    let plain: Redis;
    const limiters: RateLimiter[] = [];

    before(async () => {
      server = await startRedis();
      network = await startFaultyNetwork(server.port);
      plain = new Redis(urlOf(server.port));
      plain.on('error', () => undefined);
    });
    beforeEach(async () => {
      await network.set('fine');
      network.delay(0);
      await plain.flushall();
    });
    afterEach(async () => {
      await Promise.all(limiters.splice(0).map((each) => each.close()));
    });
    after(async () => {
      plain.disconnect();
      await network.close();
      await server.close();
    });

    function open(port = network.port, timeoutMs = 1_000): RateLimiter {
      const limiter = redisRateLimiter({ url: urlOf(port), timeoutMs });
      limiters.push(limiter);
      return limiter;
    }
    const unavailable = async (limiter: RateLimiter): Promise<void> =>
      assert.rejects(limiter.hit([{ key: 'x', ...minute }]), LimiterUnavailable);

    it('takes one round trip, however many limits there are', async () => {
      const limiter = open();
      await limiter.hit([{ key: 'warm', ...minute }]);
      network.delay(300);
      const took = await elapsed(limiter.hit(['a', 'b', 'c'].map((key) => ({ key, ...minute }))));
      assert.ok(took >= 290 && took < 590, `${took} ms with 300 ms a round trip`);
    });

    it('goes on after the server has forgotten its scripts', async () => {
      const limiter = open();
      await limiter.hit([{ key: 'k', ...minute }]);
      await plain.script('FLUSH');
      const [verdict] = await limiter.hit([{ key: 'k', ...minute }]);
      assert.equal(verdict!.remaining, 3);
    });

    it('holds about 10 bytes a hit, and nothing once the window is over', async () => {
      const limiter = open();
      const request = { key: 'k', limit: 1_000, windowMs: 60_000 };
      await Promise.all(Array.from({ length: 1_000 }, () => limiter.hit([request])));
      const [key] = await plain.keys('*');
      const bytes = Number(await plain.memory('USAGE', key!, 'SAMPLES', 0));
      assert.ok(bytes < 20_000, `${bytes} bytes`);
      for (let i = 0; i < 500; i++) await limiter.hit([request]);
      assert.equal(await plain.llen(key!), 1_000);
      await limiter.hit([{ key: 'short', limit: 3, windowMs: 80 }]);
      await sleep(120);
      assert.deepEqual(await plain.keys('*'), [key]);
    });

    it('where the clock of the server went back a little, no hit leaves too early', async () => {
      const limiter = open();
      const request = { key: 'k', limit: 3, windowMs: 60_000 };
      await limiter.hit([request]);
      const [key] = await plain.keys('*');
      const ahead = Date.now() * 1000 + 5_000_000;
      await plain.rpush(key!, ahead);
      const [third] = await limiter.hit([request]);
      assert.deepEqual([third!.allowed, third!.remaining], [true, 0]);
      const times = (await plain.lrange(key!, 0, -1)).map(Number);
      assert.deepEqual(times.slice(1), [ahead, ahead]);
      assert.ok((await plain.pttl(key!)) > 64_000);
    });

    it('and where it went back by more than the window, nobody is shut out for that long', async () => {
      const limiter = open();
      const request = { key: 'k', limit: 1, windowMs: 60_000 };
      await limiter.hit([request]);
      const [key] = await plain.keys('*');
      await plain.rpush(key!, Date.now() * 1000 + 3_600_000_000);
      assert.equal((await limiter.hit([request]))[0]!.allowed, true);
      assert.equal((await limiter.hit([request]))[0]!.allowed, false);
    });

    it('two prefixes share a server and count apart', async () => {
      const [one, other] = ['one:', 'other:'].map((keyPrefix) =>
        redisRateLimiter({ url: urlOf(server.port), keyPrefix, timeoutMs: 1_000 }),
      );
      limiters.push(one!, other!);
      const request = { key: 'k', limit: 1, windowMs: 60_000 };
      assert.equal((await one!.hit([request]))[0]!.allowed, true);
      assert.equal((await other!.hit([request]))[0]!.allowed, true);
      assert.equal((await one!.hit([request]))[0]!.allowed, false);
    });

    it('a server that is not there is unavailable, at once', async () => {
      await network.set('down');
      const limiter = open();
      await unavailable(limiter);
      const took = await elapsed(unavailable(limiter));
      assert.ok(took < 100, `${took} ms`);
      await assert.rejects(limiter.health(), LimiterUnavailable);
    });

    it('a server that is killed is unavailable until it is back, and then counts', async function () {
      this.timeout(20_000);
      const limiter = open();
      await limiter.hit([{ key: 'k', ...minute }]);
      await server.kill();
      await eventually(() => unavailable(limiter));
      const took = await elapsed(unavailable(limiter));
      assert.ok(took < 200, `${took} ms`);
      await server.start();
      const [verdict] = await eventually(() => limiter.hit([{ key: 'k', ...minute }]));
      // It keeps nothing on disk: the count begins anew.
      assert.deepEqual([verdict!.allowed, verdict!.remaining], [true, 4]);
    });

    it('hits under way when the connection breaks are unavailable and are not sent twice', async () => {
      const limiter = open();
      await limiter.hit([{ key: 'warm', ...minute }]);
      network.delay(300);
      const hits = Array.from({ length: 20 }, () => limiter.hit([{ key: 'k', limit: 100, windowMs: 60_000 }]));
      const outcomes = Promise.allSettled(hits);
      await sleep(100);
      // The next connection succeeds: what was under way could be sent again there.
      network.cut();
      for (const outcome of await outcomes) {
        assert.equal(outcome.status, 'rejected');
        assert.ok(outcome.reason instanceof LimiterUnavailable);
      }
      network.delay(0);
      const [verdict] = await eventually(() => limiter.hit([{ key: 'k', limit: 100, windowMs: 60_000 }]));
      assert.equal(verdict!.remaining, 79, '20 were counted, each once');
    });

    it('a frozen server costs the time-out and no more, and is used again when it goes on', async function () {
      this.timeout(20_000);
      const limiter = open(server.port, 400);
      await limiter.hit([{ key: 'k', ...minute }]);
      server.freeze();
      try {
        const took = await elapsed(Promise.all(Array.from({ length: 50 }, () => unavailable(limiter))));
        assert.ok(took >= 350 && took < 2_000, `${took} ms`);
        await sleep(1_400);
        // By now the connection is given up: nothing waits on it any more.
        const later = await elapsed(unavailable(limiter));
        assert.ok(later < 300, `${later} ms`);
      } finally {
        server.thaw();
      }
      await eventually(() => limiter.hit([{ key: 'again', ...minute }]));
    });

    it('a slow server is one that does not answer', async () => {
      const limiter = open(network.port, 150);
      await limiter.hit([{ key: 'k', ...minute }]);
      network.delay(2_000);
      const took = await elapsed(unavailable(limiter));
      assert.ok(took < 1_000, `${took} ms`);
      network.delay(0);
      await eventually(() => limiter.hit([{ key: 'again', ...minute }]));
    });

    it('garbage is no answer', async () => {
      const limiter = open();
      await limiter.hit([{ key: 'k', ...minute }]);
      await network.set('garbage');
      await unavailable(limiter);
      await unavailable(limiter);
      await network.set('fine');
      await eventually(() => limiter.hit([{ key: 'again', ...minute }]));
    });

    it('keys of another kind and a server without room are unavailable', async () => {
      const limiter = open();
      await plain.set('{contextkit}:limit:60000:x', 'a text');
      await unavailable(limiter);
      await plain.flushall();
      await plain.config('SET', 'maxmemory', '1');
      try {
        await unavailable(limiter);
      } finally {
        await plain.config('SET', 'maxmemory', '0');
      }
      await limiter.hit([{ key: 'x', ...minute }]);
    });

    it('a wrong password is unavailable, and is not printed', async () => {
      const guarded = await startRedis(['--requirepass', 'right']);
      const errors: Error[] = [];
      const limiter = redisRateLimiter({
        url: `redis://:wr0ng-secret@127.0.0.1:${guarded.port}`,
        onConnectionError: (error) => errors.push(error),
      });
      limiters.push(limiter);
      try {
        await assert.rejects(limiter.hit([{ key: 'x', ...minute }]), (error: Error) => {
          assert.ok(error instanceof LimiterUnavailable);
          assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /wr0ng-secret/);
          return true;
        });
        for (const error of errors) assert.doesNotMatch(error.message, /wr0ng-secret/);
      } finally {
        await guarded.close();
      }
    });

    it('closes with the server away', async () => {
      const limiter = redisRateLimiter({ url: urlOf(network.port) });
      await limiter.hit([{ key: 'k', ...minute }]);
      await network.set('down');
      await limiter.close();
      await unavailable(limiter);
    });
  });
});
