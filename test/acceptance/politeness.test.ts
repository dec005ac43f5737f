import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { startServer, type ServerProcess } from './serverProcess.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

const files = 90;

describe('Embedding that holds back', function () {
  this.timeout(60_000);
  let scratch: string;
  let workspace: Workspace;
  let server: ServerProcess | undefined;
  let env: Record<string, string>;

  const supply = (name: string, value: string): void => writeFileSync(path.join(scratch, 'power', name), `${value}\n`);
  const plug = (isIn: boolean): void => {
    supply('AC/online', isIn ? '1' : '0');
    supply('BAT0/status', isIn ? 'Charging' : 'Discharging');
  };

  before(function () {
    // The source of power is read from a folder there alone.
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-polite-'));
    for (const name of ['AC', 'BAT0']) mkdirSync(path.join(scratch, 'power', name), { recursive: true });
    supply('AC/type', 'Mains');
    supply('BAT0/type', 'Battery');
    plug(true);
    const model = path.join(scratch, 'model');
    writeSmallModel(model, { work: 1, config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 16 } });
    env = {
      CONTEXTKIT_MODEL_DIR: model,
      CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache'),
      CONTEXTKIT_POWER_SUPPLY_DIR: path.join(scratch, 'power'),
    };
    workspace = makeWorkspace();
    for (let i = 0; i < files; i++) {
      const body = Array.from({ length: 40 }, (_, line) => `  const crop${line} = sow(field${i}, ${line});`).join('\n');
      workspace.write(`src/f${i}.ts`, `export function harvest${i}(): void {\n${body}\n}\n`);
    }
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    workspace.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('pauses on battery, says so, and goes on when the machine is plugged in', async () => {
    plug(false);
    server = await startServer({ root: workspace.root, env, settings: { embeddingOnBattery: 'pause' } });
    const { vectors } = await server.until(({ vectors: { state } }) => state === 'paused');
    assert.deepEqual(vectors.hold, { reason: 'battery', level: 'pause' });
    assert.equal(vectors.etaSeconds, null);
    const embedded = (await server.folder()).vectors.embedded;
    // Questions are answered by meaning all the same.
    assert.ok((await server.select('harvest a crop')).ranges.length > 0);
    await sleep(500);
    assert.ok((await server.folder()).vectors.embedded < files, `${embedded} before`);
    plug(true);
    const done = await server.until(({ vectors: { state } }) => state === 'ready');
    assert.equal(done.vectors.hold, null);
    assert.equal(done.vectors.embedded, done.vectors.chunks);
  });

  it('goes on slower on battery where that is set, and goes on whatever it is when the user says so', async () => {
    plug(false);
    server = await startServer({ root: workspace.root, env, settings: { embeddingOnBattery: 'slow' } });
    const { vectors } = await server.until(({ vectors: { hold } }) => hold !== null);
    assert.deepEqual([vectors.state, vectors.hold], ['embedding', { reason: 'battery', level: 'slow' }]);
    await server.connection.sendRequest('contextkit/pause', { paused: true });
    const paused = await server.until(({ vectors: { state } }) => state === 'paused');
    assert.deepEqual(paused.vectors.hold, { reason: 'user', level: 'pause' });
    await server.connection.sendRequest('contextkit/pause', { paused: false });
    await server.until(({ vectors: { state, hold } }) => hold === null && (state === 'embedding' || state === 'ready'));
    await server.until(({ vectors: { state } }) => state === 'ready');
  });

  it('pauses for a while when an editor tells that typing is slow', async () => {
    server = await startServer({ root: workspace.root, env, settings: { embeddingCpuPercent: 5 } });
    await server.until(({ vectors: { state } }) => state === 'embedding');
    await server.connection.sendNotification('contextkit/typing', { starvedMs: 20 });
    assert.equal((await server.folder()).vectors.hold, null);
    await server.connection.sendNotification('contextkit/typing', { starvedMs: 300 });
    const { vectors } = await server.until(({ vectors: { state } }) => state === 'paused');
    assert.deepEqual(vectors.hold, { reason: 'typing', level: 'pause' });
    await server.connection.sendRequest('contextkit/pause', { paused: false });
    assert.deepEqual(
      [(await server.folder()).vectors.state, (await server.folder()).vectors.hold],
      ['embedding', null],
    );
  });

  it('says what stands in the way of its memory, and tries anew when the user says so', async () => {
    server = await startServer({ root: workspace.root, env, settings: { embeddingMemoryMb: 1 } });
    const { vectors } = await server.until(({ vectors: { state } }) => state === 'failed');
    assert.match(vectors.reason!, /needs more memory than it may take.*where 1 MB are allowed/);
    assert.ok((await server.select('harvest a crop')).ranges.length > 0);
    await server.connection.sendRequest('contextkit/pause', { paused: false });
    const again = await server.until(({ vectors: { embedded } }) => embedded > vectors.embedded);
    // The doctor finds that a process comes up, which the server hears of.
    const { out } = workspace.runIn(env, 'doctor');
    assert.match(out, /a process embeds: its first text took/);
    await server.until(({ vectors: { embedded } }) => embedded > again.vectors.embedded);
  });

  it('on the command line keeps to its share and its battery where that is set, and says why it waits', async () => {
    Object.assign(env, { CONTEXTKIT_EMBEDDING_ON_BATTERY: 'pause', CONTEXTKIT_EMBEDDING_CPU_PERCENT: '50' });
    plug(false);
    const wrong = workspace.runIn({ ...env, CONTEXTKIT_EMBEDDING_CPU_PERCENT: '0' }, 'index', '--embed');
    assert.deepEqual([wrong.code, /CONTEXTKIT_EMBEDDING_CPU_PERCENT: .*>=1/.test(wrong.err)], [2, true], wrong.err);
    const child = workspace.startIn(env, 'index', '--embed', '--json');
    let [out, err] = ['', ''];
    child.stdout!.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr!.on('data', (part: Buffer) => (err += part.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    for (const end = Date.now() + 20_000; !err.includes('paused: on battery'); await sleep(50))
      assert.ok(Date.now() < end, `it does not say why it waits: ${err}`);
    plug(true);
    assert.equal(await ended, 0, err);
    const { vectors } = JSON.parse(out) as { vectors: { state: string; embedded: number; chunks: number } };
    assert.deepEqual([vectors.state, vectors.embedded], ['ready', vectors.chunks]);
  });
});
