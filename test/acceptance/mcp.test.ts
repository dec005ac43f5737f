import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { connect, type Connected } from './mcpClient.ts';
import { startServer } from './serverProcess.ts';
import { cli, makeWorkspace, sample, type Workspace } from './workspace.ts';

const query = 'match a request path';

describe('The MCP server', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let connected: Connected | undefined;
  beforeEach(() => (workspace = makeWorkspace(sample)));
  afterEach(async () => {
    await connected?.close();
    connected = undefined;
    workspace.remove();
  });

  for (const [era, options] of [
    ['of before 2026', {}],
    ['of 2026', { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
  ] as const) {
    it(`shows its tools to a client ${era} and answers it`, async () => {
      connected = await connect(workspace.root, { options });
      assert.equal(connected.client.getServerVersion()?.name, 'contextkit');
      assert.match(connected.client.getInstructions() ?? '', /select_context/);
      const { tools } = await connected.client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['select_context', 'find_symbols', 'find_references', 'trace_calls', 'check_index'],
      );
      for (const { name, description, inputSchema, annotations } of tools) {
        assert.ok(description!.length > 50, name);
        assert.equal(annotations?.readOnlyHint, true, name);
        for (const [input, schema] of Object.entries(inputSchema.properties!))
          assert.ok((schema as { description?: string }).description, `${name}.${input}`);
      }
      const { texts, isError } = await connected.call('select_context', { query, budget: 1_000 });
      assert.ok(!isError, texts.join());
      assert.match(texts[0]!, /matchRoute/);
      assert.match(texts[1]!, /^\d+ files?, [\d,]+ of 1,000 tokens.*; pack [0-9a-f]{16}$/);
    });
  }

  it('knows what was written right before the question', async () => {
    connected = await connect(workspace.root);
    await connected.call('select_context', { query });
    workspace.write('src/plough.ts', '/** Turns the soil over. */\nexport function ploughField() {}\n');
    assert.match((await connected.call('select_context', { query: 'turn the soil' })).texts[0]!, /src\/plough\.ts/);
    assert.match(
      (await connected.call('find_symbols', { name: 'ploughField' })).texts[0]!,
      /^src\/plough\.ts:2 {2}function/,
    );
    rmSync(path.join(workspace.root, 'src/plough.ts'));
    assert.match((await connected.call('find_symbols', { name: 'ploughField' })).texts[0]!, /^No symbol is called/);
  });

  it('leaves out what the client has, and gives it again once it has changed', async () => {
    connected = await connect(workspace.root);
    const first = await connected.call('select_context', { query });
    const pack = /pack ([0-9a-f]{16})$/.exec(first.texts[1]!)![1]!;
    const second = await connected.call('select_context', { query, have: [pack] });
    assert.deepEqual(second.texts, ['Nothing is new: you have all that matches.']);
    const [file] = /^### (\S+)/m.exec(first.texts[0]!)!.slice(1);
    workspace.write(file!, '/** Matches a request path, but later. */\nexport function matchLater() {}\n');
    assert.match((await connected.call('select_context', { query, have: [pack] })).texts[0]!, /matchLater/);
  });

  it('follows names: uses, callers, callees', async () => {
    workspace.write('src/a.ts', "import { dig } from './b';\nexport function plant() {\n  return dig(2);\n}\n");
    workspace.write('src/b.ts', 'export function dig(depth: number) {\n  return depth;\n}\n');
    connected = await connect(workspace.root);
    const [callers] = (await connected.call('trace_calls', { symbol: 'dig', direction: 'callers' })).texts;
    assert.match(callers!, /called by \(1\):\n {4}plant {2}src\/a\.ts:2/);
    assert.doesNotMatch(callers!, /no known calls/);
    const [uses] = (await connected.call('find_references', { symbol: 'dig' })).texts;
    assert.match(uses!, /2 references in 1 file: 1 call, 1 import/);
    const [unknown] = (await connected.call('trace_calls', { symbol: 'digg' })).texts;
    assert.match(unknown!, /No symbol is called "digg"\. Similar: dig/);
  });

  it('says what is indexed, and why a path is not', async () => {
    workspace.write('.gitignore', 'build/\n');
    workspace.write('build/out.ts', 'export const out = 1;\n');
    connected = await connect(workspace.root);
    const [status] = (await connected.call('check_index')).texts;
    assert.match(status!, /State {6}ready/);
    const [why] = (await connected.call('check_index', { path: 'build/out.ts' })).texts;
    assert.match(why!, /\.gitignore:1/);
  });

  it('says what is wrong with a question and what to do', async () => {
    connected = await connect(workspace.root);
    const empty = await connected.call('select_context', { query: ' ' });
    assert.ok(empty.isError);
    assert.match(empty.texts[0]!, /the query is empty\. Say in a few words/);
    const misspelt = await connected.call('select_context', { query: 'x', bugdet: 1_000 });
    assert.ok(misspelt.isError);
    assert.match(misspelt.texts[0]!, /bugdet/);
    const small = await connected.call('select_context', { query: 'x', budget: 3 });
    assert.ok(small.isError);
    assert.match(small.texts[0]!, /500/);
    const none = await connected.call('select_context', { query: 'zzyzx' });
    assert.ok(!none.isError);
    assert.match(none.texts[0]!, /^Nothing matches "zzyzx"/);
    assert.ok((await connected.call('select_context', { mode: 'map' })).texts[0]!.length > 20);
  });

  it('a folder that is not there is told, and asked again once it is', async () => {
    const root = path.join(workspace.root, 'later');
    connected = await connect(workspace.root, { args: ['--root', 'later'] });
    const refused = await connected.call('select_context', { query: 'harvest later' });
    assert.ok(refused.isError);
    assert.match(refused.texts[0]!, /there is no such folder/);
    mkdirSync(root);
    workspace.write('later/a.ts', 'export function harvestLater() {}\n');
    assert.match((await connected.call('select_context', { query: 'harvest later' })).texts[0]!, /harvestLater/);
  });

  it('a fault in config.yaml is told with its key', async () => {
    workspace.write('.contextkit/config.yaml', 'maxFileKB: 3\n');
    connected = await connect(workspace.root);
    const { texts, isError } = await connected.call('select_context', { query: 'harvest later' });
    assert.ok(isError);
    assert.match(texts[0]!, /maxFileKB: unknown key; did you mean "maxFileKb"\?/);
  });

  it('takes the folder that the client has open', async () => {
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'contextkit-elsewhere-'));
    try {
      connected = await connect(elsewhere, {
        options: { capabilities: { roots: {} } },
        prepare: (client) =>
          client.setRequestHandler('roots/list', () => ({ roots: [{ uri: pathToFileURL(workspace.root).href }] })),
      });
      assert.match((await connected.call('select_context', { query })).texts[0]!, /matchRoute/);
      assert.ok(!existsSync(path.join(elsewhere, '.contextkit')));
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('a client of 2026 that says it has folders is answered for where the server was started', async () => {
    connected = await connect(workspace.root, {
      options: { capabilities: { roots: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    });
    assert.match((await connected.call('select_context', { query })).texts[0]!, /matchRoute/);
  });

  it('takes paths from the root of the repository and of the disk', async () => {
    connected = await connect(workspace.root);
    for (const folder of ['src', './src', 'src/', path.join(workspace.root, 'src')]) {
      const { texts } = await connected.call('select_context', { query, sources: [folder] });
      assert.match(texts[0]!, /src\/router\.ts/, folder);
      assert.doesNotMatch(texts[0]!, /router\.test\.ts/, folder);
      const [uses] = (await connected.call('find_references', { symbol: 'Router', path: folder })).texts;
      assert.match(uses!, /^Router {2}class {2}src\/router\.ts:2/, folder);
      const [why] = (await connected.call('check_index', { path: path.join(folder, 'cache.ts') })).texts;
      assert.match(why!, /^src\/cache\.ts\nIndexed/, folder);
    }
    const outside = await connected.call('find_references', { symbol: 'Router', path: tmpdir() });
    assert.match(outside.texts[0]!, /^No symbol is called "Router" in /);
  });

  it('does not index a home folder that it happens to be started in', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'contextkit-home-'));
    try {
      connected = await connect(home, { env: { HOME: home, USERPROFILE: home } });
      const { texts, isError } = await connected.call('select_context', { query: 'harvest later' });
      assert.ok(isError);
      assert.match(texts[0]!, /would index the whole of .*--root DIR/);
      assert.ok(!existsSync(path.join(home, '.contextkit')));
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('reads beside an editor that writes, and goes on when it is gone', async () => {
    const editor = await startServer({ root: workspace.root });
    await editor.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
    connected = await connect(workspace.root);
    assert.match((await connected.call('select_context', { query })).texts[0]!, /matchRoute/);
    assert.match((await connected.call('check_index')).texts[0]!, new RegExp(`Writer .*process ${editor.pid}`));
    await editor.kill();
    workspace.write('src/after.ts', 'export function afterTheEditor() {}\n');
    assert.match((await connected.call('find_symbols', { name: 'afterTheEditor' })).texts[0]!, /src\/after\.ts:1/);
  });

  it('lets an editor write that comes later, and both know what the other has seen', async () => {
    connected = await connect(workspace.root);
    await connected.call('select_context', { query });
    workspace.write('src/before.ts', 'export function beforeTheEditor() {}\n');
    await connected.call('find_symbols', { name: 'beforeTheEditor' });
    const editor = await startServer({ root: workspace.root });
    try {
      while (!new RegExp(`Writer .*process ${editor.pid}`).test((await connected.call('check_index')).texts[0]!))
        await sleep(1_500);
      assert.equal((await editor.folder()).problem, null);
      assert.equal((await editor.select('beforeTheEditor')).ranges[0]!.path, 'src/before.ts');
      workspace.write('src/during.ts', 'export function duringTheEditor() {}\n');
      await editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
        changes: [{ uri: pathToFileURL(path.join(workspace.root, 'src/during.ts')).href, type: 1 }],
      });
      while ((await editor.select('duringTheEditor')).ranges[0]?.path !== 'src/during.ts') await sleep(100);
      assert.match((await connected.call('find_symbols', { name: 'duringTheEditor' })).texts[0]!, /during\.ts:1/);
    } finally {
      await editor.stop();
    }
  });

  it('embeds behind its questions, without holding the index', async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-model-'));
    try {
      writeSmallModel(path.join(scratch, 'model'));
      const env = {
        CONTEXTKIT_MODEL_DIR: path.join(scratch, 'model'),
        CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache'),
      };
      connected = await connect(workspace.root, { env });
      await connected.call('select_context', { query });
      while (!/Vectors .*, ready: /.test((await connected.call('check_index')).texts[0]!)) await sleep(100);
      const lock = path.join(workspace.root, '.contextkit/index.lock');
      while (existsSync(lock)) await sleep(100);
      assert.match((await connected.call('select_context', { query })).texts[0]!, /matchRoute/);
    } finally {
      await connected?.close();
      rmSync(scratch, { recursive: true });
    }
  });

  it('a question that is taken back ends alone; others are answered', async () => {
    for (let i = 0; i < 400; i++) workspace.write(`src/f${i}.ts`, `export function f${i}() {}\n`.repeat(40));
    connected = await connect(workspace.root);
    const abort = new AbortController();
    const taken = connected.client.callTool({ name: 'select_context', arguments: { query } }, { signal: abort.signal });
    const kept = connected.call('select_context', { query });
    await sleep(50);
    abort.abort();
    await assert.rejects(taken);
    assert.match((await kept).texts[0]!, /matchRoute/);
  });

  it('ends when the client leaves, and gives up its lock; nothing else stands on standard output', async () => {
    const child = spawn(process.execPath, [cli, 'mcp'], { cwd: workspace.root, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (part: Buffer) => (out += String(part)));
    const say = (message: object): void =>
      void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'raw', version: '1' };
    say({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } });
    say({ method: 'notifications/initialized' });
    child.stdin.write('this is not JSON\n');
    say({ id: 2, method: 'tools/call', params: { name: 'select_context', arguments: { query } } });
    while (!out.includes('"id":2')) await sleep(20);
    child.stdin.end();
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
    for (const line of out.trim().split('\n')) assert.equal((JSON.parse(line) as { jsonrpc: string }).jsonrpc, '2.0');
    assert.ok(!existsSync(path.join(workspace.root, '.contextkit/index.lock')));
  });
});
