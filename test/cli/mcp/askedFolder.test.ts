import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAskedFolder, type AskedFolder } from '../../../cli/mcp/askedFolder.ts';
import { isAppError } from '../../../core/errors.ts';
import { openEngine, type IndexProgress } from '../../../server/engine/index.ts';

const patient = { signal: new AbortController().signal, onProgress: () => undefined };

describe('A folder that is asked', function () {
  this.timeout(60_000);
  let root: string;
  let folder: AskedFolder;
  const logged: string[] = [];
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-asked-'));
    for (let i = 0; i < 300; i++) writeFileSync(path.join(root, `f${i}.ts`), `export function f${i}() {}\n`.repeat(20));
  });
  afterEach(async () => {
    await folder.close();
    rmSync(root, { recursive: true });
  });

  function open(times: { waitMs?: number; unloadMs?: number } = {}): AskedFolder {
    folder = createAskedFolder({
      open: async () => ({ root, config: {}, engine: await openEngine({ root }), embeddings: undefined }),
      log: (event) => logged.push(event),
      ...times,
    });
    return folder;
  }

  it('answers from what is there when waiting took too long, and says so', async () => {
    open({ waitMs: 100 });
    const { lack } = await folder.ask(patient);
    assert.match(lack!, /^The index is still being made \(.* so far\): ask again for a complete answer\.$/);
    let asked = await folder.ask(patient);
    while (asked.lack !== null) {
      await sleep(50);
      asked = await folder.ask({ ...patient });
    }
    assert.equal((await asked.workspace.engine.status()).files, 300);
  });

  it('tells those who wait how far it is', async () => {
    open();
    const told: IndexProgress[] = [];
    await folder.ask({ ...patient, onProgress: (progress) => told.push(progress) });
    assert.ok(told.some(({ phase, filesTotal }) => phase === 'indexing' && filesTotal === 300));
    const before = told.length;
    await folder.ask(patient);
    assert.equal(told.length, before);
  });

  it('indexes once for all who ask, and goes on when one of them leaves', async () => {
    open();
    const abort = new AbortController();
    const left = folder.ask({ ...patient, signal: abort.signal });
    const stays = folder.ask(patient);
    await sleep(20);
    abort.abort();
    await assert.rejects(left, (error) => isAppError(error) && error.code === 'cancelled');
    const { lack, workspace } = await stays;
    assert.equal(lack, null);
    assert.equal((await workspace.engine.status()).generation > 0, true);
  });

  it('lets others write between questions', async () => {
    open();
    await folder.ask(patient);
    const lock = path.join(root, '.contextkit/index.lock');
    assert.ok(existsSync(lock));
    while (existsSync(lock)) await sleep(50);
    const writer = await openEngine({ root, access: 'write' });
    assert.equal((await folder.ask(patient)).lack, null);
    await writer.close();
    writeFileSync(path.join(root, 'late.ts'), 'export function late() {}\n');
    const { workspace } = await folder.ask(patient);
    assert.equal((await workspace.engine.symbols({ name: 'late', match: 'exact' })).length, 1);
  });

  it('lets go of the memory when nobody asks for long, and opens the index again for the next question', async () => {
    logged.length = 0;
    open({ unloadMs: 50 });
    const before = await folder.ask(patient);
    while (!logged.includes('let go of the index')) await sleep(50);
    await assert.rejects(before.workspace.engine.status(), /the engine is closed/);
    const after = await folder.ask(patient);
    assert.equal(after.lack, null);
    assert.equal((await after.workspace.engine.status()).files, 300);
  });

  it('waits for who writes to save what they know, and names what they do not take up', async () => {
    const writer = await openEngine({ root, access: 'write' });
    await writer.index();
    open();
    writeFileSync(path.join(root, 'late.ts'), 'export function late() {}\n');
    const [taken] = await Promise.all([folder.ask(patient), writer.update(['late.ts'])]);
    assert.equal(taken.lack, null);
    assert.equal((await taken.workspace.engine.symbols({ name: 'late', match: 'exact' })).length, 1);
    writeFileSync(path.join(root, 'missed.ts'), 'export function missed() {}\n');
    const { lack } = await folder.ask(patient);
    assert.match(lack!, /^process \d+ on .* keeps this index and has not taken up yet what changed: missed\.ts\.$/);
    await writer.close();
  });

  it('waits for the first results of who writes, and gives up in time', async () => {
    const writer = await openEngine({ root, access: 'write' });
    open({ waitMs: 300 });
    const { lack } = await folder.ask(patient);
    assert.match(lack!, /^process \d+ on .* is still indexing \(0 files so far\)/);
    await writer.index();
    assert.equal((await folder.ask(patient)).lack, null);
    await writer.close();
  });
});
