import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmbedPool } from '../../../server/embedding/embedPool.ts';
import { findModel } from '../../../server/engine/index.ts';
import type { ApiReply } from '../callApi.ts';
import { assetsDir, writeSmallModel } from '../../server/embedding/runnableModel.ts';
import { hashOf, syncClient, type SyncClient } from '../indexing/syncClient.ts';
import { startFaultyNetwork, type FaultyNetwork } from '../servers/faultyNetwork.ts';
import { startOpenAi } from '../servers/openAiServer.ts';
import { withPostgres } from '../servers/postgresServer.ts';
import { startQdrant } from '../servers/qdrantServer.ts';
import { startRedis, withRedis } from '../servers/redisServer.ts';
import { startS3Server } from '../servers/s3Server.ts';
import { migratedDatabase, openSelfHosted, type Tenant, type TestPlatform } from '../stacks.ts';

const bucket = { bucket: 'faulty', region: 'auto', accessKeyId: 'id', secretAccessKey: 'secret' };
const provider = { apiKey: 'sk-secret-of-the-tests', model: 'text-embedding-3-small' };

type Service = 'database' | 'limits' | 'vectors' | 'blobs' | 'embeddings';
type Kind = 'me' | 'again' | 'other' | 'cold' | 'symbols' | 'create' | 'contents' | 'sync';

interface Expected {
  service: Service;
  /** Requests that cannot be done without it. */
  refused: readonly Kind[];
  failsReadiness: boolean;
}

const services: readonly Expected[] = [
  {
    service: 'database',
    refused: ['me', 'again', 'other', 'cold', 'symbols', 'create', 'contents', 'sync'],
    failsReadiness: true,
  },
  { service: 'limits', refused: [], failsReadiness: true },
  { service: 'vectors', refused: ['contents'], failsReadiness: true },
  { service: 'blobs', refused: ['cold', 'contents', 'sync'], failsReadiness: true },
  // Words answer meanwhile, and jobs wait for it.
  { service: 'embeddings', refused: [], failsReadiness: false },
];

const title = 'A service that fails';
withPostgres(title, () => withRedis(title, () => describe(title, register)));

