import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HistoryMark } from '../../../core/history/types.ts';
import { gitHistory, type HistoryUpdate } from '../../../server/history/gitHistory.ts';
import { gitIn, makeGitFolder, type GitFolder } from './gitFolder.ts';

const never = new AbortController().signal;
const read = (folder: string, known: HistoryMark | null = null): Promise<HistoryUpdate> =>
  gitHistory(folder).read(known, never);

/** Subjects of an update, newest first. */
const subjects = (update: HistoryUpdate): string[] | string =>
  'commits' in update ? update.commits.map(({ subject }) => subject) : update.kind;

const markOf = (update: HistoryUpdate): HistoryMark => {
  assert.ok('mark' in update, update.kind);
  return update.mark;
};

describe('gitHistory', function () {
  this.timeout(30_000);
  let folder: GitFolder;
  beforeEach(() => {
    folder = makeGitFolder();
    folder.commit('first', { 'a.ts': 'a\n', 'lib/b.ts': 'b\n' });
    folder.commit('second', { 'a.ts': 'a2\n', 'lib/b.ts': 'b2\n' });
  });
  afterEach(() => folder.remove());

  it('reads commits with one parent, with their files', async () => {
    const update = await read(folder.root);
    assert.deepEqual(subjects(update), ['second']);
    assert.ok(update.kind === 'whole');
    assert.deepEqual(update.commits[0]!.files, [{ path: 'a.ts' }, { path: 'lib/b.ts' }]);
    assert.equal(update.commits[0]!.id, folder.head());
    assert.equal(update.commits[0]!.time, 1_700_000_002);
  });

  it('says unchanged while the same commit is checked out', async () => {
    const mark = markOf(await read(folder.root));
    folder.write('a.ts', 'not committed\n');
    assert.equal((await read(folder.root, mark)).kind, 'unchanged');
  });

  it('reads only what is new when the head moved forward', async () => {
    const mark = markOf(await read(folder.root));
    folder.commit('third', { 'a.ts': 'a3\n' });
    folder.commit('fourth', { 'a.ts': 'a4\n' });
    const update = await read(folder.root, mark);
    assert.deepEqual([update.kind, subjects(update)], ['newer', ['fourth', 'third']]);
  });

  it('reads what a merge brought, and not the merge', async () => {
    const mark = markOf(await read(folder.root));
    folder.git('checkout', '--quiet', '-b', 'side');
    folder.commit('on the side', { 'side.ts': 's\n' });
    folder.git('checkout', '--quiet', 'main');
    folder.commit('on main', { 'a.ts': 'a3\n' });
    folder.git('merge', '--quiet', '--no-edit', 'side');
    const update = await read(folder.root, mark);
    assert.deepEqual([update.kind, new Set(subjects(update))], ['newer', new Set(['on main', 'on the side'])]);
  });

  it('names both sides of a rename', async () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join('');
    folder.commit('long', { 'long.ts': lines });
    folder.move('long.ts', 'moved/longer.ts');
    folder.commit('move', { 'moved/longer.ts': `${lines}one more\n` });
    const update = await read(folder.root);
    assert.ok(update.kind === 'whole');
    assert.deepEqual(update.commits[0]!.files, [{ path: 'moved/longer.ts', from: 'long.ts' }]);
  });

  it('starts anew when the history was rewritten, also when the old commit is gone', async () => {
    const mark = markOf(await read(folder.root));
    folder.git('commit', '--quiet', '--amend', '--message', 'second, better');
    folder.git('reflog', 'expire', '--expire=now', '--all');
    folder.git('gc', '--quiet', '--prune=now');
    const update = await read(folder.root, mark);
    assert.deepEqual([update.kind, subjects(update)], ['whole', ['second, better']]);
  });

  it('starts anew on another branch', async () => {
    folder.git('branch', 'side', 'HEAD~1');
    const mark = markOf(await read(folder.root));
    folder.git('checkout', '--quiet', 'side');
    folder.commit('on the side', { 'side.ts': 's\n' });
    const update = await read(folder.root, mark);
    assert.deepEqual([update.kind, subjects(update)], ['whole', ['on the side']]);
  });

  it('reads a detached head', async () => {
    folder.commit('third', { 'a.ts': 'a3\n' });
    folder.git('checkout', '--quiet', '--detach', 'HEAD~1');
    assert.deepEqual(subjects(await read(folder.root)), ['second']);
  });

  it('takes a subfolder for the whole', async () => {
    folder.commit('outside alone', { 'a.ts': 'a3\n' });
    const update = await read(path.join(folder.root, 'lib'));
    assert.deepEqual(subjects(update), ['second']);
    assert.ok(update.kind === 'whole');
    assert.deepEqual(update.commits[0]!.files, [{ path: 'b.ts' }]);
    assert.equal(update.mark.prefix, 'lib/');
  });

  it('reads a linked work tree, where .git is a file', async () => {
    const linked = `${folder.root}-linked`;
    folder.git('worktree', 'add', '--quiet', '-b', 'linked', linked);
    try {
      assert.deepEqual(subjects(await read(linked)), ['second']);
    } finally {
      rmSync(linked, { recursive: true, force: true });
    }
  });

  it('reads a submodule by its own history', async () => {
    const outer = makeGitFolder();
    try {
      outer.commit('outer', { 'o.ts': 'o\n' });
      outer.git('submodule', '--quiet', 'add', folder.root, 'inner');
      outer.commit('add the inner one');
      assert.deepEqual(subjects(await read(path.join(outer.root, 'inner'))), ['second']);
      const update = await read(outer.root);
      assert.ok(update.kind === 'whole');
      assert.deepEqual(update.commits[0]!.files, [{ path: '.gitmodules' }]);
    } finally {
      outer.remove();
    }
  });

  it('reads a shallow clone, and again when it is deepened', async () => {
    folder.commit('third', { 'a.ts': 'a3\n' });
    folder.commit('fourth', { 'a.ts': 'a4\n' });
    const clone = `${folder.root}-clone`;
    try {
      gitIn(folder.root, ['clone', '--quiet', '--depth', '2', `file://${folder.root}`, clone]);
      const shallow = await read(clone);
      // The last commit that is there looks like one that made every file.
      assert.deepEqual(subjects(shallow), ['fourth']);
      assert.equal((await read(clone, markOf(shallow))).kind, 'unchanged');
      gitIn(clone, ['fetch', '--quiet', '--unshallow']);
      const whole = await read(clone, markOf(shallow));
      assert.deepEqual([whole.kind, subjects(whole)], ['whole', ['fourth', 'third', 'second']]);
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  });

  it('reads a clone without blobs without fetching any', async () => {
    const clone = `${folder.root}-clone`;
    try {
      folder.git('config', 'uploadpack.allowFilter', 'true');
      gitIn(folder.root, ['clone', '--quiet', '--no-checkout', '--filter=blob:none', `file://${folder.root}`, clone]);
      assert.deepEqual(subjects(await read(clone)), ['second']);
      const objects = gitIn(clone, ['cat-file', '--batch-all-objects', '--batch-check']);
      assert.equal(/ blob /.test(objects), false, 'a blob was fetched');
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  });

  it('keeps names as they are', async () => {
    const names = ['mit leer zeichen.ts', 'über/größe.ts', 'new\nline.ts', '"quoted".ts', '\ttab.ts'];
    folder.commit('names', Object.fromEntries(names.map((name) => [name, 'x\n'])));
    const update = await read(folder.root);
    assert.ok(update.kind === 'whole');
    assert.deepEqual(new Set(update.commits[0]!.files.map(({ path: each }) => each)), new Set(names));
  });

  it('gives the same whatever the configuration and the environment say', async () => {
    const plain = await read(folder.root);
    for (const [name, value] of [
      ['log.showSignature', 'true'],
      ['log.follow', 'true'],
      ['diff.renames', 'false'],
      ['diff.noprefix', 'true'],
      ['diff.external', 'false'],
      ['color.ui', 'always'],
      ['core.quotePath', 'true'],
      ['format.pretty', 'oneline'],
      ['diff.orderFile', '.git/description'],
      ['i18n.logOutputEncoding', 'latin1'],
    ] as const)
      folder.git('config', name, value);
    const surroundings = { GIT_DIR: '/nowhere', GIT_WORK_TREE: '/', GIT_INDEX_FILE: '/x', GIT_EXTERNAL_DIFF: 'false' };
    Object.assign(process.env, surroundings);
    try {
      assert.deepEqual(await read(folder.root), plain);
    } finally {
      for (const name of Object.keys(surroundings)) delete process.env[name];
    }
  });

  it('runs nothing that the repository names', async () => {
    const trace = path.join(folder.root, 'ran');
    const script = path.join(folder.root, 'run.sh');
    writeFileSync(script, `#!/bin/sh\ntouch '${trace}'\n`, { mode: 0o755 });
    for (const name of ['core.fsmonitor', 'core.pager', 'diff.external', 'pager.log', 'core.editor'])
      folder.git('config', name, script);
    folder.git('config', 'diff.evil.textconv', script);
    writeFileSync(path.join(folder.root, '.gitattributes'), '*.ts diff=evil\n');
    await read(folder.root);
    assert.throws(() => rmSync(trace), /ENOENT/);
  });

  it('knows nothing before the first commit, and is content', async () => {
    const empty = makeGitFolder();
    try {
      assert.deepEqual(await read(empty.root), { kind: 'none' });
    } finally {
      empty.remove();
    }
  });

  it('knows nothing outside a repository, and is content', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'contextkit-plain-'));
    try {
      assert.deepEqual(await read(outside), { kind: 'none' });
      mkdirSync(path.join(outside, '.git'));
      assert.deepEqual(await read(outside), { kind: 'none' });
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('knows nothing without a git program, and is content', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = path.join(folder.root, 'nothing here');
    try {
      assert.deepEqual(await read(folder.root), { kind: 'none' });
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('says why when git refuses', async () => {
    writeFileSync(path.join(folder.root, '.git', 'config'), '[core\nbroken');
    const update = await read(folder.root);
    assert.ok(update.kind === 'none');
    assert.match(update.note ?? '', /history is not used: .*bad config/);
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    const reading = gitHistory(folder.root).read(null, abort.signal);
    abort.abort(new Error('enough'));
    await assert.rejects(reading, /enough/);
  });
});
