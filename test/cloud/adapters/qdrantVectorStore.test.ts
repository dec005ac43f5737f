import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Patience } from '../../../cloud/adapters/outbound/askPatiently.ts';
import { pointId } from '../../../cloud/adapters/qdrantVectorStore/pointId.ts';
import {
  qdrantVectorStore,
  type QdrantVectorStoreOptions,
} from '../../../cloud/adapters/qdrantVectorStore/qdrantVectorStore.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import { VectorStoreError, type VectorStore } from '../../../cloud/ports/vectorStore.ts';
import { digestOf, vectorOf, vectorStoreContract } from '../contracts/vectorStoreContract.ts';
import { startFaultyNetwork } from '../servers/faultyNetwork.ts';
import { loadQdrantContract } from '../servers/qdrantContract.ts';
import { startQdrant, type QdrantFault, type QdrantServer } from '../servers/qdrantServer.ts';

const patience = { attempts: 4, timeoutMs: 5_000, firstDelayMs: 5, mostDelayMs: 100 };
const newOrg = async () => orgId(randomUUID());
const newProject = async (): Promise<string> => randomUUID();

vectorStoreContract("a stand-in that holds to Qdrant's contract", {
  isRemote: true,
  async start() {
    const server = await startQdrant({ apiKey: 'key of the tests' });
    const network = await startFaultyNetwork(server.port);
    const url = `http://127.0.0.1:${network.port}`;
    const open = (patience: Partial<Patience>): VectorStore =>
      qdrantVectorStore({ url, apiKey: 'key of the tests', patience });
    return {
      store: open({ timeoutMs: 20_000, firstDelayMs: 5 }),
      newOrg,
      newProject,
      remote: { network, hasty: open({ attempts: 2, timeoutMs: 400, firstDelayMs: 5 }) },
      check: () => assert.deepEqual(server.faults, []),
      async close() {
        await network.close();
        await server.close();
      },
    };
  },
});

const { QDRANT_URL: realUrl, QDRANT_API_KEY: realKey } = process.env;
if (realUrl !== undefined)
  vectorStoreContract(`Qdrant at ${realUrl}`, {
    isRemote: false,
    start: async () => ({
      store: qdrantVectorStore({ url: realUrl, ...(realKey === undefined ? {} : { apiKey: realKey }) }),
      newOrg,
      newProject,
      close: async () => undefined,
    }),
  });
else console.log('not run: vectors in a real Qdrant (name it in QDRANT_URL, its key in QDRANT_API_KEY)');

