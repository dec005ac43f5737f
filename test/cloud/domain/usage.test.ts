import assert from 'node:assert/strict';
import { openUsageRecorder } from '../../../cloud/domain/usage/usageRecorder.ts';
import { recordUsage, type UsageEvent } from '../../../cloud/domain/usage/recordUsage.ts';
import type { Usage } from '../../../protocol/api/index.ts';
import { callApi } from '../callApi.ts';
import { onEachStack, type Tenant } from '../stacks.ts';

onEachStack('Usage', (platform) => {
  const event = (tenant: Tenant, changes: Partial<UsageEvent> = {}): UsageEvent => ({
    id: crypto.randomUUID(),
    keyId: tenant.keyId,
    type: 'query',
    projectId: null,
    tokens: 10,
    durationMs: 1.6,
    ...changes,
  });
  const read = async (tenant: Tenant, query = ''): Promise<Usage> =>
    (await callApi(platform().address, 'GET', `/v1/usage${query}`, { key: tenant.key })).body as Usage;

  it('is exact when many are counted at once', async () => {
    const tenant = await platform().found('busy');
    const { usage } = platform().stack;
    await Promise.all(Array.from({ length: 500 }, () => usage.record(tenant.org, event(tenant))));
    const { queries, tokens } = await read(tenant);
    assert.deepEqual([queries, tokens], [500, 5_000]);
  });

  it('is exact when several servers count for one organization', async () => {
    const tenant = await platform().found('several');
    const recorders = Array.from({ length: 4 }, () => openUsageRecorder(platform().stack.database));
    await Promise.all(Array.from({ length: 200 }, (_, i) => recorders[i % 4]!.record(tenant.org, event(tenant))));
    assert.equal((await read(tenant)).queries, 200);
  });

  it('counts an event that is written twice once', async () => {
    const tenant = await platform().found('twice');
    const same = event(tenant);
    const { database } = platform().stack;
    await database.withOrg(tenant.org, (tx) => recordUsage(tx.query, tenant.org, [same, event(tenant)]));
    await database.withOrg(tenant.org, (tx) => recordUsage(tx.query, tenant.org, [same]));
    assert.equal((await read(tenant)).queries, 2);
  });

  it('is told by project, key, day and month; only questions are queries', async () => {
    const tenant = await platform().found('parts');
    const { body: project } = await callApi(platform().address, 'POST', '/v1/projects', {
      key: tenant.key,
      body: { name: 'p' },
    });
    const { usage } = platform().stack;
    await usage.record(tenant.org, event(tenant, { projectId: project.id, tokens: 7 }));
    await usage.record(tenant.org, event(tenant, { projectId: project.id, type: 'sync', tokens: 0 }));
    const now = new Date().toISOString();
    const all = await read(tenant);
    assert.deepEqual(all.projects, [{ project_id: project.id, queries: 1, tokens: 7 }]);
    assert.deepEqual(all.keys, [{ key_id: tenant.keyId, queries: 1, tokens: 7 }]);
    assert.deepEqual(all.days, [{ day: now.slice(0, 10), queries: 1, tokens: 7 }]);
    assert.deepEqual([all.month, all.plan], [now.slice(0, 7), 'enterprise']);
    assert.equal((await read(tenant, '?month=2024-01')).queries, 0);
  });

  it('tells when a key was last used', async () => {
    const tenant = await platform().found('last-used');
    await platform().stack.usage.record(tenant.org, event(tenant));
    const { body } = await callApi(platform().address, 'GET', `/v1/api-keys/${tenant.keyId}`, { key: tenant.key });
    assert.ok(Math.abs(Date.parse(body.last_used_at) - Date.now()) < 60_000);
  });

  it('rejects what could not be written, and goes on', async () => {
    const tenant = await platform().found('refused');
    const { usage } = platform().stack;
    await assert.rejects(usage.record(tenant.org, event(tenant, { keyId: crypto.randomUUID() })));
    await usage.record(tenant.org, event(tenant));
    assert.equal((await read(tenant)).queries, 1);
  });
});
