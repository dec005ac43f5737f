import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { IndexParts } from '../../../cloud/domain/indexing/indexParts.ts';
import { workJob } from '../../../cloud/domain/indexing/workJob.ts';
import { BlobStoreError, type BlobStore } from '../../../cloud/ports/blobStore.ts';
import { readSnapshot } from '../../../core/snapshot/readSnapshot.ts';
import type { SnapshotFile, SnapshotHeader, SnapshotVector } from '../../../core/snapshot/snapshotFormat.ts';
import type { IndexJob, Snapshot } from '../../../protocol/api/index.ts';
import {
  hashOf,
  manifestOf,
  readTree,
  rootHashOf,
  syncClient,
  type SyncClient,
  type Tree,
} from '../indexing/syncClient.ts';
import { onEachStack, type Tenant } from '../stacks.ts';

const pack = path.resolve(import.meta.dirname, '../../../core/pack');
const never = new AbortController().signal;
const aModel = 'test/384';
const hour = 3_600_000;

interface Contents {
  header: SnapshotHeader;
  files: SnapshotFile[];
  vectors: SnapshotVector[];
  digest: string;
}

/** As a client would read it. */
async function unpack(packed: Uint8Array): Promise<Contents> {
  const files: SnapshotFile[] = [];
  const vectors: SnapshotVector[] = [];
  let header: SnapshotHeader | undefined;
  let digest: string | undefined;
  const sha256 = async (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield gunzipSync(packed);
  }
  for await (const item of readSnapshot(whole(), sha256)) {
    if (item.kind === 'header') header = item.header;
    else if (item.kind === 'file') files.push(item.file);
    else if (item.kind === 'vector') vectors.push(item.vector);
    else digest = Buffer.from(item.digest).toString('hex');
  }
  return { header: header!, files, vectors, digest: digest! };
}

const vectorOf = (at: number): Float32Array => {
  const vector = new Float32Array(384);
  vector[(at + 384) % 384] = 1;
  return vector;
};

