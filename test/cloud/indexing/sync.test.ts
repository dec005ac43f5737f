import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { contentPath } from '../../../cloud/domain/indexing/indexParts.ts';
import { onEachStack, type Tenant } from '../stacks.ts';
import { hashOf, manifestOf, readTree, rootHashOf, syncClient, type SyncClient } from './syncClient.ts';

const core = path.resolve(import.meta.dirname, '../../../core');

interface FileRow {
  file_path: string;
  content_hash: string;
  skip_reason: string | null;
  language: string;
  chunk_count: number;
}

onEachStack(
  'Syncing',
  (platform) => {
    let tenant: Tenant;
    let count = 0;

    before(async () => {
      tenant = await platform().found('syncing');
    });

    async function newProject(settings = {}): Promise<{ id: string; client: SyncClient }> {
      const any = syncClient(platform().address, tenant.key, '');
      const { body } = await any.call('POST', '/v1/projects', { body: { name: `Project ${++count}`, settings } });
      const id = body.id as string;
      return { id, client: syncClient(platform().address, tenant.key, id) };
    }

    const filesOf = async (projectId: string, branch = 'main'): Promise<FileRow[]> => {
      const { rows } = await platform().stack.database.withOrg(tenant.org, (tx) =>
        tx.query<FileRow>(
          `SELECT file_path, content_hash, skip_reason, language, chunk_count FROM indexed_files
           WHERE project_id = $1 AND branch = $2 ORDER BY file_path`,
          [projectId, branch],
        ),
      );
      return rows;
    };

    const countOf = async (table: string, projectId: string): Promise<number> => {
      const { rows } = await platform().stack.database.withOrg(tenant.org, (tx) =>
        tx.query<{ count: number }>(`SELECT count(*) AS count FROM ${table} WHERE project_id = $1`, [projectId]),
      );
      return rows[0]!.count;
    };

    const blobOf = (projectId: string, content: string): Promise<Uint8Array | undefined> =>
      platform().stack.blobs.get(tenant.org, contentPath(projectId, hashOf(content)));

    it('makes a real folder an index, then only what changes', async () => {
      const { id, client } = await newProject();
      const tree = readTree(core);
      const first = await client.sync(tree);
      assert.deepEqual([first.status, first.revision, first.error], ['succeeded', 1, null]);
      assert.deepEqual(
        [first.progress.files_total, first.progress.files_processed],
        [tree.size, tree.size],
        'all files are counted',
      );
      const rows = await filesOf(id);
      assert.deepEqual(
        rows.map(({ file_path, content_hash }) => ({ path: file_path, hash: content_hash })),
        manifestOf(tree).sort((a, b) => (a.path < b.path ? -1 : 1)),
      );
      const chunks = rows.reduce((sum, { chunk_count }) => sum + chunk_count, 0);
      assert.equal(chunks, first.progress.chunks_created);
      const project = (await client.call('GET', `/v1/projects/${id}`)).body;
      assert.deepEqual(
        { ...project.index, indexed_at: typeof project.index.indexed_at },
        { status: 'ready', branch: 'main', revision: 1, files: tree.size, skipped: 0, chunks, indexed_at: 'string' },
      );

      const changed = new Map(tree)
        .set('model.ts', 'export const one = 1;\n')
        .set('new/file.py', 'def f():\n  return 1\n');
      changed.delete('errors.ts');
      const diff = await client.send(changed);
      assert.deepEqual([diff.changed, diff.deleted, diff.contents.length, diff.base_revision], [2, 1, 2, 1]);
      const second = await client.sync(changed);
      assert.deepEqual([second.status, second.revision, second.progress.files_total], ['succeeded', 2, 3]);
      assert.equal((await filesOf(id)).length, changed.size);
    });

    it('answers one small request when nothing has changed', async () => {
      const { id, client } = await newProject();
      const tree = readTree(path.join(core, 'pack'));
      await client.sync(tree);
      const body = { project_id: id, root_hash: rootHashOf(tree) };
      const before = await countOf('index_jobs', id);
      const { status, body: state } = await client.call('POST', '/v1/index/sync', { body });
      assert.equal(status, 200);
      assert.deepEqual([state.status, state.revision, state.files], ['unchanged', 1, tree.size]);
      const other = await client.call('POST', '/v1/index/sync', { body: { ...body, root_hash: hashOf('other') } });
      assert.deepEqual([other.status, other.body.status, other.body.root_hash], [200, 'outdated', rootHashOf(tree)]);
      const whole = { project_id: id, base_revision: 1, manifest: manifestOf(tree) };
      assert.equal((await client.call('POST', '/v1/index/sync', { body: whole })).status, 200);
      assert.equal(await countOf('index_jobs', id), before, 'no job was made');
    });

    it('takes files and deletions of simple clients, one after the other', async () => {
      const { id, client } = await newProject();
      const send = (body: object): ReturnType<SyncClient['call']> =>
        client.call('POST', '/v1/index/sync', { body: { project_id: id, ...body } });
      const jobs = [
        {
          files: [
            { path: 'a.txt', content: 'a1' },
            { path: 'b.txt', content: 'b1' },
          ],
        },
        { files: [{ path: 'a.txt', content: 'a2' }] },
        { files: [{ path: 'a.txt', content: 'a1' }], deletions: ['b.txt'] },
      ];
      const replies = [];
      for (const job of jobs) replies.push(await send(job));
      for (const [index, { status, body, headers }] of replies.entries()) {
        assert.equal(status, 202);
        assert.equal(headers.get('location'), `/v1/index/status/${body.job_id}`);
        const job = await client.ended(body.job_id);
        assert.deepEqual([job.status, job.revision], ['succeeded', index + 1]);
      }
      assert.deepEqual(
        (await filesOf(id)).map(({ file_path, content_hash }) => [file_path, content_hash]),
        [['a.txt', hashOf('a1')]],
      );
      assert.equal((await send({ files: [{ path: 'a.txt', content: 'a1' }] })).body.status, 'unchanged');
      assert.equal((await send({ files: [{ path: 'c.txt', hash: hashOf('nobody sent this') }] })).status, 409);
    });

    it('refuses the slower of two writers, who succeeds after looking again', async () => {
      const { id, client } = await newProject();
      const ours = new Map([['a.txt', 'ours']]);
      const theirs = new Map([['a.txt', 'theirs']]);
      await client.send(ours);
      await client.send(theirs);
      const sync = (tree: Map<string, string>): ReturnType<SyncClient['call']> =>
        client.call('POST', '/v1/index/sync', {
          body: { project_id: id, base_revision: 0, manifest: manifestOf(tree) },
        });
      const replies = await Promise.all([sync(ours), sync(theirs)]);
      assert.deepEqual(replies.map(({ status }) => status).sort(), [202, 409]);
      const [won, lost] = replies[0].status === 202 ? [replies[0], theirs] : [replies[1], ours];
      assert.equal((await client.ended(won.body.job_id)).status, 'succeeded');
      assert.equal((await sync(lost)).status, 409, 'the revision it was made for is not the newest');
      const again = await client.sync(lost);
      assert.deepEqual([again.status, again.revision], ['succeeded', 2]);
      assert.equal((await filesOf(id))[0]!.content_hash, hashOf(lost.get('a.txt')!));
    });

    it('keeps branches apart, and analyses equal files once', async () => {
      const { id, client } = await newProject();
      const tree = readTree(path.join(core, 'format'));
      await client.sync(tree);
      const other = syncClient(platform().address, tenant.key, id, 'feature/x');
      const diff = await other.send(tree);
      assert.deepEqual([diff.base_revision, diff.contents], [0, []], 'their texts are known');
      const smaller = new Map([...tree].slice(0, 3));
      const job = await other.sync(smaller);
      assert.deepEqual([job.status, job.revision], ['succeeded', 1]);
      assert.deepEqual([(await filesOf(id)).length, (await filesOf(id, 'feature/x')).length], [tree.size, 3]);
    });

    it('leaves out what is no text worth searching, with the reason of the local engine', async () => {
      const { id, client } = await newProject();
      const tree = new Map<string, string | Uint8Array>([
        ['zero.ts', Buffer.from('const a = "\0";')],
        ['latin.ts', Buffer.from([0x63, 0xe9, 0x0a])],
        ['package-lock.json', '{}'],
        ['bundle.js', `var a=${'"x"+'.repeat(2_000)}1`],
        ['empty.ts', ''],
        ['good.ts', 'export const good = 1;\n'],
      ]);
      const job = await client.sync(tree);
      assert.equal(job.status, 'succeeded');
      assert.deepEqual(
        (await filesOf(id)).map(({ file_path, skip_reason }) => [file_path, skip_reason]),
        [
          ['bundle.js', 'minified'],
          ['empty.ts', null],
          ['good.ts', null],
          ['latin.ts', 'binary'],
          ['package-lock.json', 'generated'],
          ['zero.ts', 'binary'],
        ],
      );
      assert.equal((await client.call('GET', `/v1/projects/${id}`)).body.index.skipped, 4);
      const text = { project_id: id, files: [{ path: 'nul.ts', content: 'a\0b' }] };
      const { status, body } = await client.call('POST', '/v1/index/sync', { body: text });
      assert.equal(status, 202);
      await client.ended(body.job_id);
      assert.equal((await filesOf(id)).find(({ file_path }) => file_path === 'nul.ts')?.skip_reason, 'binary');
    });

    it('takes bodies that come packed', async () => {
      const { id, client } = await newProject();
      const body = { project_id: id, files: [{ path: 'a.md', content: '# Packed\n' }] };
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const raw = new Uint8Array(gzipSync(JSON.stringify(body)));
      const { status, body: job, text } = await client.call('POST', '/v1/index/sync', { raw, headers });
      assert.equal(status, 202, text);
      assert.equal((await client.ended(job.job_id)).status, 'succeeded');
    });

    it('counts what was synced and what is kept', async () => {
      const tenantOfOwn = await platform().found(`counted-${++count}`);
      const any = syncClient(platform().address, tenantOfOwn.key, '');
      const { id } = (await any.call('POST', '/v1/projects', { body: { name: 'Counted' } })).body;
      const client = syncClient(platform().address, tenantOfOwn.key, id);
      const tree = new Map([['a.ts', 'export const a = 1;\n'.repeat(50)]]);
      await client.sync(tree);
      await client.call('POST', '/v1/index/sync', { body: { project_id: id, root_hash: rootHashOf(tree) } });
      const { rows } = await platform().stack.database.withOrg(tenantOfOwn.org, (tx) =>
        tx.query<{ event_type: string; count: number }>(
          'SELECT event_type, count(*) AS count FROM usage_events GROUP BY 1 ORDER BY 1',
        ),
      );
      assert.deepEqual(
        rows.map(({ event_type, count: events }) => [event_type, events]),
        [
          ['index', 1],
          ['sync', 2],
        ],
      );
      const { rows: kept } = await platform().stack.database.withOrg(tenantOfOwn.org, (tx) =>
        tx.query<{ bytes: number }>(
          'SELECT ((SELECT sum(bytes) FROM file_contents) + (SELECT sum(bytes) FROM file_records))::bigint AS bytes',
        ),
      );
      assert.ok(kept[0]!.bytes > 1_000);
      const usage = await any.call('GET', '/v1/usage');
      assert.equal(usage.body.storage_bytes, kept[0]!.bytes);
      const { text } = await platform().stack.metrics.expose();
      assert.match(text, new RegExp(`^storage_bytes\\{org_id="${tenantOfOwn.org}"\\} ${kept[0]!.bytes}$`, 'm'));
      assert.match(text, new RegExp(`^index_operations_total\\{org_id="${tenantOfOwn.org}"\\} 1$`, 'm'));
    });

    it('removes for good what no revision holds any more', async () => {
      const { id, client } = await newProject();
      const [kept, dropped] = ['export const kept = 1;\n', 'export const dropped = 2;\n'];
      await client.sync(
        new Map([
          ['kept.ts', kept],
          ['dropped.ts', dropped],
        ]),
      );
      assert.ok((await blobOf(id, dropped)) !== undefined);
      await client.sync(new Map([['kept.ts', kept]]));
      const unused = async (): Promise<number> => {
        const { rows } = await platform().stack.database.withOrg(tenant.org, (tx) =>
          tx.query(`SELECT FROM file_records r
            WHERE NOT EXISTS (SELECT FROM indexed_files f WHERE f.org_id = r.org_id AND f.record_key = r.key)`),
        );
        return rows.length;
      };
      // As long as it takes: the test has a time limit of its own.
      while ((await countOf('file_contents', id)) > 1 || (await unused()) > 0) await sleep(50);
      assert.equal(await blobOf(id, dropped), undefined);
      assert.ok((await blobOf(id, kept)) !== undefined);
    });

    it('removes all of a project that is deleted', async () => {
      const { id, client } = await newProject();
      const text = 'export const gone = 1;\n';
      await client.sync(new Map([['gone.ts', text]]));
      assert.equal((await client.call('DELETE', `/v1/projects/${id}`)).status, 204);
      for (const table of ['indexed_files', 'file_contents', 'chunk_vectors', 'revisions']) {
        assert.equal(await countOf(table, id), 0, table);
      }
      while ((await blobOf(id, text)) !== undefined) await sleep(50);
      const { blobs } = await platform().stack.blobs.list(tenant.org, `projects/${id}/`);
      assert.deepEqual(blobs, []);
      const body = { project_id: id, files: [{ path: 'a.ts', content: 'a' }] };
      assert.equal((await client.call('POST', '/v1/index/sync', { body })).status, 404);
    });
  },
  { GARBAGE_MINUTES: '0' },
);
