import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeWorkspace, sample, type Workspace } from './workspace.ts';

const diskKb = 512;

/** Mounts a disk of a few hundred kilobytes; false where that is not allowed. */
function mountSmallDisk(folder: string): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskKb}k`, 'tmpfs', folder]).status === 0;
}

function unmount(folder: string): void {
  assert.equal(spawnSync('umount', [folder]).status, 0, `${folder} is still mounted`);
}

function mayMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-disk-'));
  const mounted = mountSmallDisk(folder);
  if (mounted) unmount(folder);
  rmSync(folder, { recursive: true });
  return mounted;
}

/** Writes zeros until nothing more fits, but for so many kilobytes. */
function fill(folder: string, freeKb: number): void {
  const filler = path.join(folder, 'filler');
  const reserve = path.join(folder, 'reserve');
  const write = (file: string, kilobytes: number): void => {
    const handle = openSync(file, 'w');
    try {
      for (let i = 0; i < kilobytes; i++) writeSync(handle, Buffer.alloc(1024));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(handle);
    }
  };
  write(reserve, freeKb);
  write(filler, 2 * diskKb);
  rmSync(reserve);
}

// Where no disk can be mounted, test/acceptance/cli.test.ts still lets a limit of the system stand for one.
if (mayMount()) {
  describe('on a disk that is full', function () {
    this.timeout(60_000);
    let workspace: Workspace;
    let disk: string;
    let indexDir: string;
    const run = (...args: string[]) => workspace.run(...args, '--index-dir', indexDir);

    beforeEach(() => {
      workspace = makeWorkspace(sample);
      disk = mkdtempSync(path.join(tmpdir(), 'contextkit-disk-'));
      assert.ok(mountSmallDisk(disk));
      indexDir = path.join(disk, 'index');
    });
    afterEach(() => {
      unmount(disk);
      rmSync(disk, { recursive: true });
      workspace.remove();
    });

    it('says so, keeps what was saved, leaves nothing half written, and the next run works', () => {
      assert.equal(run('index').code, 0);
      const saved = readFileSync(path.join(indexDir, 'index.db'));
      for (let i = 0; i < 100; i++) workspace.write(`gen/f${i}.ts`, `export function made${i}() { return ${i}; }\n`);
      fill(disk, 16); // room for the lock, not for an index
      const full = run('index');
      assert.equal(full.code, 3, full.err);
      assert.match(full.err, /the index cannot be saved to .+: the disk is full \(ENOSPC\)\n.*hint: Make room/);
      assert.deepEqual(readFileSync(path.join(indexDir, 'index.db')), saved);
      assert.deepEqual(readdirSync(indexDir), ['index.db']);
      assert.match(run('select', 'matchRoute', '--no-index').out, /matchRoute/);
      rmSync(path.join(disk, 'filler'));
      assert.equal(run('index').code, 0);
      assert.match(run('select', 'made77').out, /made77/);
    });

    it('answers from memory where not even a lock fits', () => {
      fill(disk, 0);
      const { code, out } = run('select', 'request path');
      assert.equal(code, 0);
      assert.match(out, /matchRoute/);
      assert.match(run('index').err, /cannot be written: .+ \(ENOSPC\); the index is kept in memory/);
      assert.deepEqual(readdirSync(indexDir), []);
    });
  });
}
