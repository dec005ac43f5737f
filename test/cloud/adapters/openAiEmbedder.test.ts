import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAiEmbedder, type OpenAiEmbedderOptions } from '../../../cloud/adapters/openAiEmbedder/openAiEmbedder.ts';
import { EmbedderError, type Embedder } from '../../../cloud/ports/embedder.ts';
import { createEmbedPool } from '../../../server/embedding/embedPool.ts';
import type { Embedder as EmbedPool } from '../../../server/embedding/types.ts';
import { assetsDir, readyModel, writeSmallModel } from '../../server/embedding/runnableModel.ts';
import { itWithRealModel, realModel } from '../../server/embedding/testModel.ts';
import { embedderContract } from '../contracts/embedderContract.ts';
import { startFaultyNetwork } from '../servers/faultyNetwork.ts';
import {
  openAiError,
  openAiHangsUp,
  openAiIsSilent,
  openAiSays,
  startOpenAi,
  type OpenAiFault,
  type OpenAiServer,
} from '../servers/openAiServer.ts';

const apiKey = 'sk-secret-of-the-tests';
const model = 'text-embedding-3-small';
const never = new AbortController().signal;
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** A model that runs, whose vectors say which words a text has. */
function openSmallPool(dimensions: number): { pool: EmbedPool; close: () => Promise<void> } {
  const dir = mkdtempSync(path.join(tmpdir(), 'contextkit-model-'));
  const pool = createEmbedPool({
    model: writeSmallModel(dir, { dimensions }),
    assetsDir,
    processes: 1,
    log: () => undefined,
  });
  return {
    pool,
    async close() {
      await pool.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

embedderContract("a provider that speaks OpenAI's interface", {
  isRemote: true,
  async start() {
    const small = openSmallPool(384);
    const server = await startOpenAi({ apiKey, model, pool: small.pool });
    const network = await startFaultyNetwork(server.port);
    const baseUrl = `http://127.0.0.1:${network.port}/v1`;
    return {
      embedder: openAiEmbedder({ baseUrl, apiKey }),
      remote: {
        network,
        hasty: openAiEmbedder({ baseUrl, apiKey, patience: { attempts: 2, timeoutMs: 300, firstDelayMs: 5 } }),
      },
      async close() {
        await network.close();
        await server.close();
        await small.close();
      },
    };
  },
});

describe("The embedder at OpenAI's interface", function () {
  this.timeout(30_000);
  let small: ReturnType<typeof openSmallPool>;
  let server: OpenAiServer;
  let embedder: Embedder;
  const open = (changes: Partial<OpenAiEmbedderOptions> = {}): Embedder =>
    openAiEmbedder({
      baseUrl: server.baseUrl,
      apiKey,
      patience: { attempts: 4, timeoutMs: 10_000, firstDelayMs: 5, mostDelayMs: 200 },
      ...changes,
    });

  before(() => void (small = openSmallPool(512)));
  after(() => small.close());
  beforeEach(async () => {
    server = await startOpenAi({ apiKey, model, pool: small.pool });
    embedder = open();
  });
  afterEach(() => server.close());

  const embed = (...texts: string[]): Promise<Float32Array[]> => embedder.embed(texts, 'chunk', never);

  async function refused(
    work: Promise<unknown>,
    says: RegExp,
    expected: { isUnavailable?: boolean; retryAfterMs?: number } = {},
  ): Promise<void> {
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof EmbedderError, String(error));
      assert.match(error.message, says);
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /sk-|password/);
      assert.equal(error.isUnavailable, expected.isUnavailable ?? false, error.message);
      assert.equal(error.retryAfterMs, expected.retryAfterMs);
      return true;
    });
  }

  it('asks for the dimensions that it has, which the model may shorten its vectors to', async () => {
    assert.equal(embedder.model, 'text-embedding-3-small/384');
    const [short] = await embed('some words');
    const [long] = await open({ dimensions: 512 }).embed(['some words'], 'chunk', never);
    assert.deepEqual([short!.length, long!.length], [384, 512]);
    const scale = Math.hypot(...long!.subarray(0, 384));
    assert.ok(short!.every((value, i) => Math.abs(value - long![i]! / scale) < 1e-5));
    await refused(open({ dimensions: 513 }).embed(['a'], 'chunk', never), /400 invalid_request_error/);
  });

  it('takes floats that are written as numbers as well', async () => {
    const [one] = await embed('some words');
    const data = [{ object: 'embedding', index: 0, embedding: Array.from(one!, (value) => value * 3) }];
    server.next(openAiSays({ object: 'list', data }));
    const [other] = await embed('some words');
    assert.ok(other!.every((value, i) => Math.abs(value - one![i]!) < 1e-6));
  });

  it('sends few requests, none too large', async () => {
    await embed(...Array.from({ length: 600 }, (_, i) => `text ${i}`));
    assert.deepEqual(
      server.requests.map(({ texts }) => texts).sort((a, b) => a - b),
      [88, 256, 256],
    );
    server.requests.length = 0;
    // 100,000 characters of four bytes a piece would be 400,000 bytes with the next.
    const long = '🎉'.repeat(25_000);
    const vectors = await embed(long, long, long, 'short', long);
    assert.equal(vectors.length, 5);
    assert.deepEqual(server.requests.map(({ texts }) => texts).sort(), [2, 3]);
    server.requests.length = 0;
    await open({ maxTexts: 2 }).embed(['a', 'b', 'c', 'd', 'e'], 'chunk', never);
    assert.equal(server.requests.length, 3);
  });

  it('has no vector for an empty text, and asks nobody for one', async () => {
    await refused(embed('a', '', 'b'), /empty text/);
    assert.equal(server.requests.length, 0);
  });

  it('a wrong key or model is refused with the reason, and not tried again', async () => {
    await refused(open({ apiKey: 'sk-wrong' }).embed(['password'], 'chunk', never), /401 invalid_api_key/);
    await refused(open({ model: 'other' }).embed(['password'], 'chunk', never), /404 model_not_found/);
    await refused(open({ baseUrl: `${server.baseUrl}/v2` }).embed(['password'], 'chunk', never), /404 unknown_url/);
    assert.equal(server.requests.length, 3);
    for (const baseUrl of ['', 'api.openai.com', 'ftp://host/v1', 'http://name:word@host/v1', 'http://host/v1?a=b'])
      assert.throws(() => open({ baseUrl }), TypeError, baseUrl);
  });

  it('what passes is tried again', async () => {
    const faults = [
      openAiError(429, 'rate_limit_exceeded'),
      openAiError(500, 'server_error'),
      openAiError(503, 'overloaded'),
    ];
    for (const fault of [...faults, openAiHangsUp]) {
      server.requests.length = 0;
      server.next(fault, fault);
      assert.equal((await embed('a')).length, 1);
      assert.equal(server.requests.length, 3);
    }
  });

  it('and given up after some attempts, with what the provider asks to wait', async () => {
    const limited = openAiError(429, 'rate_limit_exceeded', { 'Retry-After': '0.1' });
    server.next(limited, limited, limited, limited);
    await refused(embed('password'), /429 rate_limit_exceeded/, { isUnavailable: true, retryAfterMs: 100 });
    server.next(openAiHangsUp, openAiHangsUp, openAiHangsUp, openAiHangsUp);
    await refused(embed('password'), /does not answer/, { isUnavailable: true });
    assert.equal(server.requests.length, 8);
  });

  it('does not wait longer than it may, nor for a quota that is used up', async () => {
    server.next(openAiError(429, 'rate_limit_exceeded', { 'Retry-After': '60' }));
    await refused(embed('password'), /429/, { isUnavailable: true, retryAfterMs: 60_000 });
    server.next(openAiError(429, 'rate_limit_exceeded', { 'retry-after-ms': '7000', 'Retry-After': '8' }));
    await refused(embed('password'), /429/, { isUnavailable: true, retryAfterMs: 7_000 });
    server.next(openAiError(429, 'insufficient_quota'));
    await refused(embed('password'), /insufficient_quota/, { isUnavailable: true });
    assert.equal(server.requests.length, 3);
  });

  it('waits as long as it is asked to, if that is not too long', async () => {
    server.next(openAiError(429, 'rate_limit_exceeded', { 'retry-after-ms': '190' }));
    const start = performance.now();
    await embed('a');
    assert.ok(performance.now() - start > 185);
  });

  it('a provider that is silent is not waited for more often than it should be', async () => {
    const hasty = open({ patience: { attempts: 4, timeoutMs: 100, silences: 2, firstDelayMs: 5, mostDelayMs: 5 } });
    server.next(openAiIsSilent, openAiIsSilent);
    const start = performance.now();
    await refused(hasty.embed(['a'], 'question', never), /does not answer/, { isUnavailable: true });
    const took = performance.now() - start;
    assert.ok(took >= 195 && took < 3_000, `${took} ms`);
  });

  it('one request that is refused ends the others', async () => {
    let givenUp = 0;
    const silent: OpenAiFault = (_, response) => void response.once('close', () => givenUp++);
    server.next(silent, silent, openAiError(400, 'invalid_request_error'));
    await refused(open({ maxTexts: 1 }).embed(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'chunk', never), /400/);
    // Nobody waits for the answers of those two until they are out of time.
    for (let waited = 0; givenUp < 2 && waited < 5_000; waited += 10) await sleep(10);
    assert.equal(givenUp, 2);
    assert.ok(server.requests.length <= 5, `${server.requests.length} requests`);
  });

  it('nonsense is an error and no vector', async () => {
    const [fine, other] = (await embed('one', 'other')).map((vector) => Array.from(vector));
    const list = (...data: unknown[]): OpenAiFault => openAiSays({ object: 'list', data });
    const item = (index: unknown, embedding: unknown) => ({ object: 'embedding', index, embedding });
    const withNumber = (value: unknown): unknown[] => [...fine!.slice(1), value];
    const nan = Buffer.alloc(384 * 4, 1);
    nan.writeFloatLE(NaN, 40);
    const nonsense: OpenAiFault[] = [
      openAiSays('<html><body>It works!</body></html>'),
      openAiSays(''),
      openAiSays('null'),
      openAiSays({}),
      openAiSays({ data: 'none' }),
      list(),
      list(item(0, fine)),
      list(item(0, fine), item(0, other)),
      list(item(0, fine), item(2, other)),
      list(item(0, fine), item('1', other)),
      list(item(0, fine), item(1, other), item(2, other)),
      list(item(0, fine), null),
      list(item(0, fine), item(1, null)),
      list(item(0, fine), item(1, other!.slice(1))),
      list(item(0, fine), item(1, [...other!, 0])),
      list(item(0, fine), item(1, withNumber(null))),
      list(item(0, fine), item(1, withNumber('0.5'))),
      list(item(0, fine), item(1, new Array(384).fill(0))),
      list(item(0, fine), item(1, nan.toString('base64'))),
      list(item(0, fine), item(1, Buffer.alloc(384 * 4).toString('base64'))),
      list(item(0, fine), item(1, Buffer.alloc(383 * 4, 1).toString('base64'))),
      list(item(0, fine), item(1, 'not base64 at all!')),
    ];
    for (const fault of nonsense) {
      server.next(fault);
      await refused(embed('one', 'other'), /384 numbers/);
    }
  });

  itWithRealModel('with a real model, a question is nearest to what answers it', async () => {
    const pool = createEmbedPool({ model: readyModel(realModel()), assetsDir, processes: 1, log: () => undefined });
    const real = await startOpenAi({ apiKey, model, pool });
    try {
      const chunks = [
        'export function hashPassword(password: string): Promise<string> { return scrypt(password, newSalt(), 64); }',
        'function drawChart(canvas: HTMLCanvasElement, series: number[]): void { canvas.getContext("2d")!.lineTo(0, 0); }',
        'def parse_invoice(pdf):\n    """Reads the total amount and the date of an invoice."""',
        'CREATE INDEX users_by_email ON users (lower(email));',
      ];
      const semantic = openAiEmbedder({ baseUrl: real.baseUrl, apiKey });
      const vectors = await semantic.embed(chunks, 'chunk', never);
      const questions = [
        'how are passwords stored',
        'plot a line graph',
        'read the amount of a bill',
        'look up a user by mail',
      ];
      for (const [i, question] of (await semantic.embed(questions, 'question', never)).entries()) {
        const similarities = vectors.map((vector) => dot(question, vector));
        assert.equal(similarities.indexOf(Math.max(...similarities)), i, similarities.join(' '));
      }
    } finally {
      await real.close();
      await pool.close();
    }
  });
});