describe('The vector store in Qdrant', () => {
  let server: QdrantServer;
  let store: VectorStore;
  const org = orgId(randomUUID());
  const projectId = randomUUID();
  const open = (changes: Partial<QdrantVectorStoreOptions> = {}): VectorStore =>
    qdrantVectorStore({ url: server.url, patience, ...changes });
  const stored = (text: string, seed: number) => ({ projectId, digest: digestOf(text), vector: vectorOf(seed) });

  beforeEach(async () => {
    server = await startQdrant();
    store = open();
    await store.ensure(org);
  });
  afterEach(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  async function refused(work: Promise<unknown>, says: RegExp, isUnavailable = false): Promise<void> {
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof VectorStoreError, String(error));
      assert.match(error.message, says);
      assert.equal(error.isUnavailable, isUnavailable, error.message);
      return true;
    });
  }

  it('has a collection for each organization, named after it', async () => {
    const other = orgId(randomUUID());
    await store.ensure(other);
    assert.deepEqual(server.collections(), [`org_${org}`, `org_${other}`].sort());
    await store.drop(other);
    assert.deepEqual(server.collections(), [`org_${org}`]);
  });

  it('the point of a text is the same UUID each time, and another for each project and text', () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const ids = [pointId(one, digestOf('a')), pointId(one, digestOf('b')), pointId(other, digestOf('a'))];
    assert.equal(new Set(ids).size, 3);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(pointId(one, digestOf('a')), ids[0]);
    assert.equal(
      pointId('00000000-0000-4000-8000-000000000000', '0'.repeat(32)),
      'f3f957e9-0192-8eea-897f-68a8e2b5c323',
    );
  });

  it('a collection of other dimensions is an error, and is left as it is', async () => {
    await store.upsert(org, [stored('a', 1)]);
    await refused(open({ dimensions: 768 }).ensure(org), /768 dimensions/);
    assert.equal(await store.count(org), 1);
  });

  it('an organization without room cannot be written for', async () => {
    const stranger = orgId(randomUUID());
    await refused(store.upsert(stranger, [stored('a', 1)]), /no room/);
    assert.deepEqual(server.collections(), [`org_${org}`]);
  });

  it('wants a key where the server does, and does not print it', async () => {
    const guarded = await startQdrant({ apiKey: 'right key' });
    try {
      for (const changes of [{}, { apiKey: 'wrong key' }]) {
        const locked = open({ url: guarded.url, ...changes });
        for (const work of [() => locked.health(), () => locked.ensure(org), () => locked.count(org)])
          await refused(work(), /^(?!.*wrong key).*401/);
      }
      await open({ url: guarded.url, apiKey: 'right key' }).health();
    } finally {
      await guarded.close();
    }
    for (const url of ['', 'qdrant:6333', 'ftp://host', 'http://name:word@host', 'http://host/?a=b'])
      assert.throws(() => open({ url }), TypeError, url);
  });

  it('sends points in pieces, floats with the digits that they have', async () => {
    const before = server.requests.length;
    await store.upsert(
      org,
      Array.from({ length: 600 }, (_, i) => stored(`t${i}`, i)),
    );
    const sent = server.requests.slice(before);
    assert.equal(sent.length, 3);
    for (const { bytes } of sent) assert.ok(bytes < 1_600_000, `${bytes} bytes`);
  });

  const failing = (status: number, text = 'upstream'): QdrantFault => {
    return (_, response) => void response.writeHead(status, { 'Content-Type': 'text/html' }).end(text);
  };

  it('what passes is tried again, and given up after some attempts', async () => {
    await store.upsert(org, [stored('a', 1)]);
    const hangUp: QdrantFault = (request) => request.socket.destroy();
    for (const fault of [failing(500), failing(502), failing(503), failing(429), hangUp]) {
      server.next(fault, fault);
      assert.equal(await store.count(org), 1);
    }
    server.next(failing(503), failing(503), failing(503), failing(503));
    await refused(store.count(org), /503/, true);
    server.next(failing(400));
    await refused(store.count(org), /400/);
  });

  it('a 404 of something before Qdrant is not an empty organization', async () => {
    for (const work of [
      () => store.count(org),
      () => store.nearest(org, { projectId, vector: vectorOf(1), limit: 1 }),
      () => store.read(org, projectId),
      () => store.find(org, projectId, [digestOf('a')]),
      () => store.drop(org),
      () => store.ensure(org),
    ]) {
      server.next(failing(404, '<h1>Not found</h1>'));
      await refused(work(), /404/);
    }
  });

  it('a change that is not complete in time is not taken for done', async () => {
    const acknowledged = (status: string): QdrantFault => {
      const reply = { result: { operation_id: 1, status }, status: 'ok', time: 0 };
      return (_, response) => void response.end(JSON.stringify(reply));
    };
    for (const status of ['acknowledged', 'wait_timeout']) {
      server.next(acknowledged(status));
      await refused(store.upsert(org, [stored('a', 1)]), /too busy/, true);
    }
  });

  it('nonsense is an error', async () => {
    const says = (result: unknown): QdrantFault => {
      return (_, response) => void response.end(JSON.stringify({ result, status: 'ok', time: 0 }));
    };
    const html = failing(200, '<html>');
    const nearest = () => store.nearest(org, { projectId, vector: vectorOf(1), limit: 1 });
    const read = () => store.read(org, projectId);
    const point = { id: randomUUID(), version: 1, score: 0.5, payload: { digest: digestOf('a') } };
    const cases: [() => Promise<unknown>, QdrantFault[]][] = [
      [() => store.count(org), [html, says(null), says({}), says({ count: '1' })]],
      [
        nearest,
        [
          html,
          says(null),
          says({ points: 'none' }),
          says({ points: [{ ...point, score: null }] }),
          says({ points: [{ ...point, payload: null }] }),
          says({ points: [{ ...point, payload: { digest: 'x' } }] }),
          says({ points: Array.from({ length: 50 }, () => point) }),
        ],
      ],
      [
        read,
        [
          html,
          says({ points: [{ ...point, vector: [1, 2, 3] }] }),
          says({ points: [{ ...point, vector: null }] }),
          says({ points: [], next_page_offset: 17 }),
        ],
      ],
      [
        () => store.find(org, projectId, [digestOf('a')]),
        [
          html,
          says({ points: [] }),
          says([{ ...point, vector: [1, 2, 3] }]),
          says([{ ...point, vector: Array.from(vectorOf(1)), payload: { digest: digestOf('b') } }]),
        ],
      ],
      [() => store.ensure(org), [html, says(null)]],
      [() => store.upsert(org, [stored('a', 1)]), [html, says(true)]],
      [() => store.health(), [html, says({})]],
    ];
    for (const [work, faults] of cases)
      for (const fault of faults) {
        server.next(fault);
        await refused(work(), /nonsense/);
      }
  });
});

