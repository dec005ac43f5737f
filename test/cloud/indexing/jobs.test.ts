import assert from 'node:assert/strict';
import path from 'node:path';
import { contentPath, type IndexParts } from '../../../cloud/domain/indexing/indexParts.ts';
import { workJob } from '../../../cloud/domain/indexing/workJob.ts';
import type { SourceAnalyzer } from '../../../cloud/ports/sourceAnalyzer.ts';
import type { IndexJob } from '../../../protocol/api/index.ts';
import { s3Error } from '../servers/s3Server.ts';
import { onEachStack, type Tenant } from '../stacks.ts';
import { hashOf, manifestOf, readTree, syncClient, type SyncClient, type Tree } from './syncClient.ts';

const pack = path.resolve(import.meta.dirname, '../../../core/pack');
const never = new AbortController().signal;

// Tests do the work themselves, step by step.
onEachStack(
  'Jobs of the index',
  (platform) => {
    let tenant: Tenant;
    let client: SyncClient;
    let projectId: string;
    let count = 0;

    beforeEach(async () => {
      // What the test before left would be next.
      while (await work());
      tenant = await platform().found(`jobs-${++count}`);
      const any = syncClient(platform().address, tenant.key, '');
      projectId = (await any.call('POST', '/v1/projects', { body: { name: 'Jobs' } })).body.id;
      client = syncClient(platform().address, tenant.key, projectId);
    });

    const partsWith = (changes: Partial<IndexParts> = {}): IndexParts => ({
      ...platform().stack,
      log: (level, event, fields = {}) => platform().log.push({ level, event, fields }),
      garbageAfterMs: 3_600_000,
      wakeWorkers: () => undefined,
      ...changes,
    });
    const work = (changes: Partial<IndexParts> = {}, worker = 'worker', stop = never): Promise<boolean> =>
      workJob(partsWith(changes), worker, stop);

    const sql = async <Row>(text: string, ...values: string[]): Promise<Row[]> =>
      (await platform().stack.database.withOrg(tenant.org, (tx) => tx.query<Row>(text, values))).rows;
    const dueNow = (id: string): Promise<unknown> => sql('UPDATE index_jobs SET run_after = now() WHERE id = $1', id);
    const read = async (id: string): Promise<IndexJob> =>
      (await client.call('GET', `/v1/index/status/${id}`)).body as IndexJob;
    const visible = async (): Promise<number> =>
      (await sql('SELECT FROM indexed_files WHERE project_id = $1', projectId)).length;

    async function queue(tree: Tree): Promise<string> {
      const { base_revision } = await client.send(tree);
      const body = { project_id: projectId, base_revision, manifest: manifestOf(tree) };
      const reply = await client.call('POST', '/v1/index/sync', { body });
      assert.equal(reply.status, 202, reply.text);
      return reply.body.job_id as string;
    }

    /** An analyzer that does this first. */
    const interrupted = (first: () => Promise<unknown>): Partial<IndexParts> => {
      const { analyzer } = platform().stack;
      const analyze: SourceAnalyzer['analyze'] = async (files) => {
        await first();
        return analyzer.analyze(files);
      };
      return { analyzer: { ...analyzer, analyze } };
    };

    it('that waits is cancelled at once, and a cancelled one stays so', async () => {
      const id = await queue(readTree(pack));
      const { status, body } = await client.call('DELETE', `/v1/index/jobs/${id}`);
      assert.deepEqual([status, body.status], [200, 'cancelled']);
      assert.equal(await work(), false);
      assert.equal((await client.call('DELETE', `/v1/index/jobs/${id}`)).body.status, 'cancelled');
      const again = await queue(readTree(pack));
      await work();
      assert.equal((await read(again)).status, 'succeeded');
    });

    it('that runs is cancelled before its next step, and nothing of it is seen', async () => {
      const id = await queue(readTree(pack));
      await work(interrupted(() => client.call('DELETE', `/v1/index/jobs/${id}`)));
      assert.deepEqual([(await read(id)).status, await visible()], ['cancelled', 0]);
      assert.deepEqual(await sql('SELECT FROM index_job_changes WHERE job_id = $1', id), []);
    });

    it('that has ended cannot be cancelled', async () => {
      const id = await queue(readTree(pack));
      await work();
      assert.equal((await read(id)).status, 'succeeded');
      assert.equal((await client.call('DELETE', `/v1/index/jobs/${id}`)).status, 409);
    });

    it('that is given back by a server which ends is gone on with by another', async () => {
      const tree = readTree(pack);
      const id = await queue(tree);
      const stop = new AbortController();
      // It ends in the middle of a batch.
      await work(
        interrupted(async () => stop.abort()),
        'first',
        stop.signal,
      );
      assert.deepEqual([(await read(id)).status, await visible()], ['queued', 0]);
      await work({}, 'second');
      assert.deepEqual([(await read(id)).status, await visible()], ['succeeded', tree.size]);
    });

    it('whose server died is taken up when its lease has ended', async () => {
      const id = await queue(readTree(pack));
      const [claimed] = await platform().stack.database.callGate<{ id: string }>('claim_job', ['dead', 20]);
      assert.equal(claimed!.id, id);
      assert.equal(await work(), false, 'it is not yet known to be dead');
      await sql(`UPDATE index_jobs SET lease_until = now() - interval '1 second' WHERE id = $1`, id);
      assert.equal(await work(), true);
      assert.equal((await read(id)).status, 'succeeded');
    });

    it('that another server has taken over makes nothing visible', async () => {
      const id = await queue(readTree(pack));
      await work(interrupted(() => sql(`UPDATE index_jobs SET worker = 'another' WHERE id = $1`, id)));
      assert.deepEqual([(await read(id)).status, await visible()], ['running', 0]);
      await sql(`UPDATE index_jobs SET lease_until = now() - interval '1 second' WHERE id = $1`, id);
      await work();
      assert.equal((await read(id)).status, 'succeeded');
    });

    it('of one branch run in their order, one at a time', async () => {
      const send = async (content: string): Promise<string> => {
        const body = { project_id: projectId, files: [{ path: 'a.txt', content }] };
        return (await client.call('POST', '/v1/index/sync', { body })).body.job_id as string;
      };
      const [first, second] = [await send('1'), await send('2')];
      let inner: boolean | undefined;
      await work(
        interrupted(async () => {
          inner = await work({}, 'second');
        }),
      );
      assert.equal(inner, false, 'the second one has to wait');
      await work();
      assert.deepEqual([(await read(first)).revision, (await read(second)).revision], [1, 2]);
      const [row] = await sql<{ content_hash: string }>('SELECT content_hash FROM indexed_files');
      assert.equal(row!.content_hash, hashOf('2'));
    });

    it('does again only what was not done before it stopped', async () => {
      const tree = readTree(path.resolve(pack, '../rank'));
      const many = new Map(
        [...tree].flatMap(([file, text]) => Array.from({ length: 12 }, (_, n) => [`${n}/${file}`, text] as const)),
      );
      const id = await queue(many);
      const { analyzer } = platform().stack;
      let analysed = 0;
      const counting = (stopAfter: number, stop: AbortController): Partial<IndexParts> => ({
        analyzer: {
          ...analyzer,
          analyze: async (files) => {
            if (analysed > stopAfter) stop.abort();
            const found = await analyzer.analyze(files);
            analysed += files.length;
            return found;
          },
        },
      });
      const stop = new AbortController();
      await work(counting(30, stop), 'first', stop.signal);
      const { progress, status } = await read(id);
      assert.equal(status, 'queued');
      assert.ok(progress.files_processed > 0 && progress.files_processed < many.size, String(progress.files_processed));
      const before = analysed;
      analysed = 0;
      await work(counting(Infinity, stop));
      assert.deepEqual([(await read(id)).status, analysed], ['succeeded', many.size - progress.files_processed]);
      assert.ok(before >= progress.files_processed);
    });

    it('that fails for a fault of ours is tried five times', async () => {
      const id = await queue(readTree(pack));
      const broken = interrupted(() => Promise.reject(new Error('a bug')));
      for (let tries = 1; tries <= 4; tries++) {
        await work(broken);
        assert.deepEqual(
          [(await read(id)).status, (await read(id)).error?.code],
          ['queued', 'internal'],
          String(tries),
        );
        assert.equal(await work(broken), false, 'not before its time');
        await dueNow(id);
      }
      await work(broken);
      const { status, error } = await read(id);
      assert.deepEqual([status, error?.code, await visible()], ['failed', 'internal', 0]);
      assert.ok(!error!.detail.includes('a bug'), 'what went wrong inside stays inside');
      assert.equal(platform().log.filter(({ event }) => event === 'index.job_failed').length, 5);
      platform().log.length = 0;
      const again = await queue(readTree(pack));
      await work();
      assert.equal((await read(again)).status, 'succeeded');
    });

    it('that ends its server each time is given up', async () => {
      const id = await queue(readTree(pack));
      await sql('UPDATE index_jobs SET claims = 30 WHERE id = $1', id);
      await work();
      assert.deepEqual([(await read(id)).status, (await read(id)).error?.code], ['failed', 'internal']);
      platform().log.length = 0;
    });

    it('whose text was lost says so, and the next difference asks for it', async () => {
      const tree = new Map([['a.ts', 'export const lost = 1;\n']]);
      const id = await queue(tree);
      await platform().stack.blobs.delete(tenant.org, [contentPath(projectId, hashOf(tree.get('a.ts')!))]);
      await work();
      assert.deepEqual([(await read(id)).status, (await read(id)).error?.code], ['failed', 'conflict']);
      const again = await queue(tree);
      await work();
      assert.equal((await read(again)).status, 'succeeded');
    });

    it('of a project that is deleted meanwhile leaves nothing behind', async () => {
      const id = await queue(readTree(pack));
      await work(interrupted(() => client.call('DELETE', `/v1/projects/${projectId}`)));
      assert.equal((await client.call('GET', `/v1/index/status/${id}`)).status, 404);
      assert.equal(await visible(), 0);
      while (await work());
      const { blobs } = await platform().stack.blobs.list(tenant.org, `projects/${projectId}/`);
      assert.deepEqual(blobs, []);
    });

    it('that a store did not answer is tried again until it does', async function () {
      const { s3 } = platform();
      if (s3 === undefined) return; // a folder is always there
      const tree = new Map([['a.ts', 'export const a = 1;\n']]);
      const id = await queue(tree);
      const down = s3Error(503, 'SlowDown');
      for (let outage = 1; outage <= 6; outage++) {
        s3.next(down, down, down, down);
        await work();
        const { status, error } = await read(id);
        assert.deepEqual([status, error?.code, await visible()], ['queued', 'unavailable', 0]);
        await dueNow(id);
      }
      await work();
      assert.deepEqual([(await read(id)).status, (await read(id)).error], ['succeeded', null]);
    });

    it('of all organizations are shared out: one with many does not keep the others waiting', async () => {
      const many = syncClient(platform().address, tenant.key, '');
      for (const name of ['one', 'two', 'three']) {
        const { id } = (await many.call('POST', '/v1/projects', { body: { name } })).body;
        const body = { project_id: id, files: [{ path: 'a.txt', content: name }] };
        await many.call('POST', '/v1/index/sync', { body });
      }
      const other = await platform().found(`other-${count}`);
      const theirs = syncClient(platform().address, other.key, '');
      const { id } = (await theirs.call('POST', '/v1/projects', { body: { name: 'theirs' } })).body;
      const body = { project_id: id, files: [{ path: 'a.txt', content: 'theirs' }] };
      const { job_id } = (await theirs.call('POST', '/v1/index/sync', { body })).body;
      let second: string | undefined;
      await work(
        interrupted(async () => {
          const [row] = await platform().stack.database.callGate<{ id: string }>('claim_job', ['second', 1]);
          second = row!.id;
        }),
      );
      assert.equal(second, job_id);
      await platform().stack.database.withOrg(other.org, (tx) =>
        tx.query(`UPDATE index_jobs SET lease_until = now() - interval '1 second'`),
      );
    });
  },
  { INDEX_WORKERS: '0' },
);
