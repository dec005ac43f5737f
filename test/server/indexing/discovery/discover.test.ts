import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isAppError } from '../../../../core/errors.ts';
import {
  discoverFiles,
  inspectPath,
  type DiscoveryBatch,
  type DiscoveryOptions,
} from '../../../../server/indexing/discovery/discover.ts';
import { removeScratchFolders, scratchFolder, writeFiles } from './scratchFolder.ts';

const optionsFor = (root: string): DiscoveryOptions => ({
  root,
  indexDir: path.join(root, '.contextkit'),
  settings: { exclude: [], include: [], maxFileKb: 1024 },
});

async function batchesOf(options: DiscoveryOptions & { below?: string }): Promise<DiscoveryBatch[]> {
  const batches: DiscoveryBatch[] = [];
  for await (const batch of discoverFiles(options)) batches.push(batch);
  return batches;
}

/** Paths of files, and `path: reason: detail` of what was skipped. */
async function discovered(root: string): Promise<{ files: string[]; skipped: string[] }> {
  const batches = await batchesOf(optionsFor(root));
  return {
    files: batches.flatMap((batch) => batch.files.map((file) => file.path)),
    skipped: batches.flatMap((batch) => batch.skipped.map((each) => `${each.path}: ${each.reason}: ${each.detail}`)),
  };
}

