import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  mkdirSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { cli, makeWorkspace, runUnprivileged, sample, type Workspace } from './workspace.ts';

const json = <T>(text: string): T => JSON.parse(text) as T;

/** For what Windows has no counterpart of. */
const itOnPosix = process.platform === 'win32' ? () => undefined : it;

describe('contextkit', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  beforeEach(() => (workspace = makeWorkspace(sample)));
  afterEach(() => workspace.remove());

  it('indexes and answers in one go, and keeps git clean', () => {
    const { code, out, err } = workspace.run('select', 'how is a request path matched against routes');
    assert.equal(code, 0, err);
    assert.match(out, /^### src\/router\.ts:1-\d+\n```typescript\n/);
    assert.match(err, /of 8,000 tokens/);
    assert.equal(readFileSync(path.join(workspace.root, '.contextkit/.gitignore'), 'utf8').includes('*'), true);
  });

  it('takes a question without quotes', () => {
    const quoted = workspace.run('select', 'how is a request path matched', '--budget', '900');
    const bare = workspace.run('select', 'how', 'is', 'a', 'request', '--budget', '900', 'path', 'matched');
    assert.equal(bare.code, 0, bare.err);
    assert.equal(bare.out, quoted.out);
    assert.equal(
      workspace.run('map', 'request', 'path').out,
      workspace.run('select', 'request path', '--mode', 'map').out,
    );
  });

  it('leaves the repository untouched with --index-dir', () => {
    const elsewhere = makeWorkspace();
    const before = readdirSync(workspace.root);
    assert.equal(workspace.run('index', '--index-dir', elsewhere.root).code, 0);
    assert.deepEqual(readdirSync(workspace.root), before);
    assert.ok(existsSync(path.join(elsewhere.root, 'index.db')));
    elsewhere.remove();
  });

  it('reads nothing again when nothing has changed', () => {
    workspace.run('index');
    const again = json<{ filesRead: number; unchanged: number }>(workspace.run('index', '--json').out);
    assert.deepEqual([again.filesRead, again.unchanged], [0, 3]);
  });

  it('writes the index only when something has changed', () => {
    workspace.run('index');
    const inode = (): number => statSync(path.join(workspace.root, '.contextkit/index.db')).ino;
    const before = inode();
    workspace.run('select', 'request path');
    assert.equal(inode(), before);
    rmSync(path.join(workspace.root, 'src/cache.ts'));
    workspace.run('select', 'request path');
    assert.notEqual(inode(), before);
  });

  it('gives the same bytes for the same question', () => {
    const [first, second] = [1, 2].map(() => workspace.run('select', 'request path').out);
    assert.equal(first, second);
  });

  for (const format of ['markdown', 'xml', 'json', 'plain']) {
    it(`writes ${format}`, () => {
      const { code, out } = workspace.run('select', 'request path', '--format', format);
      assert.equal(code, 0);
      assert.match(out, /matchRoute/);
      if (format === 'json') json(out);
    });
  }

  it('maps signatures', () => {
    const { out } = workspace.run('select', 'request path', '--mode', 'map');
    assert.match(out, /^2 class Router$/m);
    assert.match(out, /^4 {3}matchRoute\(requestPath: string\): string$/m);
  });

  it('explains scores', () => {
    const { err } = workspace.run('select', 'request path', '--explain');
    assert.match(err, /1\. src\/router\.ts:1-7 {2}Router\n {3}text +\d/);
  });

  it('answers a batch as JSON lines in order and names bad lines', () => {
    workspace.write(
      'queries.jsonl',
      '{"id":"a","query":"request path"}\nnot json\n{"id":"b","query":"invalidate cache"}\n{"query":"x"}\n',
    );
    const { code, out, err } = workspace.run('select', '--queries', 'queries.jsonl', '--json-lines');
    assert.equal(code, 2);
    const rows = out
      .trim()
      .split('\n')
      .map((line) =>
        json<{ id: string; results: { path: string; start_line: number; end_line: number; score: number }[] }>(line),
      );
    assert.deepEqual(
      rows.map(({ id, results }) => [id, results[0]!.path]),
      [
        ['a', 'src/router.ts'],
        ['b', 'src/cache.ts'],
      ],
    );
    assert.deepEqual(Object.keys(rows[0]!.results[0]!), ['path', 'start_line', 'end_line', 'score']);
    assert.match(err, /line 2: not JSON/);
    assert.match(err, /line 4: "id" is missing/);
  });

  it('finds symbols', () => {
    assert.match(
      workspace.run('symbol', 'matchRoute', '--exact').out,
      /^src\/router\.ts:4 {2}method Router › matchRoute/,
    );
    assert.equal(workspace.run('symbol', 'nosuchname').code, 1);
  });

  it('says why', () => {
    workspace.write('.gitignore', '# built\n*.log\n');
    workspace.write('a.log', 'x\n');
    workspace.run('index');
    assert.match(
      workspace.run('why', 'src/router.ts', '--query', 'request path').out,
      /Indexed as typescript source[\s\S]*file 1 of/,
    );
    const ignored = workspace.run('why', 'a.log');
    assert.equal(ignored.code, 1);
    assert.match(ignored.out, /ignored \(\.gitignore:2: \*\.log\)/);
  });

  it('reads .contextkit/config.yaml and names its faults', () => {
    assert.equal(workspace.run('init').code, 0);
    assert.equal(workspace.run('init').code, 2);
    workspace.write('.contextkit/config.yaml', 'exclude:\n  - test/\n');
    assert.equal(json<{ files: number }>(workspace.run('index', '--json').out).files, 2);
    workspace.write('.contextkit/config.yaml', 'exlude: []\nmaxFileKb: -1\n');
    const faulty = workspace.run('index');
    assert.equal(faulty.code, 2);
    assert.match(faulty.err, /exlude: unknown key; did you mean "exclude"\?/);
    assert.match(faulty.err, /maxFileKb: /);
    workspace.write('.contextkit/config.yaml', 'a: [1\nb: 2\n');
    assert.match(workspace.run('index').err, /not valid YAML at line \d+, column \d+/);
  });

  describe('given wrong arguments', () => {
    const cases: [args: string[], code: number, message: RegExp][] = [
      [['select', ''], 2, /the query is empty/],
      [['select', 'x', '--budget', '20'], 2, /500 to 100000/],
      [['select', 'x', '--budget', 'many'], 2, /takes a whole number/],
      [['select', 'x', '--format', 'pdf'], 2, /markdown, xml, json, plain/],
      [['select'], 2, /there is no query/],
      [['selct', 'x'], 2, /Did you mean select/],
      [['select', 'x', '--bugdet', '900'], 2, /Did you mean --budget/],
      [['index', 'some/folder'], 2, /too many arguments[^]*--root DIR names the folder/],
      [['index', '--root', 'nowhere'], 5, /there is no such folder/],
      [['why', '../outside'], 2, /outside the workspace/],
      [['why', 'missing.ts'], 1, /there is no such file/],
      [['completion', 'tcsh'], 2, /bash, zsh, fish/],
    ];
    for (const [args, code, message] of cases) {
      it(`${args.join(' ')} → ${code}`, () => {
        const ran = workspace.run(...args);
        assert.equal(ran.code, code, ran.err);
        assert.match(ran.err, message);
      });
    }

    it('tells machines, too', () => {
      const { code, out } = workspace.run('select', 'x', '--budget', '20', '--json');
      assert.equal(code, 2);
      assert.equal(json<{ error: { code: string } }>(out).error.code, 'invalid_input');
    });
  });

  describe('given odd files', () => {
    it('an empty folder', () => {
      const empty = makeWorkspace();
      assert.equal(empty.run('index').code, 0);
      assert.equal(empty.run('select', 'anything').code, 1);
      empty.remove();
    });

    it('links, large, binary and oddly encoded files', () => {
      symlinkSync('.', path.join(workspace.root, 'loop'));
      workspace.write('huge.ts', '');
      truncateSync(path.join(workspace.root, 'huge.ts'), 200 * 2 ** 20);
      workspace.write('nul.ts', Buffer.from('const a = 1;\0\0\0'));
      workspace.write('latin.py', Buffer.from('# größer als null\nwert = 1\n', 'latin1'));
      workspace.write('wide.ts', Buffer.from('\ufeffexport const breit = 1;\n', 'utf16le'));
      const names = ['with space.ts', 'emoji 🚀.ts', 'line\nbreak.ts'];
      for (const [i, name] of names.entries()) workspace.write(name, `export const oddly${i} = ${i};\n`);
      assert.equal(workspace.run('index').code, 0);
      const { skipped } = json<{ skipped: { path: string; reason: string }[] }>(workspace.run('status', '--json').out);
      const reasons = Object.fromEntries(skipped.map(({ path: file, reason }) => [file, reason]));
      assert.deepEqual([reasons['loop'], reasons['huge.ts'], reasons['nul.ts']], ['not_a_file', 'too_large', 'binary']);
      assert.match(workspace.run('select', 'größer').out, /größer als null/);
      assert.match(workspace.run('select', 'breit').out, /export const breit/);
      for (const [i] of names.entries())
        assert.match(workspace.run('select', `oddly${i}`).out, new RegExp(`oddly${i} = ${i}`));
    });

    it('a budget smaller than one chunk and a query of 100 KB', () => {
      workspace.write(
        'src/long.ts',
        `export function longOne() {\n${Array.from({ length: 38 }, (_, i) => `  step${i}("needle", ${i});`).join('\n')}\n}\n`,
      );
      const small = workspace.run('select', 'longOne needle', '--budget', '500', '--json');
      const { metadata } = json<{ metadata: { tokensUsed: number } }>(small.out);
      assert.ok(metadata.tokensUsed > 100 && metadata.tokensUsed <= 500, String(metadata.tokensUsed));
      const large = workspace.runWith(`needle ${'word '.repeat(20_000)}`, 'select', '-');
      assert.equal(large.code, 0, large.err);
      assert.match(large.out, /longOne/);
    });

    itOnPosix('files and folders that may not be read, named with the reason', () => {
      workspace.write('secret/key.ts', 'export const hidden = 1;\n');
      workspace.write('locked.ts', 'export const locked = 1;\n');
      chmodSync(path.join(workspace.root, 'secret'), 0);
      chmodSync(path.join(workspace.root, 'locked.ts'), 0);
      chmodSync(workspace.root, 0o777);
      const ran = runUnprivileged(workspace.root, 'index', '--json', '--index-dir', path.join(workspace.root, 'ix'));
      assert.equal(ran.code, 0, ran.err);
      assert.equal(json<{ added: number }>(ran.out).added, 3);
      const status = runUnprivileged(
        workspace.root,
        'status',
        '--json',
        '--index-dir',
        path.join(workspace.root, 'ix'),
      );
      const { skipped } = json<{ skipped: { path: string; reason: string }[] }>(status.out);
      const unread = skipped.filter(({ reason }) => reason === 'unreadable').map(({ path: file }) => file);
      assert.deepEqual(unread.sort(), ['locked.ts', 'secret/']);
      chmodSync(path.join(workspace.root, 'secret'), 0o700);
    });

    it('a file that changed since it was indexed is shown as it is now', () => {
      workspace.run('index');
      workspace.write('src/cache.ts', '// moved\n// down\nexport function invalidateCache(): void {}\n');
      const { out } = workspace.run('select', 'invalidateCache', '--no-index', '--json');
      const { chunks, metadata } = json<{
        chunks: { path: string; content: string; endLine: number }[];
        metadata: { refreshed: string[] };
      }>(out);
      assert.deepEqual(metadata.refreshed, ['src/cache.ts']);
      assert.match(
        chunks.find(({ path: file }) => file === 'src/cache.ts')!.content,
        /moved[\s\S]*invalidateCache\(\): void \{\}/,
      );
    });
  });

  describe('given a damaged index', () => {
    const damages: [name: string, damage: (file: string) => void][] = [
      ['truncated', (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
      ['emptied', (file) => truncateSync(file, 0)],
      ['overwritten', (file) => writeFileSync(file, 'this is no database')],
      ['replaced by a folder', (file) => (rmSync(file), mkdirSync(file))],
    ];
    for (const [name, damage] of damages) {
      it(`${name}: says so, makes it anew, and the next run works`, () => {
        workspace.run('index');
        damage(path.join(workspace.root, '.contextkit/index.db'));
        const mended = workspace.run('index');
        assert.equal(mended.code, 0, mended.err);
        assert.match(mended.err, /The index was damaged/);
        const after = workspace.run('select', 'request path');
        assert.equal(after.code, 0);
        assert.doesNotMatch(after.err, /damaged/);
      });
    }

    it('of a newer version: refuses, and does not touch it', () => {
      workspace.run('index');
      const file = path.join(workspace.root, '.contextkit/index.db');
      const bytes = readFileSync(file);
      bytes.writeUInt32BE(999, 60); // user_version in the header of an SQLite file
      writeFileSync(file, bytes);
      const { code, err } = workspace.run('index');
      assert.equal(code, 3, err);
      assert.match(err, /newer version/);
      assert.deepEqual(readFileSync(file), bytes);
    });

    it('a folder that cannot be written: answers from memory and says so', () => {
      writeFileSync(path.join(workspace.root, '.contextkit'), 'not a folder');
      const { code, out, err } = workspace.run('select', 'request path');
      assert.equal(code, 0, err);
      assert.match(out, /matchRoute/);
      assert.match(workspace.run('index').err, /kept in memory/);
    });
  });

  itOnPosix('a full disk: says so, keeps what was saved, and the next run works', () => {
    workspace.run('index');
    const saved = readFileSync(path.join(workspace.root, '.contextkit/index.db'));
    for (let i = 0; i < 300; i++) workspace.write(`gen/f${i}.ts`, `export function made${i}() { return ${i}; }\n`);
    // No file may grow beyond 64 blocks, which is how a used-up quota shows itself, too.
    const full = spawnSync('sh', ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, cli, 'index'], {
      cwd: workspace.root,
      encoding: 'utf8',
    });
    assert.equal(full.status, 3, full.stderr);
    assert.match(full.stderr, /the index cannot be saved to .+\n.*hint: Make room/);
    assert.deepEqual(readFileSync(path.join(workspace.root, '.contextkit/index.db')), saved);
    assert.equal(workspace.run('index').code, 0);
    assert.match(workspace.run('select', 'made77').out, /made77/);
  });

  it('two at once both succeed', async () => {
    for (let i = 0; i < 200; i++) workspace.write(`gen/f${i}.ts`, `export function made${i}() { return ${i}; }\n`);
    const codes = await Promise.all(
      [1, 2].map(
        () =>
          new Promise((resolve) => {
            workspace.start('index').on('close', resolve);
          }),
      ),
    );
    assert.deepEqual(codes, [0, 0]);
    assert.match(workspace.run('select', 'made77').out, /made77/);
  });

  it('survives kill -9 while indexing, twenty times', async function () {
    this.timeout(120_000);
    for (let i = 0; i < 1200; i++)
      workspace.write(`gen/f${i}.ts`, `export function made${i}() {\n  return ${i};\n}\n`.repeat(8));
    let generation = 0;
    for (let round = 0; round < 20; round++) {
      const child = workspace.start('index');
      const closed = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => setTimeout(resolve, 120 + ((round * 7919) % 1400)));
      child.kill('SIGKILL');
      await closed;
      const { code, out, err } = workspace.run('status', '--json');
      assert.ok(code === 0 || code === 1, err);
      const status = json<{ generation: number; repairs: string[] }>(out);
      assert.deepEqual(status.repairs, []);
      assert.ok(status.generation >= generation, 'a checkpoint was lost');
      generation = status.generation;
    }
    assert.equal(json<{ files: number }>(workspace.run('index', '--json').out).files, 1203);
    assert.match(workspace.run('select', 'made777').out, /made777/);
    const left = readdirSync(path.join(workspace.root, '.contextkit')).filter(
      (name) => name.endsWith('.tmp') || name.endsWith('.lock'),
    );
    assert.deepEqual(left, []);
  });

  for (const args of [
    ['select', '-'],
    ['select', '--queries', '-', '--json-lines'],
  ]) {
    it(`${args.join(' ')}: stops on the first SIGTERM while it waits for input`, async () => {
      const began = performance.now();
      workspace.run('index');
      const oneRunMs = performance.now() - began;
      const child = spawn(process.execPath, [cli, ...args], { cwd: workspace.root, stdio: ['pipe', 'ignore', 'pipe'] });
      const closed = new Promise((resolve) => child.once('close', resolve));
      // Nothing shows that it waits: after so long it does, on a busy machine, too.
      await new Promise((resolve) => setTimeout(resolve, Math.max(1500, 2 * oneRunMs)));
      child.kill('SIGTERM');
      assert.equal(await closed, 143);
    });
  }

  it('stops on Ctrl-C with 130 and goes on from there', async () => {
    for (let i = 0; i < 1500; i++) workspace.write(`gen/f${i}.ts`, `export function made${i}() {}\n`.repeat(30));
    const child = workspace.start('index');
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 130);
    assert.equal(workspace.run('index').code, 0);
  });
});
