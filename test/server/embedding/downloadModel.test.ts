import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadModel, type DownloadOptions } from '../../../server/embedding/downloadModel.ts';
import type { DownloadProgress } from '../../../server/embedding/downloadMeter.ts';
import { takeDownload, isDownloadLock } from '../../../server/embedding/downloadLock.ts';
import { findModel } from '../../../server/embedding/findModel.ts';
import {
  answer,
  inRepository,
  makeCertificate,
  never,
  redirectTo,
  serve,
  stallAfter,
  startHub,
  startProxy,
  stopAfter,
  type Behaviour,
  type Hub,
  type Server,
} from './testHub.ts';
import { onnxFile, realModel, realModelSha256, sha256, smallModel, writeFiles, itWithRealModel } from './testModel.ts';

const onnx = 'onnx/model_quantized.onnx';
const repository = 'acme/small';

describe('Downloading a model', function () {
  this.timeout(20_000);
  const big = onnxFile({ weights: 300_000 });
  const files = smallModel({ [onnx]: big });
  let scratch: string;
  let hub: Hub;
  const more: Server[] = [];

  beforeEach(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-download-'));
    hub = await startHub(inRepository(files, repository));
  });
  afterEach(async () => {
    await Promise.all([hub, ...more.splice(0)].map((server) => server.close()));
    rmSync(scratch, { recursive: true, force: true });
  });

  const folder = (): string => path.join(scratch, 'models/small/main');
  const options = (changes: Partial<DownloadOptions> = {}): DownloadOptions => ({
    assetsDir: path.join(scratch, 'dist'),
    cacheDir: scratch,
    model: { repository, sha256: sha256(big) },
    hub: { url: hub.url },
    env: {},
    patience: { attempts: 3, firstDelayMs: 5, mostDelayMs: 20, stallMs: 150, answerTimeoutMs: 300, pollMs: 20 },
    ...changes,
  });
  const modelRequests = () => hub.requests.filter(({ url }) => url.endsWith('.onnx'));
  const assertWhole = (): void => {
    assert.deepEqual(readFileSync(path.join(folder(), onnx)), big);
    assert.deepEqual(readdirSync(path.join(scratch, 'models/small')), ['main'], 'something was left behind');
    assert.deepEqual(readdirSync(path.join(folder(), 'onnx')), ['model_quantized.onnx']);
  };

  it('brings every file into the cache, where the model is found', async () => {
    const { model, from } = await downloadModel(options());
    assert.equal(from, 'cache');
    assert.deepEqual(
      [model.spec.id, model.spec.dimensions, model.spec.files.model.sha256, model.spec.source],
      ['small', 8, sha256(big), { repository, revision: 'main' }],
    );
    assertWhole();
    assert.deepEqual(
      hub.requests.map(({ url }) => url),
      ['config.json', 'tokenizer_config.json', 'tokenizer.json', onnx].map(
        (name) => `/${repository}/resolve/main/${name}`,
      ),
    );
    const found = await findModel(options());
    assert.ok(found.state === 'ready' && found.model.fingerprint === model.fingerprint);
  });

  it('asks nothing when the model is here already', async () => {
    await downloadModel(options());
    const asked = hub.requests.length;
    await downloadModel(options());
    assert.equal(hub.requests.length, asked);
  });

  it('tells how far it is: bytes never run backwards and end at the whole', async () => {
    const told: DownloadProgress[] = [];
    await downloadModel(options({ onProgress: (progress) => told.push(progress) }));
    const done = told.map(({ bytesDone }) => bytesDone);
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    );
    const whole = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    assert.deepEqual([told.at(-1)!.phase, told.at(-1)!.bytesDone, told.at(-1)!.bytesTotal], ['done', whole, whole]);
  });

  describe('goes on after', () => {
    const faults: [name: string, behaviours: Behaviour[], resumes: boolean][] = [
      ['an answer of 500', [answer(500)], false],
      ['an answer of 503 that asks to wait', [answer(503, '', { 'Retry-After': '0' })], false],
      ['too many requests', [answer(429), answer(429)], false],
      ['a connection that breaks off', [stopAfter(100_000)], true],
      ['a connection that breaks off again and again', [100, 200, 300, 400, 500].map(stopAfterRange), true],
      ['a connection that stalls', [stallAfter(50_000)], true],
      ['a server that does not answer', [never], false],
      ['a redirect to another path', [redirectTo(`/${repository}/resolve/main/${onnx}`, 307)], false],
    ];
    for (const [name, behaviours, resumes] of faults) {
      it(name, async () => {
        hub.next(onnx, ...behaviours);
        await downloadModel(options());
        assertWhole();
        assert.equal(
          modelRequests().some(({ headers }) => headers.range !== undefined),
          resumes,
        );
      });
    }
  });

  it('fetches each byte once when it is stopped and started again', async () => {
    hub.next(onnx, stallAfter(120_000));
    const abort = new AbortController();
    const stopped = downloadModel(
      options({
        signal: abort.signal,
        patience: { stallMs: 10_000 },
        onProgress: ({ bytesDone }) => {
          if (bytesDone > 100_000) abort.abort();
        },
      }),
    );
    await assert.rejects(stopped, { code: 'cancelled' });
    const part = statSync(path.join(scratch, 'models/small/main.incoming', `${onnx}.part`)).size;
    assert.ok(part > 100_000 && part <= 120_000, `${part} bytes were kept`);
    assert.equal((await findModel(options())).state, 'missing');
    await downloadModel(options());
    assertWhole();
    assert.equal(modelRequests().at(-1)!.headers.range, `bytes=${part}-`);
  });

  it('starts anew when the file has changed on the hub since the part was fetched', async () => {
    const model = { repository };
    hub.next(onnx, (_, response) => {
      response.writeHead(200, { ETag: '"older"', 'Content-Length': big.length });
      response.write(Buffer.alloc(100_000, 'x'), () => response.destroy());
    });
    await downloadModel(options({ model }));
    assertWhole();
    assert.equal(modelRequests().at(-1)!.headers['if-range'], '"older"');
  });

  it('starts anew when the parts do not fit together', async () => {
    mkdirSync(path.join(scratch, 'models/small/main.incoming/onnx'), { recursive: true });
    writeFileSync(path.join(scratch, 'models/small/main.incoming', `${onnx}.part`), Buffer.alloc(1000, 'x'));
    await downloadModel(options());
    assertWhole();
    assert.deepEqual(
      modelRequests().map(({ headers }) => headers.range),
      ['bytes=1000-', undefined],
    );
  });

  it('starts anew when the server gives another part than was asked for', async () => {
    hub.next(onnx, stopAfter(5000), (_, response, content) => {
      response.writeHead(206, { 'Content-Range': `bytes 0-${content.length - 1}/${content.length}` }).end(content);
    });
    await downloadModel(options());
    assertWhole();
  });

  describe('gives up, with a reason and a next step, on', () => {
    const refusals: [name: string, behaviours: Behaviour[], message: RegExp, hint: RegExp][] = [
      [
        '403',
        [answer(403)],
        /127\.0\.0\.1:\d+ answers 403 for onnx\/model_quantized\.onnx/,
        /does not let this machine in/,
      ],
      ['404', [answer(404)], /answers 404/, /model\.repository/],
      ['401', [answer(401)], /answers 401/, /wants a login/],
      ['500 again and again', [500, 502, 500, 500].map((status) => answer(status)), /answers 500/, /later/],
      ['429 that asks to wait for an hour', [answer(429, '', { 'Retry-After': '3600' })], /answers 429/, /later/],
      [
        'a web page',
        [answer(200, '<!DOCTYPE html><p>Please log in', { 'Content-Type': 'text/html' })],
        /gave a web page in place of/,
        /login page/,
      ],
      [
        'a web page that calls itself a file',
        [answer(200, `<html>${' '.repeat(big.length - 6)}`, { 'Content-Type': 'application/octet-stream' })],
        /gave a web page in place of/,
        /login page/,
      ],
      [
        'a pointer of Git LFS',
        [answer(200, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n')],
        /a pointer of Git LFS/,
        /address of the hub is wrong/,
      ],
      [
        'other bytes of the same length',
        [(request, response) => serve(request, response, Buffer.alloc(big.length, 'x'))],
        new RegExp(`has the SHA-256 [0-9a-f]{64}, expected was ${sha256(big)}`),
        /was not kept/,
      ],
      [
        'more bytes than announced',
        [
          (_, response) => {
            response.socket!.end(`HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/10\r\n\r\n${'x'.repeat(500)}`);
          },
        ],
        /more bytes than it announced/,
        /import DIR/,
      ],
      ['redirects without end', Array.from({ length: 11 }, () => redirectTo(`/${onnx}`)), /without end/, /import DIR/],
      ['a redirect to a file of the machine', [redirectTo('file:///etc/passwd')], /leads to file:/, /import DIR/],
    ];
    for (const [name, behaviours, message, hint] of refusals) {
      it(name, async () => {
        hub.next(onnx, ...behaviours);
        await assert.rejects(downloadModel(options()), { code: 'download_failed', message, hint });
        assert.ok(!existsSync(folder()), 'a model lies there that is none');
        assert.ok(!existsSync(path.join(`${folder()}.incoming`, onnx)), 'a bad file has its name');
        assert.equal((await findModel(options())).state, 'missing');
        await downloadModel(options());
        assertWhole();
      });
    }
  });

  it('does not fetch a file whose announced size is not the known one', async () => {
    hub.next('resolve/main/config.json', (_, response) => response.end('{}'));
    const asked = downloadModel(options({ model: { id: 'gte-small' }, patience: { attempts: 1 } }));
    await assert.rejects(asked, { code: 'download_failed', message: /answers 404/ });
    const gte = await startHub(inRepository(files, 'koxy-ai/gte-small'));
    more.push(gte);
    await assert.rejects(downloadModel(options({ model: {}, hub: { url: gte.url } })), {
      code: 'download_failed',
      message: /tokenizer\.json has \d+ bytes on 127\.0\.0\.1:\d+, expected were 711,661 bytes/,
    });
    assert.deepEqual(gte.requests.map(({ url }) => path.posix.basename(url)).includes('model_quantized.onnx'), false);
  });

  const unusable: [name: string, changes: Parameters<typeof smallModel>[0], message: RegExp][] = [
    ['no ONNX model', { [onnx]: Buffer.from('not a model at all') }, /is not a whole ONNX model|is not an ONNX model/],
    [
      'vectors of another length',
      { 'config.json': { hidden_size: 16 } },
      /8 dimensions by the ONNX file, 16 by config\.json/,
    ],
    ['no tokenizer of BERT', { 'tokenizer.json': { model: { vocab: { a: 0 } } } }, /no \[CLS\] and no \[SEP\]/],
    ['damaged JSON', { 'tokenizer_config.json': '{"a":' }, /tokenizer_config\.json is damaged/],
  ];
  for (const [name, changes, message] of unusable) {
    it(`keeps nothing of a repository with ${name}`, async () => {
      const other = await startHub(inRepository(smallModel(changes), repository));
      more.push(other);
      const asked = downloadModel(options({ model: { repository }, hub: { url: other.url } }));
      await assert.rejects(asked, { code: 'model_unusable', message, hint: /not kept/ });
      assert.deepEqual(readdirSync(path.join(scratch, 'models/small')), []);
    });
  }

  it('replaces a model that has been damaged on disk', async () => {
    await downloadModel(options());
    writeFileSync(path.join(folder(), onnx), big.subarray(0, 1000));
    assert.equal((await findModel(options())).state, 'unusable');
    await downloadModel(options());
    assertWhole();
  });

  it('is done by one at a time; the other waits for it', async () => {
    hub.next(onnx, (request, response, content) => void setTimeout(() => serve(request, response, content), 200));
    const waits: DownloadProgress[] = [];
    const first = downloadModel(options());
    while (hub.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await findModel(options())).state, 'downloading');
    const second = downloadModel(options({ onProgress: (progress) => waits.push(progress) }));
    const [one, other] = await Promise.all([first, second]);
    assert.deepEqual(one.model, other.model);
    assert.equal(modelRequests().length, 1);
    assert.equal(waits[0]!.phase, 'waiting');
    assert.match(waits[0]!.note!, new RegExp(`process ${process.pid} on .+ is downloading it`));
  });

  it('is not done a second time by one that looked for it right before the first was done', async () => {
    const downloads = [downloadModel(options())];
    while (!existsSync(path.join(folder(), onnx))) {
      downloads.push(downloadModel(options()));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await Promise.all(downloads);
    assert.equal(modelRequests().length, 1);
  });

  it('takes over from a process that has died', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const lock = await takeDownload(folder());
    assert.ok(isDownloadLock(lock));
    const file = `${folder()}.lock`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(`"pid":${process.pid}`, `"pid":${pid}`));
    await downloadModel(options());
    assertWhole();
  });

  it('says that a cache cannot be written', async () => {
    writeFileSync(path.join(scratch, 'models'), 'a file where the folder must be');
    await assert.rejects(downloadModel(options()), {
      code: 'download_failed',
      message: /cannot be written \((ENOTDIR|EEXIST)\)/,
      hint: /CONTEXTKIT_CACHE_DIR/,
    });
  });

  it('says that a named folder without a model stands in the way', async () => {
    await assert.rejects(downloadModel(options({ directory: path.join(scratch, 'nowhere') })), {
      code: 'model_unusable',
      message: /nowhere cannot be used: there is no such folder/,
      hint: /CONTEXTKIT_MODEL_DIR/,
    });
  });

  it('says that nobody knows from where to get a model', async () => {
    await assert.rejects(downloadModel(options({ model: { id: 'unheard-of' } })), {
      code: 'model_missing',
      hint: /model\.repository/,
    });
  });

  for (const [variable, hint] of [
    ['CONTEXTKIT_MODEL_URL', 'above the setting'],
    ['HF_ENDPOINT', 'where there is no setting'],
  ] as const) {
    it(`asks the hub of ${variable} ${hint}`, async () => {
      const url = variable === 'CONTEXTKIT_MODEL_URL' ? 'http://127.0.0.1:1' : '';
      await downloadModel(options({ env: { [variable]: `${hub.url}/` }, hub: { url } }));
      assertWhole();
    });
  }

  it('refuses an unencrypted hub where no digest would tell a wrong file', async () => {
    const asked = downloadModel(options({ model: { repository }, hub: { url: 'http://hub.example' } }));
    await assert.rejects(asked, { code: 'download_failed', message: /http:\/\/hub\.example is not encrypted/ });
  });

  it('refuses an address that is none', async () => {
    const asked = downloadModel(options({ hub: { url: 'ftp://hub.example' } }));
    await assert.rejects(asked, { code: 'invalid_config', message: /not an http\(s\) URL/ });
  });

  describe('through a proxy', () => {
    const proxied = async (login?: string, refuse?: number): Promise<Server> => {
      const proxy = await startProxy({
        ...(login === undefined ? {} : { login }),
        ...(refuse === undefined ? {} : { refuse }),
      });
      more.push(proxy);
      return proxy;
    };

    it('asks it for absolute addresses', async () => {
      const proxy = await proxied();
      await downloadModel(options({ env: { HTTP_PROXY: proxy.url } }));
      assertWhole();
      assert.deepEqual(
        proxy.requests.map(({ url }) => url),
        hub.requests.map(({ url }) => `${hub.url}${url}`),
      );
    });

    it('gives it name and password', async () => {
      const proxy = await proxied('ada:p@ss');
      const env = { http_proxy: `http://ada:p%40ss@127.0.0.1:${proxy.port}` };
      await downloadModel(options({ env }));
      assertWhole();
    });

    it('says that it wants a password, without telling one', async () => {
      const proxy = await proxied('ada:secret');
      const env = { http_proxy: `http://ada:wrong@127.0.0.1:${proxy.port}` };
      await assert.rejects(downloadModel(options({ env })), (error: Error & { hint: string }) => {
        assert.match(error.message, /the proxy http:\/\/127\.0\.0\.1:\d+ refuses \(407\)/);
        assert.match(error.hint, /name:password@host:port/);
        assert.ok(!`${error.message}${error.hint}`.includes('wrong'));
        return true;
      });
    });

    it('leaves it out for what NO_PROXY names', async () => {
      const proxy = await proxied();
      await downloadModel(options({ env: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } }));
      assert.deepEqual(proxy.requests, []);
    });

    it('says that it is not there', async () => {
      const asked = downloadModel(options({ hub: { url: hub.url, proxy: 'http://127.0.0.1:1' } }));
      await assert.rejects(asked, {
        code: 'download_failed',
        message: /the connection to http:\/\/127\.0\.0\.1:1 failed \(ECONNREFUSED\)/,
      });
    });
  });

  describe('over TLS', () => {
    const key = (): string => path.join(scratch, 'key.pem');
    const cert = (): string => path.join(scratch, 'cert.pem');
    let secure: Hub;
    beforeEach(async () => {
      const certificate = makeCertificate(key(), cert());
      secure = await startHub(inRepository(files, repository), certificate);
      more.push(secure);
    });

    it('refuses a certificate that nobody trusts, at once', async () => {
      await assert.rejects(downloadModel(options({ hub: { url: secure.url } })), {
        code: 'download_failed',
        message: /certificate that is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
        hint: /NODE_EXTRA_CA_CERTS or CONTEXTKIT_CA_FILE/,
      });
      assert.deepEqual(secure.requests, []);
    });

    it('trusts the certificates of a file', async () => {
      await downloadModel(options({ hub: { url: secure.url, caFile: cert() } }));
      assertWhole();
    });

    it('trusts them through a proxy that tunnels', async () => {
      const proxy = await startProxy({ login: 'ada:secret' });
      more.push(proxy);
      const env = { HTTPS_PROXY: `http://ada:secret@127.0.0.1:${proxy.port}`, CONTEXTKIT_CA_FILE: cert() };
      await downloadModel(options({ hub: { url: secure.url }, env }));
      assertWhole();
      assert.deepEqual(
        new Set(proxy.requests.map(({ method, url }) => `${method} ${url}`)),
        new Set([`CONNECT 127.0.0.1:${secure.port}`]),
      );
    });

    for (const [status, message] of [
      [407, /refuses \(407\)/],
      [403, /refuses \(403\)/],
    ] as const) {
      it(`says that a proxy refuses to tunnel with ${status}`, async () => {
        const proxy = await startProxy({ refuse: status });
        more.push(proxy);
        const asked = downloadModel(options({ hub: { url: secure.url, caFile: cert(), proxy: proxy.url } }));
        await assert.rejects(asked, { code: 'download_failed', message });
      });
    }

    it('does not follow a redirect to where nothing is encrypted', async () => {
      secure.next(onnx, redirectTo(`${hub.url}/${repository}/resolve/main/${onnx}`));
      await assert.rejects(downloadModel(options({ hub: { url: secure.url, caFile: cert() } })), {
        message: /leads to http:.*, which is not encrypted/,
      });
    });

    it('says that a certificate file holds none', async () => {
      const asked = downloadModel(options({ hub: { url: secure.url, caFile: key() } }));
      await assert.rejects(asked, { code: 'invalid_config', message: /there is no certificate in/ });
    });
  });

  itWithRealModel('brings a real model, broken off in the middle, over a redirect', async () => {
    const dir = realModel();
    const real = new Map(
      ['config.json', 'tokenizer.json', 'tokenizer_config.json', onnx].map((name) => [
        name,
        readFileSync(path.join(dir, name)),
      ]),
    );
    const mirror = await startHub(inRepository(real, 'acme/mini'));
    const entry = await startHub(new Map());
    more.push(mirror, entry);
    const away = redirectTo(`${mirror.url}/acme/mini/resolve/main/${onnx}`);
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
      entry.next(`/${name}`, redirectTo(`${mirror.url}/acme/mini/resolve/main/${name}`));
    entry.next(onnx, away, away);
    mirror.next(onnx, stopAfter(9_000_000));
    const model = { id: 'mini', repository: 'acme/mini', sha256: realModelSha256, dimensions: 384 };
    const ready = await downloadModel(options({ model, hub: { url: entry.url }, patience: { firstDelayMs: 5 } }));
    assert.equal(ready.model.spec.files.model.sha256, realModelSha256);
    const ranges = mirror.requests.filter(({ url }) => url.endsWith('.onnx')).map(({ headers }) => headers.range);
    assert.equal(ranges.length, 2);
    assert.match(ranges[1]!, /^bytes=\d{6,}-$/);
  });

  it('counts a folder of the user as nothing to download', async () => {
    const directory = writeFiles(path.join(scratch, 'mine'), files);
    const { from } = await downloadModel(options({ directory }));
    assert.equal(from, 'directory');
    assert.deepEqual(hub.requests, []);
  });
});

/** Goes on with the range that is asked for, and breaks off a little later. */
function stopAfterRange(bytes: number): Behaviour {
  return ({ headers }, response, content) => {
    const start = Number(/\d+/.exec(headers.range ?? '0')?.[0] ?? 0);
    const etag = `"${sha256(content).slice(0, 16)}"`;
    const rest = { 'Content-Length': content.length - start, ETag: etag };
    if (start === 0) response.writeHead(200, rest);
    else
      response.writeHead(206, { ...rest, 'Content-Range': `bytes ${start}-${content.length - 1}/${content.length}` });
    // A connection that is reset at once takes with it what was under way.
    response.write(content.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 20));
  };
}
