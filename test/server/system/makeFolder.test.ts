import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../../../server/system/makeFolder.ts';

describe('makeFolder', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-folder-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  it('makes what is missing, and takes what is there', () => {
    const folder = path.join(scratch, 'a/b/c');
    makeFolder(folder);
    makeFolder(folder);
    assert.ok(statSync(folder).isDirectory());
  });

  it('says that a file is in the way', () => {
    writeFileSync(path.join(scratch, 'a'), '');
    assert.throws(() => makeFolder(path.join(scratch, 'a')), { code: 'EEXIST' });
    assert.throws(() => makeFolder(path.join(scratch, 'a/b')), { code: /^(ENOTDIR|EEXIST)$/ });
  });

  it('comes back where the system makes no folders', function () {
    // Elsewhere there is no such place to try it in.
    if (!existsSync('/proc/self')) assert.notEqual(process.platform, 'linux');
    else assert.throws(() => makeFolder('/proc/contextkit/cache'), { code: 'ENOENT' });
  });
});
