import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { DoctorReport } from '../../server/engine/index.ts';
import { startServer } from './serverProcess.ts';
import { makeWorkspace, runUnprivileged, sample, type Workspace } from './workspace.ts';

describe('contextkit doctor', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  const inIndex = (name: string): string => path.join(workspace.root, '.contextkit', name);

  function examine(...args: string[]): { code: number | null; report: DoctorReport } {
    const { code, out, err } = workspace.run('doctor', '--json', ...args);
    assert.equal(err.includes('fault of the program'), false, err);
    return { code, report: JSON.parse(out) as DoctorReport };
  }
  const found = (report: DoctorReport, check: string) => report.findings.filter((each) => each.check === check);

  /** A process that has been and is gone. */
  const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

  beforeEach(() => {
    workspace = makeWorkspace(sample);
    assert.equal(workspace.run('index').code, 0);
  });
  afterEach(() => workspace.remove());

  it('finds nothing wrong with a fresh index', () => {
    const { code, report } = examine();
    assert.equal(code, 0);
    assert.equal(report.healthy, true);
    // Whether this machine has a model is not the index's doing.
    const ofIndex = report.findings.filter(({ check }) => check !== 'model');
    assert.deepEqual([...new Set(ofIndex.map(({ level }) => level))], ['ok']);
    assert.notEqual(found(report, 'model')[0]?.level, 'problem');
    assert.match(workspace.run('doctor').out, /index\.db is whole: 3 files, generation \d+[^]*All is well\.\n$/);
  });

  it('says so when there is no index yet, and makes one with --fix', () => {
    const empty = makeWorkspace(sample);
    assert.match(empty.run('doctor').out, /there is no index folder yet/);
    assert.equal(empty.run('doctor', '--fix').code, 0);
    empty.remove();
  });

  const damages: [name: string, spoil: (bytes: Buffer) => Buffer][] = [
    ['cut off', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))],
    [
      'overwritten in the middle',
      (bytes) => Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(8192, 0xa5), bytes.subarray(16_384)]),
    ],
    ['no database at all', () => Buffer.from('this is not a database')],
    ['empty', () => Buffer.alloc(0)],
  ];
  for (const [name, spoil] of damages) {
    it(`tells an index.db that is ${name}, and makes it anew with --fix`, () => {
      writeFileSync(inIndex('index.db'), spoil(readFileSync(inIndex('index.db'))));
      const before = examine();
      assert.equal(before.code, 3);
      assert.equal(before.report.healthy, false);
      const [problem] = found(before.report, 'index');
      assert.equal(problem!.level, 'problem');
      assert.match(problem!.hint!, /doctor --fix/);
      const after = examine('--fix');
      assert.equal(after.code, 0);
      assert.equal(found(after.report, 'index')[0]!.fixed, true);
      assert.match(workspace.run('select', 'matchRoute', '--no-index').out, /matchRoute/);
      // The damaged file was kept; a second --fix is told so and removes it.
      assert.equal(readdirSync(inIndex('')).filter((each) => each.includes('damaged')).length, 1);
      assert.equal(examine('--fix').code, 0);
      assert.deepEqual(
        readdirSync(inIndex('')).filter((each) => each.includes('damaged')),
        [],
      );
    });
  }

  it('tells a record that does not agree with itself, which SQLite does not see', () => {
    const file = inIndex('index.db');
    const bytes = readFileSync(file);
    // The signature of a method: another byte in it is still a text; a number of its record is not.
    const at = bytes.indexOf('matchRoute(requestPath: string): string');
    assert.ok(at > 0);
    bytes[at - 1] = 0x7f;
    writeFileSync(file, bytes);
    const { code, report } = examine();
    assert.equal(code, 3, JSON.stringify(report));
    assert.match(found(report, 'index')[0]!.message, /src\/router\.ts: /);
  });

  it('removes the lock and the temporaries of a process that is gone', () => {
    const pid = deadPid();
    const owner = { pid, host: hostname(), startedAt: '2026-01-01T00:00:00Z', id: 'a', processStart: null };
    writeFileSync(inIndex('index.lock'), JSON.stringify(owner));
    writeFileSync(inIndex(`index.db.${pid}.0a1b2c.tmp`), 'half');
    const { code, report } = examine();
    assert.equal(code, 0);
    assert.match(found(report, 'lock')[0]!.message, new RegExp(`process ${pid} on .+ is gone`));
    assert.match(found(report, 'temporaries')[0]!.message, /0a1b2c\.tmp/);
    examine('--fix');
    assert.deepEqual(readdirSync(inIndex('')).sort(), ['.gitignore', 'index.db']);
  });

  it('leaves the lock of another machine alone while it beats, and takes one over that is silent', () => {
    const owner = { pid: 1, host: 'elsewhere', startedAt: '2026-01-01T00:00:00Z', id: 'b', processStart: null };
    writeFileSync(inIndex('index.lock'), JSON.stringify(owner));
    assert.match(found(examine('--fix').report, 'lock')[0]!.message, /process 1 on elsewhere has been writing/);
    assert.ok(existsSync(inIndex('index.lock')));
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(inIndex('index.lock'), old, old);
    assert.match(found(examine('--fix').report, 'lock')[0]!.message, /on elsewhere was writing this index and is gone/);
    assert.equal(existsSync(inIndex('index.lock')), false);
  });

  it('takes away a lock that says nothing', () => {
    writeFileSync(inIndex('index.lock'), '{"pid":');
    assert.equal(examine().code, 3);
    assert.equal(examine('--fix').code, 0);
    assert.equal(existsSync(inIndex('index.lock')), false);
  });

  it('removes what is remembered and cannot be read', () => {
    workspace.run('select', 'matchRoute', '--session', 'talk');
    const [pack] = readdirSync(inIndex('packs'));
    writeFileSync(inIndex(`packs/${pack!}`), '{"version":1,"par');
    writeFileSync(inIndex('sessions/talk.json'), '[]');
    const { code, report } = examine();
    assert.equal(code, 3);
    assert.deepEqual(
      found(report, 'packs').map(({ message }) => message),
      [`what is remembered in packs is damaged: ${pack!}`, 'what is remembered in sessions is damaged: talk.json'],
    );
    assert.equal(examine('--fix').code, 0);
    assert.equal(workspace.run('select', 'matchRoute', '--session', 'talk').code, 0);
  });

  it('tells files from the future', () => {
    const later = new Date(Date.now() + 86_400_000);
    utimesSync(path.join(workspace.root, 'src/cache.ts'), later, later);
    workspace.run('index');
    utimesSync(inIndex('index.db'), later, later);
    const { code, report } = examine('--fix');
    assert.equal(code, 0);
    assert.match(found(report, 'clock')[0]!.message, /index\.db/);
    assert.match(found(report, 'index')[1]!.message, /1 file has a time in the future, such as src\/cache\.ts/);
    assert.deepEqual(found(examine().report, 'clock'), []);
  });

  it('says that a folder cannot be written', function () {
    if (process.platform === 'win32') return;
    chmodSync(workspace.root, 0o755);
    chmodSync(inIndex(''), 0o555);
    const { code, out } = runUnprivileged(workspace.root, 'doctor', '--json');
    chmodSync(inIndex(''), 0o755);
    assert.equal(code, 3);
    assert.match(
      found(JSON.parse(out) as DoctorReport, 'folder')[0]!.message,
      /cannot be written: no permission \(EACCES\)/,
    );
  });

  it('mends nothing while somebody writes', async () => {
    const server = await startServer({ root: workspace.root });
    await server.until(({ state, lastIndexedAt }) => state === 'ready' && lastIndexedAt !== null);
    writeFileSync(inIndex('index.db'), 'spoilt');
    const { code, report } = examine('--fix');
    assert.equal(code, 3);
    assert.match(found(report, 'lock')[0]!.message, new RegExp(`process ${server.pid} on`));
    assert.match(found(report, 'index')[0]!.hint!, /Another process writes this index/);
    await server.stop();
    assert.equal(examine('--fix').code, 0);
  });
});
