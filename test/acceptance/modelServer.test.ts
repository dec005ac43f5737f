import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  LSPErrorCodes,
  type MessageConnection,
} from 'vscode-languageserver/node';
import {
  plannedFailure,
  type DownloadProgressParams,
  type ModelState,
  type SelectAnswer,
  type StatusAnswer,
} from '../../protocol/index.ts';
import { inRepository, stallAfter, startHub, type Hub } from '../server/embedding/testHub.ts';
import { onnxFile, realModel, sha256, smallModel, writeFiles, itWithRealModel } from '../server/embedding/testModel.ts';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

const server = path.resolve(import.meta.dirname, '../../dist/server.cjs');
const onnx = 'onnx/model_quantized.onnx';
const repository = 'acme/small';

type Vectors = StatusAnswer['folders'][number]['vectors'];

interface Started {
  connection: MessageConnection;
  /** What the server has told of a download. */
  told: DownloadProgressParams[];
  stop(): Promise<void>;
}

describe('The embedding model in the language server', function () {
  this.timeout(30_000);
  const big = onnxFile({ weights: 300_000 });
  const files = smallModel({ [onnx]: big });
  let workspace: Workspace;
  let hub: Hub;
  let running: Started[];

  const cache = (): string => path.join(workspace.root, 'cache');

  beforeEach(async () => {
    hub = await startHub(inRepository(files, repository));
    workspace = makeWorkspace(sample);
    workspace.write('.contextkit/config.yaml', `model: { repository: ${repository}, sha256: "${sha256(big)}" }\n`);
    running = [];
  });
  afterEach(async () => {
    for (const each of running) await each.stop();
    await hub.close();
    workspace.remove();
  });

  async function start(settings: Record<string, unknown> = {}, trusted = true): Promise<Started> {
    const env = { ...process.env, CONTEXTKIT_CACHE_DIR: cache(), CONTEXTKIT_MODEL_DIR: '', CONTEXTKIT_MODEL_URL: '' };
    const child: ChildProcess = fork(server, ['--node-ipc'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const told: DownloadProgressParams[] = [];
    connection.onNotification('contextkit/downloadProgress', (progress: DownloadProgressParams) => {
      told.push(progress);
    });
    connection.listen();
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: { workspace: { workspaceFolders: true } },
      initializationOptions: { settings: { indexOnOpen: false, ...settings }, trusted },
      workspaceFolders: [{ uri: pathToFileURL(workspace.root).href, name: 'first' }],
    });
    await connection.sendNotification('initialized', {});
    const started = {
      connection,
      told,
      async stop() {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        await connection.sendRequest('shutdown');
        await connection.sendNotification('exit');
        await gone;
        connection.dispose();
      },
    };
    running.push(started);
    return started;
  }

  const ask = async ({ connection }: Started, method = 'model', params: unknown = {}): Promise<ModelState | null> =>
    (await connection.sendRequest<{ model: ModelState | null }>(`contextkit/${method}`, params)).model;

  it('is missing until it is downloaded, with progress, on request', async () => {
    const started = await start();
    const before = await ask(started);
    assert.deepEqual([before?.state, before?.id], ['missing', 'small']);
    assert.deepEqual(hub.requests, [], 'something was fetched that nobody asked for');
    const after = await ask(started, 'downloadModel', { url: hub.url });
    assert.deepEqual(
      [after?.state, after?.from, after?.dimensions, after?.dir],
      ['ready', 'cache', 8, path.join(cache(), 'models/small/main')],
    );
    assert.equal(started.told.at(-1)!.phase, 'done');
    assert.deepEqual(await ask(started), after);
    const { model } = await started.connection.sendRequest<StatusAnswer>('contextkit/status', {});
    assert.deepEqual(model, after);
  });

  it('stops when the request is cancelled, and goes on from there', async () => {
    const started = await start();
    hub.next(onnx, stallAfter(200_000));
    const cancel = new CancellationTokenSource();
    const asked = started.connection.sendRequest('contextkit/downloadModel', { url: hub.url }, cancel.token);
    const part = path.join(cache(), 'models/small/main.incoming', `${onnx}.part`);
    while (!existsSync(part) || statSync(part).size < 200_000) await new Promise((resolve) => setTimeout(resolve, 10));
    cancel.cancel();
    await assert.rejects(asked, { code: LSPErrorCodes.RequestCancelled });
    assert.equal((await ask(started, 'downloadModel', { url: hub.url }))?.state, 'ready');
    assert.equal(hub.requests.at(-1)!.headers.range, 'bytes=200000-');
  });

  it('says why it cannot be downloaded, with a code and a hint', async () => {
    const started = await start({}, false);
    await assert.rejects(
      ask(started, 'downloadModel', { url: hub.url }),
      (error: Error & { code: number; data: { code: string; hint: string } }) => {
        assert.match(error.message, /answers 404 for config\.json/);
        assert.deepEqual([error.code, error.data.code], [plannedFailure, 'download_failed']);
        assert.match(error.data.hint, /import DIR/);
        return true;
      },
    );
  });

  it('is named by the workspace only where the user trusts it', async () => {
    assert.equal((await ask(await start({}, false)))?.id, 'gte-small');
    assert.equal((await ask(await start({}, true)))?.id, 'small');
  });

  it('is imported from a folder', async () => {
    const started = await start();
    const dir = writeFiles(path.join(workspace.root, 'given'), files);
    const model = await ask(started, 'importModel', { dir });
    assert.deepEqual([model?.state, model?.from], ['ready', 'cache']);
    await assert.rejects(ask(started, 'importModel', { dir: workspace.root }), { message: /there is no model in/ });
    await assert.rejects(ask(started, 'importModel', { dir: 'given' }), { message: /not absolute/ });
  });

  it('is used where it lies, in the folder of the settings', async () => {
    const modelDirectory = writeFiles(path.join(workspace.root, 'given'), files);
    const model = await ask(await start({ modelDirectory }));
    assert.deepEqual([model?.state, model?.from, model?.dir], ['ready', 'directory', modelDirectory]);
  });

  it('is a state also when the settings are faulty', async () => {
    const started = await start({ modelDirectory: 'relative', indexOnOpen: true });
    const model = await ask(started);
    assert.equal(model?.state, 'unusable');
    assert.match(model.reason!, /not an absolute folder: relative/);
    await started.connection.sendRequest('contextkit/index', {});
    const { ranges } = await started.connection.sendRequest<SelectAnswer>('contextkit/select', { query: 'matchRoute' });
    assert.equal(ranges[0]?.path, 'src/router.ts');
  });

  itWithRealModel('embeds the folder as soon as it is here, without a restart', async () => {
    workspace.write('.contextkit/config.yaml', 'model: { id: all-MiniLM-L6-v2 }\n');
    const started = await start({ indexOnOpen: true });
    const vectors = async (wanted: string): Promise<Vectors> => {
      for (;;) {
        const { folders } = await started.connection.sendRequest<StatusAnswer>('contextkit/status', {});
        const found = folders[0]!.vectors;
        if (found.state === wanted) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    assert.match((await vectors('no_model')).reason!, /all-MiniLM-L6-v2 is not on this machine/);
    assert.equal((await ask(started, 'importModel', { dir: realModel() }))?.state, 'ready');
    const { embedded, chunks, failed, model } = await vectors('ready');
    assert.ok(chunks > 0);
    assert.deepEqual([embedded, failed, model], [chunks, 0, 'all-MiniLM-L6-v2']);
  });

  it('is not looked for when embeddings are off', async () => {
    assert.equal(await ask(await start({ embeddings: 'off' })), null);
  });
});
