import assert from 'node:assert/strict';
import path from 'node:path';
import { onEachStack, type TestPlatform, type Tenant } from '../stacks.ts';
import { manifestOf, readTree, rootHashOf, syncClient, type SyncClient } from './syncClient.ts';

const core = path.resolve(import.meta.dirname, '../../../core');

onEachStack('sync of a working copy', (platform) => {
  let tenant: Tenant;
  let projects = 0;
  before(async () => {
    tenant = await platform().found('sync');
  });

  async function newProject(): Promise<{ id: string; client: SyncClient }> {
    const client = syncClient(platform().address, tenant.key, '');
    const { status, body, text } = await client.call('POST', '/v1/projects', {
      body: { name: `Project ${++projects}` },
    });
    assert.equal(status, 201, text);
    return { id: body.id, client: syncClient(platform().address, tenant.key, body.id) };
  }

  it('makes a folder searchable, then only what changes', async () => {
    const { id, client } = await newProject();
    const tree = readTree(core);
    const job = await client.sync(tree);
    assert.deepEqual([job.status, job.revision, job.error], ['succeeded', 1, null]);
    assert.equal(job.progress.files_processed, tree.size);
    console.log(job);
    const { body } = await client.call('GET', `/v1/projects/${id}`);
    console.log(body.index);
  });
});