describe("The check of Qdrant's contract", () => {
  const contract = loadQdrantContract();
  const path = '/collections/org_1';
  const id = randomUUID();
  const vector = Array.from(vectorOf(1));
  const requestFaults = (method: string, at: string, body?: unknown): string[] => {
    const { pathname, searchParams } = new URL(path + at, 'http://qdrant');
    return contract.checkRequest({ method, path: pathname, query: searchParams, body });
  };

  it('finds what is misspelled, missing, or of another type', () => {
    const wrong: [method: string, at: string, body?: unknown][] = [
      ['PUT', '', { vectors: { size: 384, distance: 'cosine' } }],
      ['PUT', '', { vectors: { size: '384', distance: 'Cosine' } }],
      ['PUT', '', { vectors: { size: 384, distance: 'Cosine' }, quantization_confg: {} }],
      ['PUT', '/points', { points: [{ id: 1.5, vector }] }],
      ['PUT', '/points', { points: [{ id: 'text 1', vector }] }],
      ['PUT', '/points', { points: [{ vector }] }],
      ['PUT', '/points?wai=true', { points: [{ id, vector }] }],
      ['POST', '/points/query', { query: vector, filtr: {} }],
      ['POST', '/points/query', { query: vector, limit: 0 }],
      ['POST', '/points/query', { query: vector, params: { exact: 'yes' } }],
      ['POST', '/points/delete', { filter: { must: [{ key: 'd', mtch: { value: 'x' } }] } }],
      ['POST', '/points/search2', {}],
      ['GET', '', {}],
    ];
    for (const each of wrong) assert.notDeepEqual(requestFaults(...each), [], JSON.stringify(each).slice(0, 100));
    const reply = (result: unknown) => ({ result, status: 'ok', time: 0.1 });
    const query = { method: 'POST', path: `${path}/points/query` };
    assert.notDeepEqual(contract.checkReply(query, 200, reply({ points: [{ id, version: 1 }] })), []);
    assert.notDeepEqual(contract.checkReply(query, 200, reply({ points: [{ id: 'x', version: 1, score: 1 }] })), []);
    assert.deepEqual(contract.checkReply(query, 200, reply({ points: [{ id, version: 1, score: 1 }] })), []);
  });

  it('and nothing else', () => {
    const right: [method: string, at: string, body?: unknown][] = [
      ['PUT', '', { vectors: { size: 384, distance: 'Cosine' }, hnsw_config: { m: 0 } }],
      ['PUT', '/points?wait=true', { points: [{ id, vector, payload: { any: ['thing', 1] } }] }],
      ['PUT', '/points', { points: [{ id: 7, vector }] }],
      ['POST', '/points/scroll', { limit: 10, offset: null, with_vector: true }],
      ['POST', '/points/count', {}],
      ['GET', '/exists'],
    ];
    for (const each of right) assert.deepEqual(requestFaults(...each), [], JSON.stringify(each).slice(0, 100));
  });
});
