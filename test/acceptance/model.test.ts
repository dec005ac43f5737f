import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { inRepository, makeCertificate, stallAfter, startHub, type Hub } from '../server/embedding/testHub.ts';
import {
  onnxFile,
  realModel,
  realModelSha256,
  sha256,
  smallModel,
  writeFiles,
  itWithRealModel,
} from '../server/embedding/testModel.ts';
import { cli, makeWorkspace, type Ran, type Workspace } from './workspace.ts';

const onnx = 'onnx/model_quantized.onnx';
const repository = 'acme/small';

/** For what Windows has no counterpart of. */
const itOnPosix = process.platform === 'win32' ? () => undefined : it;

describe('contextkit model', function () {
  this.timeout(30_000);
  const big = onnxFile({ weights: 300_000 });
  const files = smallModel({ [onnx]: big });
  let workspace: Workspace;
  let hub: Hub;

  beforeEach(async () => {
    hub = await startHub(inRepository(files, repository));
    workspace = makeWorkspace();
  });
  afterEach(async () => {
    await hub.close();
    workspace.remove();
  });

  const cache = (): string => path.join(workspace.root, 'cache');
  const folder = (): string => path.join(cache(), 'models/small/main');
  const environment = (env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
    const left = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(https?_proxy|all_proxy|no_proxy|hf_endpoint)$/i.test(name)),
    );
    return {
      ...left,
      NO_COLOR: '1',
      CONTEXTKIT_MODEL_DIR: '',
      CONTEXTKIT_CACHE_DIR: cache(),
      CONTEXTKIT_MODEL_URL: hub.url,
      ...env,
    };
  };
  const start = (args: string[], env?: NodeJS.ProcessEnv): ChildProcess =>
    spawn(process.execPath, [cli, 'model', ...args], {
      cwd: workspace.root,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  /** The hub lives in this process: it must be free to answer meanwhile. */
  const ended = (child: ChildProcess): Promise<Ran> =>
    new Promise((resolve) => {
      const text = { out: '', err: '' };
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
      child.once('close', (code) => resolve({ code, ...text }));
    });
  const model = (...args: string[]): Promise<Ran> => ended(start(args));
  const configure = (): void =>
    workspace.write('.contextkit/config.yaml', `model:\n  repository: ${repository}\n  sha256: ${sha256(big)}\n`);
  const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

  it('says that there is none, and what to do', async () => {
    const { code, out } = await model('status');
    assert.equal(code, 1);
    assert.match(out, /^gte-small\nState {6}missing\nReason .*\nNext {7}Run `contextkit model download`/);
    const { state, id, downloadBytes } = json((await model('status', '--json')).out);
    assert.deepEqual([state, id, downloadBytes], ['missing', 'gte-small', 34_726_088]);
    assert.ok(!existsSync(cache()));
  });

  it('downloads it, shows it and removes it', async () => {
    configure();
    const { code, out, err } = await model('download');
    assert.equal(code, 0, err);
    assert.match(out, /^small \(\d+ KB\) is here after [\d.]+ s\nVectors {4}8 dimensions/);
    const status = json((await model('status', '--json')).out);
    assert.deepEqual(
      [status['state'], status['from'], status['dir'], status['sha256']],
      ['ready', 'cache', folder(), sha256(big)],
    );
    assert.match((await model('download')).out, /is here already, from: cache/);
    assert.match((await model('remove')).out, /^small is removed/);
    assert.equal((await model('status')).code, 1);
    assert.equal((await model('remove')).code, 1);
  });

  it('ends with exit code 8, a reason and a hint when it cannot be had', async () => {
    const { code, out, err } = await model('download', '--json');
    assert.equal(code, 8);
    const { error } = json(out) as { error: { code: string; message: string; hint: string } };
    assert.equal(error.code, 'download_failed');
    assert.match(error.message, /answers 404 for config\.json/);
    assert.match(err, /hint: .*`contextkit model import DIR`/);
  });

  it('says what goes on when somebody watches in a pipe', async () => {
    configure();
    hub.next(onnx, (_, response) => response.writeHead(500).end());
    const { code, err } = await model('download');
    assert.equal(code, 0, err);
    assert.match(err, /answers 500 for onnx\/model_quantized\.onnx; next attempt in 1 s/);
  });

  itOnPosix('stops at Ctrl-C and goes on from there', async () => {
    configure();
    hub.next(onnx, stallAfter(200_000));
    const child = start(['download']);
    const end = ended(child);
    const part = path.join(cache(), 'models/small/main.incoming', `${onnx}.part`);
    while (!existsSync(part) || statSync(part).size < 200_000) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    const { code, err } = await end;
    assert.equal(code, 130);
    assert.match(err, /Stopped\. What was done is kept\./);
    assert.match((await model('status')).out, /small, main\.incoming \(\d+ KB\), not complete/);
    assert.equal((await model('download')).code, 0);
    assert.equal(hub.requests.at(-1)!.headers.range, 'bytes=200000-');
    assert.deepEqual(readFileSync(path.join(folder(), onnx)), big);
  });

  itOnPosix('goes on after the program was killed in the middle', async () => {
    configure();
    hub.next(onnx, stallAfter(150_000));
    const child = start(['download']);
    const end = ended(child);
    const part = path.join(cache(), 'models/small/main.incoming', `${onnx}.part`);
    while (!existsSync(part) || statSync(part).size < 150_000) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    await end;
    const { code, err } = await model('download');
    assert.equal(code, 0, err);
    assert.equal(hub.requests.at(-1)!.headers.range, 'bytes=150000-');
  });

  it('is fetched once by two programs', async () => {
    configure();
    const ran = await Promise.all([model('download'), model('download')]);
    assert.deepEqual(
      ran.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(hub.requests.filter(({ url }) => url.endsWith('.onnx')).length, 1);
    assert.deepEqual(readFileSync(path.join(folder(), onnx)), big);
  });

  it('trusts the certificates of NODE_EXTRA_CA_CERTS', async () => {
    configure();
    const cert = path.join(workspace.root, 'cert.pem');
    const secure = await startHub(
      inRepository(files, repository),
      makeCertificate(path.join(workspace.root, 'key.pem'), cert),
    );
    try {
      const refused = await ended(start(['download'], { CONTEXTKIT_MODEL_URL: secure.url }));
      assert.equal(refused.code, 8);
      assert.match(refused.err, /not trusted here/);
      const trusted = await ended(start(['download'], { CONTEXTKIT_MODEL_URL: secure.url, NODE_EXTRA_CA_CERTS: cert }));
      assert.equal(trusted.code, 0, trusted.err);
    } finally {
      await secure.close();
    }
  });

  itWithRealModel('imports the real model under a name and uses it where config.yaml names it', async () => {
    const refused = await model('import', realModel());
    assert.equal(refused.code, 8);
    assert.match(refused.err, /is not gte-small: .* has 22,824,235 bytes where 34,014,427 bytes were expected/);
    const { code, err } = await model('import', realModel(), '--id', 'mini');
    assert.equal(code, 0);
    assert.match(err, /write `model: \{ id: mini \}` into \.contextkit\/config\.yaml/);
    workspace.write('.contextkit/config.yaml', 'model: { id: mini }\n');
    const { state, sha256: digest, dimensions } = json((await model('status', '--json')).out);
    assert.deepEqual([state, digest, dimensions], ['ready', realModelSha256, 384]);
  });

  it('uses the folder of CONTEXTKIT_MODEL_DIR in place', async () => {
    const dir = writeFiles(path.join(workspace.root, 'models/mine'), files);
    const ran = await ended(start(['status', '--json'], { CONTEXTKIT_MODEL_DIR: 'models/mine' }));
    const { state, from, id, dir: used } = json(ran.out);
    assert.deepEqual([state, from, id, used], ['ready', 'directory', 'mine', dir]);
  });

  const refusals: [args: string[], config: string, message: RegExp][] = [
    [['fetch'], '', /contextkit model cannot "fetch"\nhint: Use one of: status, download, import, remove/],
    [['import'], '', /contextkit model import DIR/],
    [['status', 'x'], '', /contextkit model status/],
    [['download', '--id', 'x'], '', /contextkit model download/],
    [['status'], 'model: { directory: /tmp }\n', /model\.directory: unknown key/],
    [['status'], 'model: { repository: ../.. }\n', /model\.repository/],
    [['status'], 'model: { id: a/b }\n', /model\.id: expected letters, digits/],
    [['status'], 'modelUrl: http://evil.example\n', /modelUrl: unknown key/],
  ];
  for (const [args, config, message] of refusals) {
    it(`refuses ${args.join(' ')}${config === '' ? '' : ` with ${config.trim()}`}`, async () => {
      if (config !== '') workspace.write('.contextkit/config.yaml', config);
      const { code, err } = await model(...args);
      assert.equal(code, 2, err);
      assert.match(err, message);
    });
  }
});
