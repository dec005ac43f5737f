import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-languageserver/node';
import type { SelectAnswer, StatusAnswer } from '../../protocol/index.ts';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

const server = path.resolve(import.meta.dirname, '../../dist/server.cjs');

describe('The language server process', function () {
  this.timeout(30_000);
  let workspace: Workspace;
  let other: Workspace;
  let child: ChildProcess;
  let connection: MessageConnection;

  const uri = (file: string): string => pathToFileURL(path.join(workspace.root, file)).href;
  const select = (query: string): Promise<SelectAnswer> => connection.sendRequest('contextkit/select', { query });
  const status = (): Promise<StatusAnswer> => connection.sendRequest('contextkit/status', {});

  async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
    for (const end = Date.now() + 10_000; ; await sleep(30)) {
      const answer = await ask();
      if (holds(answer)) return answer;
      if (Date.now() > end) assert.fail(`still ${JSON.stringify(answer)}`);
    }
  }

  const finds = (query: string, file: string) =>
    until(
      () => select(query),
      ({ ranges }) => ranges[0]?.path.endsWith(file) === true,
    );

  before(async () => {
    workspace = makeWorkspace(sample);
    other = makeWorkspace({ 'tool.py': 'def polish_lens():\n    return 1\n' });
    child = fork(server, ['--node-ipc'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    connection.listen();
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: { workspace: { workspaceFolders: true } },
      initializationOptions: { settings: {} },
      workspaceFolders: [{ uri: pathToFileURL(workspace.root).href, name: 'first' }],
    });
    await connection.sendNotification('initialized', {});
    await until(status, ({ folders }) => folders[0]?.state === 'ready' && folders[0].lastIndexedAt !== null);
  });

  after(async () => {
    await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    connection.dispose();
    child.kill();
    workspace.remove();
    other.remove();
  });

  it('indexes its folder on start', async () => {
    const [folder] = (await status()).folders;
    assert.equal(folder!.files, 3);
    assert.equal(folder!.problem, null);
  });

  it('answers with ranges and a pack', async () => {
    const { ranges, context, tokensUsed, budget } = await select('match a request path against routes');
    assert.equal(ranges[0]!.path, 'src/router.ts');
    assert.equal(ranges[0]!.uri, uri('src/router.ts'));
    assert.match(context, /matchRoute/);
    assert.ok(tokensUsed > 0 && tokensUsed <= budget);
  });

  it('follows saves, creations, renames and deletions', async () => {
    workspace.write('src/cache.ts', 'export function evictEverything() {}\n');
    await connection.sendNotification('textDocument/didSave', { textDocument: { uri: uri('src/cache.ts') } });
    await finds('evictEverything', 'src/cache.ts');
    workspace.write('src/fresh.ts', 'export function brandNewThing() {}\n');
    await connection.sendNotification('workspace/didCreateFiles', { files: [{ uri: uri('src/fresh.ts') }] });
    await finds('brandNewThing', 'src/fresh.ts');
    renameSync(path.join(workspace.root, 'src/fresh.ts'), path.join(workspace.root, 'src/older.ts'));
    await connection.sendNotification('workspace/didRenameFiles', {
      files: [{ oldUri: uri('src/fresh.ts'), newUri: uri('src/older.ts') }],
    });
    await finds('brandNewThing', 'src/older.ts');
    rmSync(path.join(workspace.root, 'src/older.ts'));
    await connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: uri('src/older.ts'), type: 3 }],
    });
    await until(
      () => select('brandNewThing'),
      ({ ranges }) => ranges.every((range) => range.path !== 'src/older.ts'),
    );
  });

  it('follows a folder that is renamed', async () => {
    workspace.write('before/one.ts', 'export function movedAlong() {}\n');
    await connection.sendNotification('workspace/didCreateFiles', { files: [{ uri: uri('before') }] });
    await finds('movedAlong', 'before/one.ts');
    renameSync(path.join(workspace.root, 'before'), path.join(workspace.root, 'after'));
    await connection.sendNotification('workspace/didRenameFiles', {
      files: [{ oldUri: uri('before'), newUri: uri('after') }],
    });
    await finds('movedAlong', 'after/one.ts');
  });

  const refusals: [method: string, params: unknown, message: RegExp][] = [
    ['contextkit/select', {}, /contextkit\/select: query: /],
    ['contextkit/select', { query: 'x', lmit: 3 }, /lmit/],
    ['contextkit/select', { query: '  ' }, /the query is empty/],
    ['contextkit/select', { query: 'x', budget: 3 }, /budget/],
    ['contextkit/nonsense', {}, /Unhandled method/],
  ];
  for (const [method, params, message] of refusals) {
    it(`refuses ${method} ${JSON.stringify(params)} and lives on`, async () => {
      await assert.rejects(connection.sendRequest(method, params), message);
      assert.equal((await status()).folders.length, 1);
    });
  }

  it('takes a folder in and lets it go', async () => {
    const event = { uri: pathToFileURL(other.root).href, name: 'second' };
    await connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [event], removed: [] },
    });
    const { ranges, context } = await finds('polish_lens', 'second/tool.py');
    assert.equal(ranges[0]!.folder, 'second');
    assert.match(context, /^## second$/m);
    await connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [], removed: [event] },
    });
    await until(status, ({ folders }) => folders.length === 1);
  });

  it('says what is wrong with a folder that is gone', async () => {
    const gone = mkdtempSync(path.join(tmpdir(), 'contextkit-gone-'));
    rmSync(gone, { recursive: true });
    const event = { uri: pathToFileURL(gone).href, name: 'gone' };
    await connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [event], removed: [] },
    });
    const { folders } = await until(status, (answer) => answer.folders.some(({ state }) => state === 'failed'));
    assert.match(folders.find(({ name }) => name === 'gone')!.problem!, /there is no such folder/);
    await connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [], removed: [event] },
    });
    rmSync(gone, { recursive: true, force: true });
  });
});
