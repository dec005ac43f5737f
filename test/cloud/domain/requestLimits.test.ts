import assert from 'node:assert/strict';
import { memoryRateLimiter } from '../../../cloud/adapters/memoryRateLimiter/memoryRateLimiter.ts';
import { ApiError } from '../../../cloud/domain/apiError.ts';
import type { Caller } from '../../../cloud/domain/caller.ts';
import { requestLimits, requireQuota } from '../../../cloud/domain/limits/requestLimits.ts';
import { limitsOf } from '../../../cloud/domain/plans.ts';
import { LimiterUnavailable, type RateLimiter } from '../../../cloud/ports/rateLimiter.ts';
import { orgId } from '../../../cloud/ports/organization.ts';

const caller = (changes: Partial<Caller> = {}): Caller => ({
  org: orgId('00000000-0000-4000-8000-000000000001'),
  orgSlug: 'a',
  plan: 'free',
  limits: { requestsPerMinute: 3, queriesPerMonth: 1_000 },
  keyId: 'key',
  keyRequestsPerMinute: null,
  scopes: new Set(),
  projectIds: [],
  user: null,
  queriesThisMonth: 0,
  expiresAt: null,
  lastUsedAt: null,
  ...changes,
});

const hasCode = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

describe('Limits of requests', () => {
  it('are refused by the tighter of organization and key', async () => {
    const limiter = memoryRateLimiter();
    const limits = requestLimits({ shared: limiter, local: limiter, log: () => undefined, now: () => 0 });
    const slow = caller({ keyId: 'slow', keyRequestsPerMinute: 1 });
    assert.deepEqual((await limits.hit(slow, false)).remaining, 0);
    await assert.rejects(limits.hit(slow, false), hasCode('rate_limited'));
    // The refused one was counted on neither.
    assert.equal((await limits.hit(caller(), false)).remaining, 1);
    assert.equal((await limits.hit(caller(), false)).remaining, 0);
    await assert.rejects(limits.hit(caller(), false), hasCode('rate_limited'));
  });

  it('are counted by each server alone while the store is silent; after a minute writes are refused, reads go on', async () => {
    let isDown = true;
    let now = 0;
    const store = memoryRateLimiter({ now: () => now });
    const shared: RateLimiter = {
      ...store,
      hit: async (requests) => {
        if (isDown) throw new LimiterUnavailable(new Error('refused'));
        return store.hit(requests);
      },
    };
    const events: string[] = [];
    const local = memoryRateLimiter({ now: () => now });
    const limits = requestLimits({ shared, local, log: (_, event) => events.push(event), now: () => now });
    for (let i = 0; i < 3; i++) await limits.hit(caller(), true);
    await assert.rejects(limits.hit(caller(), true), hasCode('rate_limited'));
    now = 61_000;
    await assert.rejects(limits.hit(caller(), true), hasCode('unavailable'));
    assert.equal((await limits.hit(caller(), false)).remaining, 2);
    isDown = false;
    assert.equal((await limits.hit(caller(), true)).remaining, 2);
    assert.deepEqual(events, ['limits.store_silent', 'limits.store_back']);
  });
});

describe('The quota of a month', () => {
  it('is used up to its last query, and says when it begins anew', () => {
    const now = new Date('2026-12-31T23:00:00Z');
    requireQuota(caller({ queriesThisMonth: 999 }), now);
    assert.throws(
      () => requireQuota(caller({ queriesThisMonth: 1_000 }), now),
      (error: unknown) => hasCode('quota_exceeded')(error) && (error as ApiError).retryAfterMs === 3_600_000,
    );
    requireQuota(caller({ queriesThisMonth: 1e9, limits: { requestsPerMinute: 1, queriesPerMonth: null } }), now);
  });

  it('is what the plan says; only an enterprise has agreed on others', () => {
    const agreed = { requestsPerMinute: 7, queriesPerMonth: 9 };
    const none = { requestsPerMinute: null, queriesPerMonth: null };
    assert.deepEqual(limitsOf({ plan: 'free', ...agreed }), { requestsPerMinute: 20, queriesPerMonth: 1_000 });
    assert.deepEqual(limitsOf({ plan: 'pro', ...none }), { requestsPerMinute: 100, queriesPerMonth: 50_000 });
    assert.deepEqual(limitsOf({ plan: 'team', ...none }), { requestsPerMinute: 500, queriesPerMonth: null });
    assert.deepEqual(limitsOf({ plan: 'enterprise', ...agreed }), agreed);
  });
});
