import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { onEachStack, type Tenant } from '../stacks.ts';
import { hashOf, syncClient, type SyncClient } from './syncClient.ts';

const dimensions = 384;
const unit = Float32Array.from({ length: dimensions }, () => 1 / Math.sqrt(dimensions));
const base64 = (vector: Float32Array): string => Buffer.from(vector.buffer).toString('base64');
const digest = 'ab'.repeat(16);
const model = 'gte-small/384';

/** A path, and what is said of it. */
const paths: [string, RegExp][] = [
  ['../secret', /leads out of the project/],
  ['a/../../b', /leads out of the project/],
  ['/etc/passwd', /is absolute/],
  ['C:/windows/system32', /begins with a drive/],
  ['c:x', /begins with a drive/],
  ['a\\b.ts', /holds a backslash/],
  ['\\\\server\\share', /holds a backslash/],
  ['a//b', /a part that is empty/],
  ['a/./b', /a part that is empty or "\."/],
  ['a/', /a part that is empty/],
  ['', /is empty/],
  ['a\nb', /control character/],
  ['\u001b[31mred', /control character/],
  [`${'a/'.repeat(2_047)}b`, /longer than 1024 bytes/],
  ['é'.repeat(513), /longer than 1024 bytes/],
];

onEachStack(
  'What a sync refuses',
  (platform) => {
    let tenant: Tenant;
    let client: SyncClient;
    let project_id: string;

    before(async () => {
      tenant = await platform().found('hostile');
      client = syncClient(platform().address, tenant.key, '');
      project_id = (await client.call('POST', '/v1/projects', { body: { name: 'Hostile' } })).body.id;
    });

    const post = (path: string, body: object): ReturnType<SyncClient['call']> =>
      client.call('POST', `/v1/index/${path}`, { body: { project_id, ...body } });

    async function refused(path: string, body: object, at: string, says: RegExp): Promise<void> {
      const reply = await post(path, body);
      assert.equal(reply.status, 400, reply.text);
      const fault = (reply.body.errors as { path: string; message: string }[]).find((each) => each.path === at);
      assert.match(fault?.message ?? reply.text, says);
      assert.ok(fault !== undefined, `no fault at ${at}: ${reply.text}`);
    }

    for (const [path, says] of paths) {
      it(`the path ${JSON.stringify(path.slice(0, 30))}, wherever it stands`, async () => {
        const good = { path: 'good.ts', hash: hashOf('good') };
        const bad = { path, hash: hashOf('bad') };
        await refused('diff', { manifest: [good, bad] }, 'body.manifest.1', says);
        await refused('sync', { manifest: [good, bad], base_revision: 0 }, 'body.manifest.1', says);
        await refused('sync', { files: [{ path, content: 'x' }] }, 'body.files.0', says);
        await refused('sync', { deletions: ['good.ts', path] }, 'body.deletions.1', says);
      });
    }

    it('a NUL in a path, and half of a surrogate pair', async () => {
      for (const path of ['a\0b', '\ud800']) {
        await refused('sync', { files: [{ path, content: 'x' }] }, 'body.files.0.path', /not text/);
      }
    });

    it('a path that stands twice; not one that differs in letter case', async () => {
      const hash = hashOf('x');
      await refused(
        'diff',
        {
          manifest: [
            { path: 'a', hash },
            { path: 'a', hash },
          ],
        },
        'body.manifest.1',
        /twice/,
      );
      await refused('sync', { files: [{ path: 'a', content: 'x' }], deletions: ['a'] }, 'body.deletions.0', /twice/);
      const files = ['a.ts', 'A.ts', 'Ä.ts', '日本語.ts', '🙂.ts'].map((path) => ({ path, content: path }));
      const reply = await post('sync', { files });
      assert.equal(reply.status, 202);
      const job = await client.ended(reply.body.job_id);
      assert.equal(job.status, 'succeeded');
      const { body } = await client.call('GET', `/v1/projects/${project_id}`);
      assert.equal(body.index.files, files.length);
    });

    it('names at most so many faults of a list', async () => {
      const manifest = Array.from({ length: 1_000 }, (_, i) => ({ path: `/${i}`, hash: hashOf('x') }));
      const { status, body } = await post('diff', { manifest });
      assert.equal(status, 400);
      assert.ok(body.errors.length <= 51);
      assert.match(body.detail, /999 more/);
    });

    it('contents that are not what their hash says, or no base64, or too large', async () => {
      const bad = (content: object): object => ({ contents: [content] });
      await refused(
        'contents',
        bad({ hash: hashOf('a'), content: 'b' }),
        'body.contents.0.hash',
        /not that of the content/,
      );
      const noBase64 = { hash: hashOf('a'), content: '???', encoding: 'base64' };
      await refused('contents', bad(noBase64), 'body.contents.0.content', /not base64/);
      const large = 'x'.repeat(10 * 1024 * 1024 + 1);
      await refused('contents', bad({ hash: hashOf(large), content: large }), 'body.contents.0.content', /at most/);
      const surrogate = { hash: hashOf('\ufffd'), content: '\ud800' };
      assert.equal((await post('contents', bad(surrogate))).status, 200, 'what it is in UTF-8 is what is kept');
    });

    it('vectors that are none', async () => {
      const vectors: [unknown, RegExp][] = [
        [base64(unit.slice(1)), /has 383 numbers/],
        [base64(unit.map((value, i) => (i === 5 ? NaN : value))), /not finite/],
        [base64(unit.map((value, i) => (i === 5 ? Infinity : value))), /not finite/],
        [base64(unit.map((value) => value * 2)), /the length 2\.000 and not 1/],
        [base64(new Float32Array(dimensions)), /the length 0\.000 and not 1/],
        ['****', /not base64/],
        [[...unit].slice(2), /has 382 numbers/],
      ];
      for (const [vector, says] of vectors) {
        const body = { embedding_model: model, vectors: [{ digest, vector }] };
        await refused('contents', body, 'body.vectors.0.vector', says);
      }
      const good = { digest, vector: base64(unit) };
      await refused('contents', { vectors: [good] }, 'body.embedding_model', /is missing/);
      const NaNs = { embedding_model: model, vectors: [{ digest, vector: [...unit].map(() => null) }] };
      assert.equal((await post('contents', NaNs)).status, 400);
      const { status, body } = await post('contents', { embedding_model: model, vectors: [good, good] });
      assert.deepEqual([status, body.vectors_stored], [200, 1]);
      assert.equal(await platform().stack.vectors.count(tenant.org, project_id), 1);
    });

    it('nothing that a refused request brought is kept', async () => {
      const content = 'must not be kept';
      const body = {
        contents: [{ hash: hashOf(content), content }],
        embedding_model: 'gte-small/384',
        vectors: [{ digest, vector: base64(unit.map((value) => value * 3)) }],
      };
      assert.equal((await post('contents', body)).status, 400);
      const diff = await post('diff', { manifest: [{ path: 'a', hash: hashOf(content) }] });
      assert.deepEqual(diff.body.contents, [hashOf(content)]);
    });

    it('a root hash that is not that of the files', async () => {
      const manifest = [{ path: 'a.ts', hash: hashOf('a.ts') }];
      const wrong = { manifest, base_revision: 0, root_hash: hashOf('wrong') };
      await refused('sync', wrong, 'body.root_hash', /not that of the manifest/);
      const { status, body } = await post('sync', {
        files: [{ path: 'z.ts', content: 'z' }],
        root_hash: hashOf('wrong'),
      });
      assert.equal(status, 202);
      const job = await client.ended(body.job_id);
      assert.deepEqual([job.status, job.error?.code], ['failed', 'conflict']);
      assert.equal((await client.call('GET', `/v1/projects/${project_id}`)).body.index.status, 'failed');
    });

    it('requests that say nothing, or too much', async () => {
      await refused('sync', {}, 'body', /needs a root_hash/);
      await refused('sync', { manifest: [] }, 'body.base_revision', /is missing/);
      await refused('sync', { manifest: [], base_revision: 0, files: [] }, 'body', /besides/);
      await refused('sync', { files: [{ path: 'a' }] }, 'body.files.0', /needs a content/);
    });

    it('bodies that are too large, packed or not, and those that are not what they say', async () => {
      const send = (raw: Uint8Array, encoding: string): ReturnType<SyncClient['call']> =>
        client.call('POST', '/v1/index/contents', {
          raw: new Uint8Array(raw),
          headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        });
      const bomb = gzipSync(Buffer.alloc(200_000_000, ' '), { level: 9 });
      assert.ok(bomb.length < 300_000);
      const before = process.memoryUsage().arrayBuffers;
      assert.equal((await send(bomb, 'gzip')).status, 413);
      assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000, 'it was unpacked');
      assert.equal((await send(Buffer.from('{}'), 'gzip')).status, 400);
      assert.equal((await send(gzipSync('{"a":1}').subarray(0, 10), 'gzip')).status, 400);
      assert.equal((await send(Buffer.from('{}'), 'br')).status, 415);
      const large = Buffer.alloc(17 * 1024 * 1024, ' ');
      assert.equal((await send(large, 'identity')).status, 413);
    });
  },
  { MAX_INDEX_BODY_MB: '16' },
);