function register(this: Mocha.Suite): void {
  this.timeout(180_000);
  const networks = {} as Record<Service, FaultyNetwork>;
  const closers: (() => Promise<unknown>)[] = [];
  let platform: TestPlatform;
  let tenant: Tenant;
  let client: SyncClient;
  let count = 0;

  async function behind(service: Service, url: string): Promise<string> {
    const address = new URL(url);
    const network = await startFaultyNetwork(Number(address.port));
    networks[service] = network;
    address.port = String(network.port);
    return address.href.replace(/\/$/, '');
  }

  before(async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-faulty-'));
    writeSmallModel(scratch, {
      dimensions: 384,
      config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 384 },
    });
    const model = await findModel({ directory: scratch, env: {} });
    assert.ok(model.state === 'ready');
    const pool = createEmbedPool({ model: model.model, assetsDir, processes: 1, log: () => undefined });
    const openAi = await startOpenAi({ ...provider, pool });
    const redis = await startRedis();
    const qdrant = await startQdrant();
    const s3 = await startS3Server(bucket);
    const { login } = await migratedDatabase();
    platform = await openSelfHosted({
      DATABASE_URL: await behind('database', login),
      REDIS_URL: await behind('limits', `redis://127.0.0.1:${redis.port}`),
      QDRANT_URL: await behind('vectors', qdrant.url),
      S3_ENDPOINT: await behind('blobs', s3.endpoint),
      S3_BUCKET: bucket.bucket,
      OPENAI_API_KEY: provider.apiKey,
      OPENAI_BASE_URL: await behind('embeddings', openAi.baseUrl),
    });
    closers.push(
      () => platform.close(),
      ...[s3, qdrant, redis, openAi, pool].map((each) => () => each.close()),
      async () => rmSync(scratch, { recursive: true, force: true }),
    );
    tenant = await platform.found('faulty');
    client = syncClient(platform.address, tenant.key, '');
  });
  after(async () => {
    for (const network of Object.values(networks)) await network.set('fine');
    for (const close of closers) await close();
    for (const network of Object.values(networks)) await network.close();
  });

  /** Sent again with the same key, a write is done once. */
  const write = (where: string, body: unknown, key: string): Promise<ApiReply> =>
    client.call('POST', where, { body, headers: { 'idempotency-key': key } });

  const ask = (projectId: string, query: string): Promise<ApiReply> =>
    client.call('POST', '/v1/context/select', { body: { project_id: projectId, query, budget: 500 } });

  async function indexed(jobId: string): Promise<void> {
    const job = await client.ended(jobId);
    assert.equal(job.status, 'succeeded', JSON.stringify(job));
  }

  async function newProject(): Promise<string> {
    const { body } = await client.call('POST', '/v1/projects', { body: { name: `Project ${++count}` } });
    const files = [{ path: 'src/prices.ts', content: `export const roundPrice${count} = (price: number) => price;\n` }];
    const sync = await client.call('POST', '/v1/index/sync', { body: { project_id: body.id, files } });
    assert.equal(sync.status, 202, sync.text);
    await indexed(sync.body.job_id);
    return body.id as string;
  }

  /** Requests of every kind, about a project that is in memory and one that is not. */
  function requestsOf(warm: string, cold: string, run: string): Record<Kind, () => Promise<ApiReply>> {
    const text = `export const later${count} = 1;\n`;
    const vector = [1, ...Array<number>(383).fill(0)];
    return {
      me: () => client.call('GET', '/v1/me'),
      again: () => ask(warm, 'round a price'),
      other: () => ask(warm, `the price of ${run}`),
      cold: () => ask(cold, 'round a price'),
      symbols: () => client.call('GET', `/v1/symbols/search?project_id=${warm}&query=roundPrice`),
      create: () => write('/v1/projects', { name: run, slug: run }, `create-${run}`),
      contents: () =>
        write(
          '/v1/index/contents',
          {
            project_id: warm,
            contents: [{ hash: hashOf(text), content: text, encoding: 'utf-8' }],
            embedding_model: platform.stack.embedder!.model,
            vectors: [{ digest: String(count).padStart(32, '0'), vector }],
          },
          `contents-${run}`,
        ),
      sync: () =>
        write('/v1/index/sync', { project_id: warm, files: [{ path: 'b.ts', content: text }] }, `sync-${run}`),
    };
  }

  async function isReady(): Promise<boolean> {
    return (await client.call('GET', '/readyz')).status === 200;
  }

  for (const { service, refused, failsReadiness } of services) {
    for (const state of ['down', 'garbage', 'silent'] as const) {
      it(`${service}, ${state}: refused is ${refused.length === 0 ? 'nothing' : refused.join(', ')}`, async () => {
        const run = `${service}-${state}`;
        const warm = await newProject();
        const cold = await newProject();
        assert.equal((await ask(warm, 'round a price')).status, 200);
        const requests = requestsOf(warm, cold, run);

        await networks[service].set(state);
        const kinds = Object.keys(requests) as Kind[];
        const [ready, ...replies] = await Promise.all([isReady(), ...kinds.map((kind) => requests[kind]())]);
        assert.equal(ready, !failsReadiness);
        const refusals = kinds.filter((_, at) => replies[at]!.status === 503);
        assert.deepEqual(refusals, refused);
        for (const { status, body, headers } of replies.filter((reply) => reply.status >= 300)) {
          assert.deepEqual([status, body.code, Number(headers.get('retry-after')) > 0], [503, 'unavailable', true]);
        }
        const notesOf = (kind: Kind): unknown[] =>
          (replies[kinds.indexOf(kind)]!.body.metadata as { notes: unknown[] }).notes;
        if (service === 'embeddings') assert.equal(notesOf('other').length, 1);
        if (service === 'vectors') assert.match(String(notesOf('cold')), /vectors of this project/);

        await networks[service].set('fine');
        while (!(await isReady())) await sleep(20);
        for (const kind of kinds) {
          let reply = await requests[kind]();
          // A request that was cut off has its idempotency key for a minute more, unless it could be freed.
          while (reply.status === 409) {
            await forgetRunning();
            reply = await requests[kind]();
          }
          assert.ok(reply.status < 300, `${kind}: ${reply.text}`);
          if (kind === 'sync') await indexed(reply.body.job_id);
        }
        const { body } = await client.call('GET', '/v1/projects?limit=100');
        assert.equal(body.projects.filter(({ slug }: { slug: string }) => slug === run).length, 1);
        const found = await client.call('GET', `/v1/symbols/search?project_id=${warm}&query=later`);
        assert.deepEqual(
          found.body.symbols.map(({ name }: { name: string }) => name),
          [`later${count}`],
        );
      });
    }
  }

  /** As if the minute had passed after which a request counts as dead. */
  async function forgetRunning(): Promise<void> {
    await platform.stack.database.withOrg(tenant.org, (tx) =>
      tx.query(`UPDATE idempotency_keys SET created_at = now() - interval '2 minutes' WHERE status IS NULL`),
    );
  }
}