// Tests do the work themselves, step by step.
onEachStack(
  'Snapshots',
  (platform) => {
    let tenant: Tenant;
    let client: SyncClient;
    let projectId: string;
    let count = 0;

    const partsWith = (changes: Partial<IndexParts> = {}): IndexParts => ({
      ...platform().stack,
      log: (level, event, fields = {}) => platform().log.push({ level, event, fields }),
      garbageAfterMs: hour,
      wakeWorkers: () => undefined,
      ...changes,
    });
    const work = (changes: Partial<IndexParts> = {}, worker = 'worker', stop = never): Promise<boolean> =>
      workJob(partsWith(changes), worker, stop);
    const workAll = async (changes: Partial<IndexParts> = {}): Promise<void> => {
      while (await work(changes));
    };
    const sql = async <Row>(text: string, ...values: (string | number)[]): Promise<Row[]> =>
      (await platform().stack.database.withOrg(tenant.org, (tx) => tx.query<Row>(text, values))).rows;
    /** One job, or all of the project. */
    const dueNow = (id = projectId): Promise<unknown> =>
      sql('UPDATE index_jobs SET run_after = now() WHERE $1 IN (id, project_id)', id);

    beforeEach(async () => {
      await workAll();
      tenant = await platform().found(`snapshots-${++count}`);
      const any = syncClient(platform().address, tenant.key, '');
      projectId = (await any.call('POST', '/v1/projects', { body: { name: 'Snapshots' } })).body.id;
      client = syncClient(platform().address, tenant.key, projectId);
    });

    /** @returns the revision. */
    async function index(tree: Tree, branch = 'main'): Promise<number> {
      const { base_revision } = await syncClient(platform().address, tenant.key, projectId, branch).send(tree);
      const body = { project_id: projectId, branch, base_revision, manifest: manifestOf(tree) };
      const { status, text, body: job } = await client.call('POST', '/v1/index/sync', { body });
      assert.equal(status, 202, text);
      await workAll();
      const ended = await readJob(job.job_id as string);
      assert.equal(ended.status, 'succeeded');
      return ended.revision!;
    }

    async function create(expected: number, branch = 'main'): Promise<Snapshot> {
      const reply = await client.call('POST', '/v1/snapshots', { body: { project_id: projectId, branch } });
      assert.equal(reply.status, expected, reply.text);
      assert.equal(reply.headers.get('location'), `/v1/snapshots/${reply.body.id}`);
      return reply.body as Snapshot;
    }
    const read = async (id: string): Promise<Snapshot> => {
      const reply = await client.call('GET', `/v1/snapshots/${id}`);
      assert.equal(reply.status, 200, reply.text);
      return reply.body as Snapshot;
    };
    const readJob = async (id: string): Promise<IndexJob> =>
      (await client.call('GET', `/v1/index/status/${id}`)).body as IndexJob;
    const list = async (query = ''): Promise<Snapshot[]> => {
      const reply = await client.call('GET', `/v1/snapshots?project_id=${projectId}${query}`);
      assert.equal(reply.status, 200, reply.text);
      return reply.body.snapshots as Snapshot[];
    };
    const made = async (branch = 'main'): Promise<Snapshot> => {
      const { id } = await create(202, branch);
      // Garbage may be due before it.
      await workAll();
      const snapshot = await read(id);
      assert.equal(snapshot.status, 'ready');
      return snapshot;
    };
    const fetchBytes = (id: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
      fetch(`${platform().address}/v1/snapshots/${id}/download`, {
        method,
        headers: { authorization: `Bearer ${tenant.key}`, ...headers },
      });
    const download = async (id: string): Promise<Uint8Array> => {
      const reply = await fetchBytes(id);
      assert.equal(reply.status, 200);
      return new Uint8Array(await reply.arrayBuffer());
    };
    const blobsOf = async (): Promise<string[]> =>
      (await platform().stack.blobs.list(tenant.org, `projects/${projectId}/snapshots/`)).blobs.map(
        (blob) => blob.path,
      );

    /** Of all chunks of the organization. */
    const digestsOfAll = async (): Promise<string[]> => {
      const rows = await sql<{ digests: Uint8Array }>('SELECT digests FROM file_records WHERE chunk_count > 0');
      const all = Buffer.concat(rows.map(({ digests }) => digests)).toString('hex');
      return [...new Set(all.match(/.{32}/g))];
    };

    /** A store that does this before each write. */
    const blobsThat = (first: (path: string) => Promise<unknown>): { blobs: BlobStore } => {
      const { blobs } = platform().stack;
      return {
        blobs: {
          ...blobs,
          put: async (org, where, bytes) => {
            await first(where);
            await blobs.put(org, where, bytes);
          },
        },
      };
    };

    it('hold what the database holds of the revision', async () => {
      const tree = new Map<string, string | Uint8Array>([
        ...readTree(pack),
        ['bilder/\u{1f600}.bin', Uint8Array.of(0, 1, 2)],
        ['\uff21.txt', 'wide\n'],
        ['leer.ts', ''],
      ]);
      const revision = await index(tree);
      const snapshot = await made();
      assert.deepEqual(
        [snapshot.revision, snapshot.root_hash, snapshot.files, snapshot.vectors, snapshot.embedding_model],
        [revision, rootHashOf(tree), tree.size, 0, null],
      );
      const packed = await download(snapshot.id);
      assert.equal(packed.length, snapshot.bytes);
      const { header, files, digest } = await unpack(packed);
      assert.equal(digest, snapshot.digest);
      assert.deepEqual(
        [header.projectId, header.branch, header.revision, header.rootHash, header.chunks],
        [projectId, 'main', revision, rootHashOf(tree), snapshot.chunks],
      );
      assert.deepEqual(
        new Map(files.map((file) => [file.path, file.contentHash])),
        new Map(manifestOf(tree).map((e) => [e.path, e.hash])),
      );
      const rows = await sql<Record<string, unknown>>(
        `SELECT f.file_path AS path, f.content_hash AS "contentHash", f.bytes, r.language, r.role,
           r.chunked_by AS "chunkedBy", r.line_count AS "lineCount", r.syntax_errors AS "syntaxErrors",
           r.chunk_count AS "chunkCount", r.symbol_count AS "symbolCount", r.chunks, r.symbols, r.links, r.words, r.digests,
           r.skip_reason, r.skip_detail
         FROM indexed_files f JOIN file_records r ON r.org_id = f.org_id AND r.key = f.record_key
         WHERE f.project_id = $1 ORDER BY f.file_path COLLATE "C"`,
        projectId,
      );
      const expected = rows.map(({ skip_reason: reason, skip_detail: detail, ...row }) => ({
        ...Object.fromEntries(
          Object.entries(row).map(([key, value]) => [key, value instanceof Uint8Array ? new Uint8Array(value) : value]),
        ),
        skipped: reason === null ? null : { reason, detail },
      }));
      assert.deepEqual(files, expected);
      assert.ok(files.some(({ skipped }) => skipped?.reason === 'binary'));
      assert.ok(!gunzipSync(packed).includes('export function'), 'there is no text in it');
    });

    it('hold the vectors of their chunks, and say how many are missing', async () => {
      const tree = readTree(pack);
      await index(tree);
      const wanted = await digestsOfAll();
      const send = async (digests: string[]): Promise<void> => {
        const vectors = digests.map((digest) => ({ digest, vector: [...vectorOf(wanted.indexOf(digest))] }));
        const body = { project_id: projectId, embedding_model: aModel, vectors };
        const reply = await client.call('POST', '/v1/index/contents', { body });
        assert.equal(reply.status, 200, reply.text);
      };
      const without = await made();
      const stranger = '0'.repeat(32);
      await send([...wanted.slice(1), stranger]);
      const most = await made();
      assert.notEqual(most.id, without.id, 'vectors came since');
      assert.deepEqual([most.embedding_model, most.vectors, most.vectors_missing], [aModel, wanted.length - 1, 1]);
      assert.equal((await create(200)).id, most.id, 'nothing came since');
      await send(wanted.slice(0, 1));
      const whole = await made();
      assert.deepEqual([whole.vectors, whole.vectors_missing], [wanted.length, 0]);
      const { vectors, header } = await unpack(await download(whole.id));
      assert.deepEqual([header.embeddingModel, header.dimensions], [aModel, 384]);
      const found = new Map(vectors.map(({ digest, vector }) => [Buffer.from(digest).toString('hex'), vector]));
      assert.deepEqual([...found.keys()].sort(), [...wanted].sort());
      for (const [at, digest] of wanted.entries()) assert.deepEqual(found.get(digest), vectorOf(at));
      const more = await sql('SELECT FROM chunk_vectors WHERE digest = $1', stranger);
      assert.equal(more.length, 1);
      await index(new Map([['b.ts', 'export const other = 1;\n']]), 'other');
      assert.equal((await create(200)).id, whole.id, 'it lacks nothing, whatever comes to other branches');
    });

    it('are the same one for the same revision, while it is made and after', async () => {
      await index(new Map([['a.ts', 'export const a = 1;\n']]));
      const [first, second] = await Promise.all([create(202), create(202)]);
      assert.equal(first.id, second.id);
      await work();
      const ready = await create(200);
      assert.deepEqual([ready.id, ready.status], [first.id, 'ready']);
      await index(new Map([['a.ts', 'export const a = 2;\n']]));
      assert.notEqual((await create(202)).id, first.id);
    });

    it('of the same content have the same digest', async () => {
      const tree = readTree(pack);
      await index(tree);
      const first = await made();
      await client.call('DELETE', `/v1/snapshots/${first.id}`);
      const second = await made();
      assert.notEqual(second.id, first.id);
      assert.equal(second.digest, first.digest);
    });

    it('of a branch without an index cannot be made', async () => {
      const body = { project_id: projectId, branch: 'none' };
      const { status, body: problem } = await client.call('POST', '/v1/snapshots', { body });
      assert.deepEqual([status, problem.code], [404, 'not_found']);
    });

    it('stay at their revision while the branch moves on, and hold up no sync', async () => {
      const tree = readTree(pack);
      const before = await index(tree);
      const { id } = await create(202);
      let isMoved = false;
      const move = async (): Promise<void> => {
        if (isMoved) return;
        isMoved = true;
        await index(new Map([['only.ts', 'export const only = 1;\n']]));
        // What the old revision alone had is garbage at once.
        await dueNow();
        await workAll({ garbageAfterMs: 0 });
      };
      await work(blobsThat(move));
      const snapshot = await read(id);
      assert.deepEqual([snapshot.status, snapshot.revision, snapshot.root_hash], ['ready', before, rootHashOf(tree)]);
      const { files } = await unpack(await download(id));
      assert.equal(files.length, tree.size);
      assert.equal((await sql('SELECT FROM indexed_files WHERE project_id = $1', projectId)).length, 1);
      assert.equal((await made()).revision, before + 1);
    });

    it('that waited while the branch moved on are of the revision they were asked for', async () => {
      const tree = readTree(pack);
      await index(tree);
      const { id } = await create(202);
      const body = { project_id: projectId, files: [], deletions: [...tree.keys()].slice(1) };
      const { body: job } = await client.call('POST', '/v1/index/sync', { body });
      // The sync is done first, and its garbage as well.
      await sql(`UPDATE index_jobs SET run_after = now() + interval '1 hour' WHERE kind = 'snapshot'`);
      await work();
      assert.equal((await readJob(job.job_id as string)).status, 'succeeded');
      await sql(`UPDATE index_jobs SET run_after = now() WHERE kind = 'collect'`);
      await workAll({ garbageAfterMs: 0 });
      await dueNow();
      await workAll();
      assert.equal((await unpack(await download(id))).files.length, tree.size);
    });

    it('are listed newest first, page by page, by branch', async () => {
      await index(new Map([['a.ts', 'export const a = 1;\n']]));
      await index(new Map([['b.ts', 'export const b = 1;\n']]), 'other');
      const ids: string[] = [];
      for (let n = 0; n < 3; n++) {
        ids.unshift((await made()).id);
        await index(new Map([['a.ts', `export const a = ${n + 2};\n`]]));
      }
      const other = (await made('other')).id;
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const next: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const { body } = await client.call('GET', `/v1/snapshots?project_id=${projectId}&limit=2${next}`);
        seen.push(...(body.snapshots as Snapshot[]).map(({ id }) => id));
        cursor = body.next_cursor as string | null;
      }
      assert.deepEqual(seen, [other, ...ids]);
      assert.deepEqual(
        (await list('&branch=other')).map(({ id }) => id),
        [other],
      );
      assert.deepEqual(await list('&branch=none'), []);
      const wrong = await client.call('GET', `/v1/snapshots?project_id=${projectId}&cursor=eyJh`);
      assert.equal(wrong.status, 400);
    });

    it('are three of a branch; older ones go with the garbage', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) {
        await index(new Map([['a.ts', `export const a = ${n};\n`]]));
        ids.unshift((await made()).id);
      }
      assert.deepEqual(
        (await list()).map(({ id }) => id),
        ids.slice(0, 3),
      );
      assert.equal((await client.call('GET', `/v1/snapshots/${ids[3]!}`)).status, 404);
      assert.equal((await fetchBytes(ids[4]!)).status, 404);
      await dueNow();
      await workAll();
      assert.equal((await blobsOf()).length, 5, 'downloads that run may come to their end');
      await sql(`UPDATE snapshots SET delete_after = now() WHERE delete_after IS NOT NULL`);
      await index(new Map([['a.ts', 'export const last = 1;\n']]));
      await dueNow();
      await workAll();
      assert.equal((await blobsOf()).length, 3);
      assert.equal((await sql('SELECT FROM snapshots WHERE project_id = $1', projectId)).length, 3);
      for (const id of ids.slice(0, 3)) await unpack(await download(id));
    });

    it('are deleted with their bytes, and taken from the storage that is accounted', async () => {
      await index(readTree(pack));
      const storage = async (): Promise<number> =>
        (await sql<{ storage_bytes: number }>('SELECT storage_bytes FROM usage_monthly'))[0]!.storage_bytes;
      const before = await storage();
      const { id, bytes } = await made();
      assert.equal((await storage()) - before, bytes);
      assert.equal((await blobsOf()).length, 1);
      assert.equal((await client.call('DELETE', `/v1/snapshots/${id}`)).status, 204);
      for (const [method, where] of [
        ['GET', ''],
        ['GET', '/download'],
        ['DELETE', ''],
      ] as const) {
        assert.equal((await client.call(method, `/v1/snapshots/${id}${where}`)).status, 404);
      }
      await workAll();
      assert.deepEqual([await blobsOf(), await storage()], [[], before]);
    });

    it('of a project that is deleted are gone, those being made as well', async () => {
      await index(readTree(pack));
      const { id } = await made();
      await index(new Map([['a.ts', 'export const a = 1;\n']]));
      await create(202);
      await work(blobsThat(() => client.call('DELETE', `/v1/projects/${projectId}`)));
      assert.equal((await client.call('GET', `/v1/snapshots/${id}`)).status, 404);
      assert.deepEqual(await sql('SELECT FROM snapshots'), []);
      // What came in after the first purge goes with the second.
      await dueNow();
      await workAll();
      assert.deepEqual(await blobsOf(), []);
    });

    it('whose job is cancelled are never ready, and leave nothing behind', async () => {
      await index(readTree(pack));
      const { id, job_id } = await create(202);
      await work(blobsThat(() => client.call('DELETE', `/v1/index/jobs/${job_id}`)));
      assert.equal((await readJob(job_id)).status, 'cancelled');
      assert.equal((await read(id)).status, 'cancelled');
      const refused = await client.call('GET', `/v1/snapshots/${id}/download`);
      assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
      assert.equal((await blobsOf()).length, 1);
      await workAll();
      assert.deepEqual(await blobsOf(), []);
      assert.deepEqual(await sql('SELECT FROM index_job_changes'), []);
      await made();
      assert.deepEqual(
        (await list()).map(({ status }) => status),
        ['ready'],
        'the next one takes its place',
      );
    });

    it('that are deleted while they are made are cancelled', async () => {
      await index(readTree(pack));
      const { id, job_id } = await create(202);
      await work(blobsThat(() => client.call('DELETE', `/v1/snapshots/${id}`)));
      assert.equal((await readJob(job_id)).status, 'cancelled');
      await workAll();
      assert.deepEqual([await blobsOf(), await sql('SELECT FROM snapshots')], [[], []]);
      const waiting = await create(202);
      await client.call('DELETE', `/v1/snapshots/${waiting.id}`);
      assert.equal((await readJob(waiting.job_id)).status, 'cancelled');
    });

    it('whose server died are made by another, which takes nothing over', async () => {
      await index(readTree(pack));
      const { id, job_id } = await create(202);
      const taken = `UPDATE index_jobs SET worker = 'another', lease_until = now() - interval '1 second' WHERE id = $1`;
      await work(blobsThat(() => sql(taken, job_id)));
      assert.deepEqual([(await read(id)).status, (await blobsOf()).length], ['running', 1]);
      await work({}, 'second');
      assert.deepEqual([(await read(id)).status, (await blobsOf()).length], ['ready', 2]);
      await unpack(await download(id));
      await dueNow();
      await workAll();
      assert.equal((await blobsOf()).length, 1, 'what the first one had written is garbage');
      await unpack(await download(id));
    });

    it('of a server that ends are given back and made by the next', async () => {
      await index(readTree(pack));
      const { id } = await create(202);
      const stop = new AbortController();
      await work(
        blobsThat(async () => stop.abort()),
        'first',
        stop.signal,
      );
      assert.equal((await read(id)).status, 'queued');
      await work({}, 'second');
      assert.equal((await read(id)).status, 'ready');
    });

    it('that the store did not take are made when it does', async () => {
      await index(readTree(pack));
      const { id, job_id } = await create(202);
      await work(blobsThat(() => Promise.reject(new BlobStoreError('the disk is full', { isUnavailable: true }))));
      const { status, error } = await readJob(job_id);
      assert.deepEqual([status, error?.code, (await read(id)).status], ['queued', 'unavailable', 'queued']);
      await dueNow(job_id);
      await work();
      assert.equal((await read(id)).status, 'ready');
    });

    it('that the store has altered or lost are not offered', async () => {
      await index(readTree(pack));
      const { id, job_id } = await create(202);
      const { blobs } = platform().stack;
      const altering: BlobStore = {
        ...blobs,
        put: (org, where, bytes) =>
          blobs.put(
            org,
            where,
            bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte)),
          ),
      };
      const losing: BlobStore = { ...blobs, put: async () => undefined };
      for (const broken of [altering, losing, altering, losing, altering]) {
        await work({ blobs: broken });
        assert.notEqual((await read(id)).status, 'ready');
        await dueNow(job_id);
      }
      assert.deepEqual([(await readJob(job_id)).status, (await read(id)).status], ['failed', 'failed']);
      assert.equal(
        platform()
          .log.splice(0)
          .filter(({ event }) => event === 'index.job_failed').length,
        5,
      );
      await workAll();
      assert.deepEqual(await blobsOf(), []);
      await made();
    });

    it('that are lost later are forgotten, and made anew', async () => {
      await index(readTree(pack));
      const lost = await made();
      await platform().stack.blobs.delete(tenant.org, await blobsOf());
      const reply = await client.call('GET', `/v1/snapshots/${lost.id}/download`);
      assert.deepEqual([reply.status, reply.body.code], [404, 'not_found']);
      assert.deepEqual(
        platform()
          .log.splice(0)
          .flatMap(({ level, event }) => (level === 'error' ? [event] : [])),
        ['snapshot.lost'],
      );
      assert.deepEqual(await list(), []);
      await unpack(await download((await made()).id));
    });

    it('of another model are not mixed: a change in between begins them anew', async () => {
      const tree = new Map([['a.ts', 'export const a = 1;\n']]);
      await index(tree);
      const [row] = await sql<{ digests: Uint8Array }>('SELECT digests FROM file_records');
      const digest = Buffer.from(row!.digests).toString('hex');
      const vectors = [{ digest, vector: [...vectorOf(0)] }];
      await client.call('POST', '/v1/index/contents', {
        body: { project_id: projectId, embedding_model: aModel, vectors },
      });
      const { id, job_id } = await create(202);
      const change = (): Promise<unknown> =>
        client.call('PATCH', `/v1/projects/${projectId}`, { body: { settings: { embedding_model: null } } });
      await work(blobsThat(change));
      assert.deepEqual(
        [(await readJob(job_id)).status, (await readJob(job_id)).error?.code],
        ['queued', 'unavailable'],
      );
      await dueNow();
      await workAll();
      const { embedding_model: model, vectors: found } = await read(id);
      assert.deepEqual([model, found], [null, 0]);
    });

    it('are downloaded in ranges, and not at all where nothing has changed', async () => {
      await index(readTree(pack));
      const { id, ...snapshot } = await made();
      const bytes = snapshot.bytes!;
      const whole = Buffer.from(await download(id));
      const first = await fetchBytes(id);
      await first.arrayBuffer();
      const etag = first.headers.get('etag')!;
      assert.deepEqual(
        [first.headers.get('content-length'), first.headers.get('content-type'), first.headers.get('accept-ranges')],
        [String(bytes), 'application/gzip', 'bytes'],
      );
      const same = await fetchBytes(id, { 'if-none-match': etag });
      assert.deepEqual([same.status, await same.text()], [304, '']);
      const cases: [string, number, number][] = [
        ['bytes=0-0', 0, 0],
        ['bytes=10-99', 10, 99],
        [`bytes=${bytes - 5}-`, bytes - 5, bytes - 1],
        ['bytes=-7', bytes - 7, bytes - 1],
        [`bytes=100-${bytes * 2}`, 100, bytes - 1],
        [`bytes=-${bytes * 2}`, 0, bytes - 1],
      ];
      for (const [range, from, to] of cases) {
        const reply = await fetchBytes(id, { range, 'if-range': etag });
        const got = Buffer.from(await reply.arrayBuffer());
        assert.deepEqual(
          [reply.status, reply.headers.get('content-range'), got.equals(whole.subarray(from, to + 1))],
          [206, `bytes ${from}-${to}/${bytes}`, true],
          range,
        );
      }
      for (const range of ['bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-', 'nonsense']) {
        const reply = await fetchBytes(id, { range });
        assert.deepEqual([reply.status, (await reply.arrayBuffer()).byteLength], [200, bytes], range);
      }
      const other = await fetchBytes(id, { range: 'bytes=0-0', 'if-range': '"another"' });
      assert.deepEqual([other.status, (await other.arrayBuffer()).byteLength], [200, bytes]);
      for (const range of [`bytes=${bytes}-`, 'bytes=-0']) {
        const reply = await client.call('GET', `/v1/snapshots/${id}/download`, { headers: { range } });
        assert.deepEqual([reply.status, reply.body.code], [416, 'range_not_satisfiable']);
      }
    });

    it('are written to the audit log whenever somebody takes their bytes', async () => {
      await index(readTree(pack));
      const { id, bytes } = await made();
      const head = await fetchBytes(id, {}, 'HEAD');
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes)]);
      await (await fetchBytes(id, { range: 'bytes=1-2' })).arrayBuffer();
      await download(id);
      const { body } = await client.call('GET', '/v1/audit-log');
      const exports = (body.entries as { action: string; target: string; details: object }[]).filter(
        ({ action }) => action === 'snapshot.export',
      );
      assert.deepEqual(
        exports.map(({ target, details }) => ({ target, details })),
        [
          { first: 0, last: bytes! - 1 },
          { first: 1, last: 2 },
        ].map((range) => ({
          target: `snapshot:${id}`,
          details: { project_id: projectId, branch: 'main', revision: 1, ...range },
        })),
      );
      const usage = await sql<{ event_type: string; events: number }>(
        `SELECT event_type, sum(events)::integer AS events FROM usage_daily WHERE event_type = 'index' GROUP BY 1`,
      );
      assert.deepEqual(usage, [{ event_type: 'index', events: 2 }], 'a sync and a snapshot');
    });

    it('of several parts are streamed, and break off where one is lost', async function () {
      this.timeout(120_000);
      const textOf = (file: number): string =>
        Array.from({ length: 2_500 }, (_, line) => hashOf(`${file}/${line}`).replace(/\d+/g, ' ')).join('\n');
      const tree = new Map(Array.from({ length: 30 }, (_, n) => [`words/${n}.txt`, textOf(n)] as const));
      await index(tree);
      const digests = await digestsOfAll();
      assert.ok(digests.length * 384 * 4 > 4 * 1024 * 1024, `${digests.length} vectors would fit into one part`);
      for (let from = 0; from < digests.length; from += 5_000) {
        const vectors = digests.slice(from, from + 5_000).map((digest, at) => ({
          digest,
          vector: Buffer.from(vectorOf(at).buffer).toString('base64'),
        }));
        const body = { project_id: projectId, embedding_model: aModel, vectors };
        assert.equal((await client.call('POST', '/v1/index/contents', { body })).status, 200);
      }
      const { id } = await made();
      const blobs = await blobsOf();
      assert.ok(blobs.length > 1, `${blobs.length} parts`);
      const whole = Buffer.from(await download(id));
      assert.equal((await unpack(whole)).files.length, tree.size);
      const { bytes: first } = (await platform().stack.blobs.head(tenant.org, blobs[0]!))!;
      const across = await fetchBytes(id, { range: `bytes=${first - 3}-${first + 3}` });
      assert.ok(Buffer.from(await across.arrayBuffer()).equals(whole.subarray(first - 3, first + 4)));
      await platform().stack.blobs.delete(tenant.org, blobs.slice(-1));
      await assert.rejects(download(id), /terminated|aborted|fetch failed/);
      assert.equal((await client.call('GET', `/v1/snapshots/${id}`)).status, 404);
      platform().log.length = 0;
    });

    it('have ids that are no others', async () => {
      for (const id of [
        'x',
        '..',
        '%2e%2e',
        "'%3B--",
        '00000000-0000-0000-0000-000000000000',
        '%00',
        '😀',
        'a'.repeat(5_000),
      ]) {
        for (const [method, where] of [
          ['GET', ''],
          ['GET', '/download'],
          ['DELETE', ''],
        ] as const) {
          const reply = await client.call(method, `/v1/snapshots/${id}${where}`);
          assert.ok([400, 404, 405, 414, 431].includes(reply.status), `${method} ${id}: ${reply.status} ${reply.text}`);
        }
      }
      for (const project_id of ['', 'x'.repeat(64), "' OR 1=1", '\u0000', 7, null]) {
        const reply = await client.call('POST', '/v1/snapshots', { body: { project_id } });
        assert.ok([400, 404].includes(reply.status), `${String(project_id)}: ${reply.status} ${reply.text}`);
      }
      const branch = { project_id: projectId, branch: 'a\u0007' };
      assert.equal((await client.call('POST', '/v1/snapshots', { body: branch })).status, 400);
    });
  },
  { INDEX_WORKERS: '0' },
);
