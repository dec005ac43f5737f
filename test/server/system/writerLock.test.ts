import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { isWriterLock, takeLock, type LockOwner } from '../../../server/system/writerLock.ts';

/** More than any system gives. */
const noProcess = 2 ** 30;

describe('the lock of a writer', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'contextkit-lock-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const write = (name: string, pid: number | null): void => {
    const owner: Partial<LockOwner> = { pid: pid ?? 0, host: hostname(), id: name };
    writeFileSync(path.join(dir, name), pid === null ? '' : JSON.stringify(owner));
  };

  it('takes away what processes left that were killed while they took it', () => {
    write('index.lock.0f92404ae5a24351.tmp', noProcess);
    write('index.lock.0f92404ae5a2.stale', noProcess);
    write('index.lock.aaaa.tmp', process.pid);
    write('index.lock.bbbb.tmp', null);
    write('index.lock.cccc.tmp', null);
    utimesSync(path.join(dir, 'index.lock.cccc.tmp'), new Date(0), new Date(0));
    write('index.lock.notes.tmp', noProcess);
    write('index.db.12.aaaa.tmp', noProcess);
    const lock = takeLock(dir);
    assert.ok(isWriterLock(lock));
    assert.deepEqual(readdirSync(dir).sort(), [
      'index.db.12.aaaa.tmp',
      'index.lock',
      'index.lock.aaaa.tmp',
      'index.lock.bbbb.tmp',
      'index.lock.notes.tmp',
    ]);
    lock.release();
  });

  it('is not given twice', () => {
    const lock = takeLock(dir, 'one');
    assert.ok(isWriterLock(lock) && lock.held());
    const other = takeLock(dir, 'two');
    assert.ok(!isWriterLock(other));
    assert.equal(other.program, 'one');
    lock.release();
    assert.ok(!lock.held());
  });
});