/** Runs as a user without rights where the tests run as root, to whom no file is closed. */
async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid!(65534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

describe('discovery', () => {
  after(removeScratchFolders);

  it('finds nothing in an empty folder, without complaint', async () => {
    assert.deepEqual(await batchesOf(optionsFor(scratchFolder())), []);
  });

  it('gives each file its path, size, time and inode', async () => {
    const root = scratchFolder({ 'src/a.ts': 'four' });
    const [file] = (await batchesOf(optionsFor(root))).flatMap((batch) => batch.files);
    const stats = fs.lstatSync(path.join(root, 'src/a.ts'));
    assert.deepEqual(file, { path: 'src/a.ts', size: 4, mtimeMs: stats.mtimeMs, inode: stats.ino });
  });

  it('lists level by level, by name, and the same each time', async () => {
    const root = scratchFolder({ 'b/z.ts': '', 'b/a/x.ts': '', 'a.ts': '', 'c.ts': '', 'a/y.ts': '', 'B.ts': '' });
    const { files } = await discovered(root);
    assert.deepEqual(files, ['B.ts', 'a.ts', 'c.ts', 'a/y.ts', 'b/z.ts', 'b/a/x.ts']);
    assert.deepEqual((await discovered(root)).files, files);
  });

  it('hands out the files of the root before it looks further', async () => {
    const root = scratchFolder({ 'a.ts': '', 'deep/b.ts': '' });
    const walk = discoverFiles(optionsFor(root));
    const first = await walk.next();
    fs.rmSync(path.join(root, 'deep'), { recursive: true });
    assert.deepEqual(
      (first.value as DiscoveryBatch).files.map((file) => file.path),
      ['a.ts'],
    );
    const rest = await walk.next();
    assert.deepEqual(
      (rest.value as DiscoveryBatch).skipped.map(({ path: name, reason, detail }) => ({ name, reason, detail })),
      [{ name: 'deep/', reason: 'unreadable', detail: 'it is gone' }],
    );
  });

  it('takes names with spaces, emoji, newlines and other scripts', async () => {
    const names = [
      ' a .ts',
      'b\nc.ts',
      'ü.ts',
      '日本/語.ts',
      '🦊/🐔 egg.ts',
      '-rf',
      '$(x)',
      'a\\b.ts',
      '"q".ts',
      '\ufffd.ts',
    ];
    const { files } = await discovered(scratchFolder(Object.fromEntries(names.map((name) => [name, '']))));
    assert.deepEqual([...files].sort(), [...names].sort());
  });

  it('names a file whose name is not valid UTF-8, and goes on', async () => {
    const root = scratchFolder({ 'a.ts': '', '\ufffdgood.ts': '' });
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x62, 0xff, 0x2e, 0x74, 0x73])]), '');
    const { files, skipped } = await discovered(root);
    assert.deepEqual(files, ['a.ts', '\ufffdgood.ts']);
    assert.deepEqual(skipped, ['b\ufffd.ts: bad_name: the name is not valid UTF-8']);
  });

  it('follows no symbolic link, and says where each leads', async () => {
    const outside = scratchFolder({ 'o.ts': '' });
    const root = scratchFolder({ 'src/a.ts': '' });
    const link = (target: string, name: string): void => fs.symlinkSync(target, path.join(root, name));
    link('src/a.ts', 'file');
    link('src', 'folder');
    link('.', 'self');
    link('loop2', 'loop1');
    link('loop1', 'loop2');
    link('nowhere', 'broken');
    link(path.join(outside, 'o.ts'), 'out');
    const { files, skipped } = await discovered(root);
    assert.deepEqual(files, ['src/a.ts']);
    assert.deepEqual(skipped, [
      'broken: not_a_file: broken symbolic link to nowhere',
      'file: not_a_file: symbolic link to src/a.ts',
      'folder: not_a_file: symbolic link to the folder src',
      'loop1: not_a_file: symbolic link loop: loop2',
      'loop2: not_a_file: symbolic link loop: loop1',
      `out: not_a_file: symbolic link out of the workspace to ${outside}/o.ts`,
      'self: not_a_file: symbolic link to the folder .',
    ]);
  });

  it('names pipes and sockets instead of opening them', async () => {
    const root = scratchFolder({ 'a.ts': '' });
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    const server = net.createServer().listen(path.join(root, 'sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const { skipped } = await discovered(root);
      assert.deepEqual(skipped, ['pipe: not_a_file: a fifo', 'sock: not_a_file: a socket']);
    } finally {
      server.close();
    }
  });

  it('names a folder that it may not read, and goes on', async () => {
    const root = scratchFolder({ 'closed/a.ts': '', 'open/b.ts': '' });
    fs.chmodSync(root, 0o755);
    fs.chmodSync(path.join(root, 'closed'), 0);
    const { files, skipped } = await withoutRights(() => discovered(root));
    fs.chmodSync(path.join(root, 'closed'), 0o755);
    assert.deepEqual(files, ['open/b.ts']);
    assert.deepEqual(skipped, ['closed/: unreadable: no permission']);
  });

  for (const [what, prepare, message] of [
    ['does not exist', (root: string) => path.join(root, 'no'), /there is no such folder/],
    ['is a file', (root: string) => path.join(root, 'a.ts'), /this is not a folder/],
    ['lies below a file', (root: string) => path.join(root, 'a.ts/b'), /cannot be read: .*ENOTDIR/],
    ['is a link loop', (root: string) => (fs.symlinkSync('l', path.join(root, 'l')), path.join(root, 'l')), /ELOOP/],
  ] as const) {
    it(`rejects a root that ${what} with root_unreadable and a hint`, async () => {
      const root = prepare(scratchFolder({ 'a.ts': '' }));
      await assert.rejects(batchesOf(optionsFor(root)), (error: unknown) => {
        assert.ok(isAppError(error) && error.code === 'root_unreadable' && error.hint !== undefined);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('rejects a root that it may not read with root_unreadable', async () => {
    const root = scratchFolder({ 'a.ts': '' });
    fs.chmodSync(root, 0o111);
    await withoutRights(() =>
      assert.rejects(batchesOf(optionsFor(root)), { code: 'root_unreadable', message: /EACCES/ }),
    );
    fs.chmodSync(root, 0o755);
  });

  it('finds the files of a root that is itself a symbolic link', async () => {
    const real = scratchFolder({ 'a.ts': '', '.contextkit/index.db': '' });
    const link = path.join(scratchFolder(), 'link');
    fs.symlinkSync(real, link);
    assert.deepEqual((await discovered(link)).files, ['a.ts']);
  });

  it('skips by size, binary ending, lock file, source map and minified name without opening anything', async () => {
    const root = scratchFolder({
      'logo.PNG': '',
      'yarn.lock': '',
      'a.js.map': '',
      'a.min.js': '',
      'a.lock': '',
      'ok.ts': '',
    });
    fs.truncateSync(path.join(root, 'ok.ts'), 1024 * 1024);
    const big = fs.openSync(path.join(root, 'big.sql'), 'w');
    fs.ftruncateSync(big, 200 * 1024 * 1024);
    fs.closeSync(big);
    const { files, skipped } = await discovered(root);
    assert.deepEqual(files, ['a.lock', 'ok.ts']);
    assert.deepEqual(skipped, [
      'a.js.map: generated: source map',
      'a.min.js: minified: named *.min.js',
      'big.sql: too_large: 200.0 MB, the limit is 1024 KB',
      'logo.PNG: binary: .png file',
      'yarn.lock: generated: lock file',
    ]);
  });

  it('walks a tree deeper than the system can name, as far as it can', async () => {
    const root = scratchFolder();
    const script =
      'for (let i = 0; i < 2200; i++) { fs.mkdirSync("d"); process.chdir("d"); fs.writeFileSync("f", ""); }';
    execFileSync(process.execPath, ['-e', script], { cwd: root });
    const { files, skipped } = await discovered(root);
    assert.ok(files.length > 1_900 && files.length < 2_200, `${files.length} files`);
    assert.ok(
      skipped.every((line) => line.endsWith(': unreadable: the path is too long')),
      skipped[0],
    );
    assert.ok(skipped.length > 0);
    execFileSync('rm', ['-rf', root]);
  });

  it('stops when the signal is aborted', async () => {
    const controller = new AbortController();
    const walk = discoverFiles({
      ...optionsFor(scratchFolder({ 'a.ts': '', 'b/c.ts': '' })),
      signal: controller.signal,
    });
    await walk.next();
    controller.abort();
    await assert.rejects(walk.next(), { name: 'AbortError' });
  });

  it('lists one folder alone, under all the rules above it', async () => {
    const root = scratchFolder({
      '.gitignore': '*.log\nout/\n',
      'a/b/c.ts': '',
      'a/b/d.log': '',
      'a/e.ts': '',
      'out/x.ts': '',
    });
    const below = async (folder: string): Promise<string[]> =>
      (await batchesOf({ ...optionsFor(root), below: folder })).flatMap((batch) =>
        batch.files.map((file) => file.path),
      );
    assert.deepEqual(await below('a/b'), ['a/b/c.ts']);
    assert.deepEqual(await below('out'), []);
    assert.deepEqual(await below('nowhere'), []);
  });

  it('says of a single path what a walk would say', async () => {
    const root = scratchFolder({
      '.gitignore': '*.log\nout/\n',
      '.contextkitignore': '!out/in.ts\n',
      'src/a.ts': 'x',
      'src/b.log': '',
      'out/in.ts': '',
      'out/deep/x.ts': '',
      'pic.png': '',
    });
    const options = optionsFor(root);
    const said = async (name: string): Promise<string> => {
      const found = await inspectPath(options, name);
      if (found.kind === 'file') return `file ${found.file.path} ${found.file.size}`;
      return found.kind === 'skipped'
        ? `${found.record.path}: ${found.record.reason}: ${found.record.detail}`
        : found.kind;
    };
    assert.equal(await said('src/a.ts'), 'file src/a.ts 1');
    assert.equal(await said('src/b.log'), 'src/b.log: ignored: .gitignore:1: *.log');
    assert.equal(await said('out/in.ts'), 'file out/in.ts 0');
    assert.equal(await said('out/deep/x.ts'), 'out/deep/x.ts: ignored: .gitignore:2: out/');
    assert.equal(await said('pic.png'), 'pic.png: binary: .png file');
    assert.equal(await said('src/none.ts'), 'missing');
    assert.equal(await said('no/where.ts'), 'missing');
    assert.equal(await said('src'), 'folder');
    assert.equal(await said('out'), 'out/: ignored: .gitignore:2: out/');
    assert.equal(await said('.git/config'), 'missing');
    writeFiles(root, { '.git/config': '' });
    assert.equal(await said('.git/config'), '.git/config: ignored: built in: .git/');
  });
});
