import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAppError } from '../../../core/errors.ts';
import { openEngine, type Engine } from '../../../server/engine/index.ts';

const isLocked = (error: unknown): boolean => isAppError(error) && error.code === 'index_locked';

describe('An engine that gives way', function () {
  this.timeout(60_000);
  let root: string;
  const opened: Engine[] = [];
  const write = (file: string, name: string): void =>
    writeFileSync(path.join(root, file), `export function ${name}(): number {\n  return 1;\n}\n`);
  const lock = (): string => path.join(root, '.contextkit/index.lock');

  async function open(): Promise<Engine> {
    const engine = await openEngine({ root, parseWorkers: 1 });
    opened.push(engine);
    return engine;
  }
  async function found(engine: Engine, name: string): Promise<string[]> {
    return (await engine.symbols({ name, match: 'exact' })).map((each) => each.path);
  }
  /** Links are found out behind a run. */
  async function giveWay(engine: Engine): Promise<void> {
    while (!(await engine.giveWay())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-way-'));
    write('a.ts', 'sow');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((engine) => engine.close()));
    rmSync(root, { recursive: true });
  });

  it('answers on, lets another one write, and takes its turn again', async () => {
    const first = await open();
    await first.index();
    await giveWay(first);
    assert.equal(first.role, 'reader');
    assert.ok(!existsSync(lock()));
    assert.deepEqual(await found(first, 'sow'), ['a.ts']);

    const second = await open();
    assert.equal(second.role, 'writer');
    write('b.ts', 'reap');
    await second.update(['b.ts']);
    await assert.rejects(first.index(), isLocked);
    // Published when no more changes come.
    while ((await found(first, 'reap')).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(await found(first, 'reap'), ['b.ts']);

    await second.close();
    write('c.ts', 'thresh');
    await first.index();
    assert.equal(first.role, 'writer');
    assert.deepEqual(await found(first, 'thresh'), ['c.ts']);
    assert.deepEqual(await found(first, 'reap'), ['b.ts']);
    assert.deepEqual((await first.status()).repairs, []);
  });

  it('has saved what it knew', async () => {
    const first = await open();
    await first.index();
    write('b.ts', 'reap');
    await first.update(['b.ts']);
    await giveWay(first);
    const reader = await openEngine({ root, access: 'read' });
    opened.push(reader);
    assert.deepEqual(await found(reader, 'reap'), ['b.ts']);
  });

  it('reads no file when it takes its turn and nothing has changed', async () => {
    const first = await open();
    await first.index();
    await giveWay(first);
    assert.equal((await first.index()).filesRead, 0);
    assert.equal(first.role, 'writer');
  });

  it('does not while it indexes', async () => {
    const first = await open();
    const run = first.index();
    assert.equal(await first.giveWay(), false);
    assert.equal(first.role, 'writer');
    await run;
  });

  it('a run that begins in that moment has the lock for itself', async () => {
    const first = await open();
    await first.index();
    for (let i = 0; i < 10; i++) {
      write(`d${i}.ts`, `dig${i}`);
      const [, report] = await Promise.all([first.giveWay(), first.index()]);
      assert.equal(report.added, 1);
      assert.equal(first.role, 'writer');
      assert.ok(existsSync(lock()));
    }
  });

  it('stays the writer where what it knows cannot be saved', async () => {
    const first = await open();
    await first.index();
    await giveWay(first);
    await first.index();
    write('b.ts', 'reap');
    await first.update(['b.ts']);
    rmSync(path.join(root, '.contextkit'), { recursive: true });
    await assert.rejects(
      first.giveWay(),
      (error) => isAppError(error) && /cannot be saved|taken over/.test(error.message),
    );
    assert.equal(first.role, 'writer');
    assert.deepEqual(await found(first, 'reap'), ['b.ts']);
    opened.pop();
    await assert.rejects(first.close(), (error) => isAppError(error) && error.code === 'index_unwritable');
  });
});
