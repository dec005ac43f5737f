import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startServer, type ServerProcess } from './serverProcess.ts';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

/** A client that can watch files; whether it then tells of them is up to the test. */
const watching = { didChangeWatchedFiles: { dynamicRegistration: true } };

describe('A language server that follows its folder', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: ServerProcess;

  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: workspace.root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  async function start(settings: Record<string, unknown>, capabilities: Record<string, unknown> = watching) {
    server = await startServer({ root: workspace.root, settings, workspace: capabilities });
    await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
  }

  async function finds(query: string, file: string | null): Promise<void> {
    for (const end = Date.now() + 20_000; ; await sleep(100)) {
      const { ranges } = await server.select(query);
      const holds = ranges.filter(({ content }) => content.includes(query)).map((range) => range.path);
      if (file === null ? holds.length === 0 : holds.includes(file)) return;
      if (Date.now() > end) assert.fail(`${query} is found in ${JSON.stringify(holds)}, not in ${String(file)}`);
    }
  }

  const uri = (file: string): string => pathToFileURL(path.join(workspace.root, file)).href;
  const tell = (...changes: [file: string, type: 1 | 2 | 3][]) =>
    server.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: changes.map(([file, type]) => ({ uri: uri(file), type })),
    });

  beforeEach(() => {
    workspace = makeWorkspace();
    rmSync(path.join(workspace.root, '.git'), { recursive: true });
    git('init', '-q', '-b', 'main');
    for (const [file, text] of Object.entries(sample)) workspace.write(file, text);
    git('add', '.');
    git('commit', '-qm', 'Routes');
  });
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  it('asks the client to watch, and takes folders that come, move and go', async () => {
    await start({});
    assert.deepEqual(server.watched(), [{ watchers: [{ globPattern: '**/*' }] }]);
    workspace.write('deep/er/well.ts', 'export function drawWater() {}\n');
    await tell(['deep', 1]);
    await finds('drawWater', 'deep/er/well.ts');
    renameSync(path.join(workspace.root, 'deep'), path.join(workspace.root, 'high'));
    await tell(['deep', 3], ['high', 1]);
    await finds('drawWater', 'high/er/well.ts');
    rmSync(path.join(workspace.root, 'high'), { recursive: true });
    await tell(['high', 3]);
    await finds('drawWater', null);
  });

  it('looks again when ignore files change', async () => {
    workspace.write('made/output.ts', 'export function madeByMachine() {}\n');
    await start({});
    await finds('madeByMachine', 'made/output.ts');
    workspace.write('.gitignore', 'made/\n');
    await tell(['.gitignore', 1]);
    await finds('madeByMachine', null);
    workspace.write('.gitignore', '\n');
    await tell(['.gitignore', 2]);
    await finds('madeByMachine', 'made/output.ts');
  });

  it('notices another branch although nobody tells', async () => {
    git('checkout', '-qb', 'other');
    workspace.write('src/branch.ts', 'export function onlyOnOther() {}\n');
    rmSync(path.join(workspace.root, 'src/cache.ts'));
    git('add', '-A');
    git('commit', '-qm', 'Another way');
    git('checkout', '-q', 'main');
    await start({});
    await finds('invalidateCache', 'src/cache.ts');
    git('checkout', '-q', 'other');
    await finds('onlyOnOther', 'src/branch.ts');
    await finds('invalidateCache', null);
    git('checkout', '-q', 'main');
    await finds('invalidateCache', 'src/cache.ts');
    await finds('onlyOnOther', null);
  });

  it('polls where it is told to, and where the client cannot watch', async () => {
    await start({ watch: 'poll', watchIntervalSeconds: 1 });
    assert.deepEqual(server.watched(), []);
    workspace.write('src/quiet.ts', 'export function nobodyToldOfThis() {}\n');
    await finds('nobodyToldOfThis', 'src/quiet.ts');
    await server.stop();
    await start({ watchIntervalSeconds: 1 }, {});
    workspace.write('src/quieter.ts', 'export function norOfThat() {}\n');
    await finds('norOfThat', 'src/quieter.ts');
  });

  it('looks again after it has slept', async () => {
    if (process.platform === 'win32') return; // no SIGSTOP there
    await start({});
    process.kill(server.pid, 'SIGSTOP');
    workspace.write('src/asleep.ts', 'export function writtenWhileAsleep() {}\n');
    await sleep(7_500);
    process.kill(server.pid, 'SIGCONT');
    await finds('writtenWhileAsleep', 'src/asleep.ts');
  });

  it('says that its folder is gone, and goes on when it is back', async () => {
    await start({});
    const away = `${workspace.root}-away`;
    renameSync(workspace.root, away);
    const { problem } = await server.until(({ state }) => state === 'failed');
    assert.match(problem!, /the folder is gone|there is no such folder/);
    writeFileSync(path.join(away, 'src/new.ts'), 'export function madeWhileAway() {}\n');
    renameSync(away, workspace.root);
    await server.until(({ state }) => state === 'ready');
    await finds('madeWhileAway', 'src/new.ts');
  });

  it('takes files that appear while it indexes', async () => {
    for (let i = 0; i < 400; i++) workspace.write(`bulk/f${i}.ts`, `export function bulk${i}() {}\n`.repeat(40));
    server = await startServer({ root: workspace.root, workspace: watching });
    await server.until(({ state }) => state === 'indexing');
    mkdirSync(path.join(workspace.root, 'late'));
    workspace.write('late/comer.ts', 'export function cameInTheMiddle() {}\n');
    await tell(['late', 1]);
    await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
    await finds('cameInTheMiddle', 'late/comer.ts');
  });
});
