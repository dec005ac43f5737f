import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rangesOfPatch, readChangedRanges } from '../../../server/history/changedRanges.ts';
import { openPastTree, type PastTree } from '../../../server/history/pastTree.ts';
import { makeGitFolder, type GitFolder } from './gitFolder.ts';

/** Every file below a folder with its content, `.git` left out. */
function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll(path.sep, '/'))
    .filter((name) => !name.startsWith('.git') && statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

describe('openPastTree', function () {
  this.timeout(20_000);
  let folder: GitFolder;
  let target: string;
  let tree: PastTree | undefined;
  const open = (prefix = '', maxBytes = 1e6): PastTree =>
    (tree = openPastTree({ folder: path.join(folder.root, prefix), prefix, target, maxBytes }));

  beforeEach(() => {
    folder = makeGitFolder();
    target = mkdtempSync(path.join(tmpdir(), 'contextkit-past-'));
  });
  afterEach(() => {
    tree?.close();
    folder.remove();
    rmSync(target, { recursive: true, force: true });
  });

  it('moves through the past in both directions, and tells what changed', async () => {
    const first = folder.commit('one', { 'a.ts': 'a1\n', 'lib/b.ts': 'b1\n', 'über.ts': 'u\n' });
    rmSync(path.join(folder.root, 'über.ts'));
    const second = folder.commit('two', { 'a.ts': 'a2\n', 'lib/c.ts': 'c2\n' });
    const past = open();
    assert.deepEqual((await past.moveTo(first)).sort(), ['a.ts', 'lib/b.ts', 'über.ts'].sort());
    assert.deepEqual(filesIn(target), { 'a.ts': 'a1\n', 'lib/b.ts': 'b1\n', 'über.ts': 'u\n' });
    assert.deepEqual((await past.moveTo(second)).sort(), ['a.ts', 'lib/c.ts', 'über.ts'].sort());
    assert.deepEqual(filesIn(target), { 'a.ts': 'a2\n', 'lib/b.ts': 'b1\n', 'lib/c.ts': 'c2\n' });
    await past.moveTo(first);
    assert.deepEqual(filesIn(target), { 'a.ts': 'a1\n', 'lib/b.ts': 'b1\n', 'über.ts': 'u\n' });
  });

  it('follows a file that becomes a folder, and back', async () => {
    const first = folder.commit('file', { thing: 'file\n' });
    rmSync(path.join(folder.root, 'thing'));
    const second = folder.commit('folder', { 'thing/part.ts': 'part\n' });
    const past = open();
    await past.moveTo(first);
    await past.moveTo(second);
    assert.deepEqual(filesIn(target), { 'thing/part.ts': 'part\n' });
    await past.moveTo(first);
    assert.deepEqual(filesIn(target), { thing: 'file\n' });
  });

  it('writes only what lies below a subfolder, with paths from there', async () => {
    const first = folder.commit('one', { 'a.ts': 'a\n', 'lib/b.ts': 'b\n' });
    const second = folder.commit('two', { 'a.ts': 'a2\n', 'lib/b.ts': 'b2\n' });
    const past = open('lib/');
    assert.deepEqual(await past.moveTo(first), ['b.ts']);
    assert.deepEqual(await past.moveTo(second), ['b.ts']);
    assert.deepEqual(filesIn(target), { 'b.ts': 'b2\n' });
  });

  it('leaves out links, binary and large files, and ignore files of git', async () => {
    symlinkSync('/etc/passwd', path.join(folder.root, 'link'));
    const only = folder.commit('all kinds', {
      'a.ts': 'a\n',
      'binary.bin': 'a\0b',
      'large.txt': 'x'.repeat(2_000),
      'lib/.gitignore': '*.ts\n',
    });
    await open('', 1_000).moveTo(only);
    assert.deepEqual(filesIn(target), { 'a.ts': 'a\n' });
  });

  it('touches neither work tree nor index nor refs', async () => {
    const first = folder.commit('one', { 'a.ts': 'a1\n' });
    folder.commit('two', { 'a.ts': 'a2\n' });
    folder.write('a.ts', 'work\n');
    const state = (): string[] => [
      folder.git('status', '--porcelain'),
      folder.git('for-each-ref'),
      folder.git('worktree', 'list'),
      readFileSync(path.join(folder.root, 'a.ts'), 'utf8'),
    ];
    const before = state();
    await open().moveTo(first);
    assert.deepEqual(state(), before);
  });

  it('says no for a commit that is not there', async () => {
    folder.commit('one', { 'a.ts': 'a1\n' });
    await assert.rejects(open().moveTo('0'.repeat(40)), /git ls-tree failed/);
  });
});

describe('Changed ranges', () => {
  it('are the lines of the state before, an insertion the two that it parts', () => {
    const patch = [
      '--- a/x.ts',
      '+++ b/x.ts',
      '@@ -3,2 +3 @@ function f() {',
      '-old',
      '-old',
      '+new',
      '@@ -10,0 +10,2 @@',
      '+@@ -99 +99 @@',
      '+more',
      '@@ -0,0 +1 @@',
      '+top',
      '@@ -20 +23 @@',
      '-x',
      '\\ No newline at end of file',
      '+y',
    ];
    assert.deepEqual(rangesOfPatch(patch.join('\n')), [
      [3, 4],
      [10, 11],
      [1, 1],
      [20, 20],
    ]);
  });

  it('are read of a renamed file, too', async () => {
    const folder = makeGitFolder();
    try {
      const lines = Array.from({ length: 20 }, (_, i) => `line ${i + 1}\n`);
      const parent = folder.commit('one', { 'old.ts': lines.join('') });
      folder.move('old.ts', 'new.ts');
      const id = folder.commit('two', { 'new.ts': lines.with(4, 'changed\n').join('') });
      const paths = ['old.ts', 'new.ts'];
      assert.deepEqual(await readChangedRanges(folder.root, { parent, id, paths }), [[5, 5]]);
    } finally {
      folder.remove();
    }
  });
});
