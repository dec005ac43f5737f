import assert from 'node:assert/strict';
import { writeSmallModel } from '../server/embedding/runnableModel.ts';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { realModel, realModelSha256, withRealModel } from '../server/embedding/testModel.ts';
import { connect } from '../acceptance/mcpClient.ts';
import { readZip, type ZipEntry } from './readZip.ts';

const root = path.resolve(import.meta.dirname, '../..');
const maxMb = 30;

/** Every file of the VSIX matches one of these. */
const allowed = [
  /^\[Content_Types\]\.xml$/,
  /^extension\.vsixmanifest$/,
  /^extension\/(package\.json|readme\.md|changelog\.md|LICENSE\.txt)$/i,
  /^extension\/dist\/(extension|server|cli|mcpServer|storeWorker|parseWorker|tokenWorker|embedProcess)\.cjs$/,
  /^extension\/dist\/node_modules\/onnxruntime-(node|common)\/(package\.json|dist\/(cjs\/)?([a-z-]+\.js|package\.json))$/,
  /^extension\/dist\/node_modules\/onnxruntime-node\/bin\/napi-v6\/linux\/x64\/(onnxruntime_binding\.node|libonnxruntime\.so\.1)$/,
  /^extension\/dist\/webview\/[a-zA-Z]+\.(js|css)$/,
  /^extension\/dist\/(grammars\/[a-z0-9_-]+|sql-wasm|vectorScan|web-tree-sitter)\.wasm$/,
  /^extension\/dist\/(wordpiece|THIRD-PARTY-NOTICES)\.txt$/,
  /^extension\/media\/[a-zA-Z0-9-]+\.(svg|png|css|md)$/,
];

const required = [
  'extension/package.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/LICENSE.txt',
  ...['extension', 'server', 'cli', 'mcpServer', 'storeWorker', 'parseWorker', 'tokenWorker', 'embedProcess'].map(
    (name) => `extension/dist/${name}.cjs`,
  ),
  'extension/dist/webview/context.js',
  'extension/dist/sql-wasm.wasm',
  'extension/dist/web-tree-sitter.wasm',
  'extension/dist/grammars/typescript.wasm',
  'extension/dist/wordpiece.txt',
  'extension/dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
  'extension/dist/THIRD-PARTY-NOTICES.txt',
];

describe('npm run package', function () {
  this.timeout(120_000);
  const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-vsix-'));
  /** In a folder that does not exist yet. */
  const vsix = path.join(scratch, 'out/contextkit.vsix');
  let entries: ZipEntry[] = [];

  const makeVsix = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(root, 'scripts/package.mjs'), ...args], { cwd: scratch, encoding: 'utf8' });
  const read = (name: string): string => {
    const entry = entries.find((one) => one.name === name);
    assert.ok(entry, `${name} is not in the VSIX`);
    return entry.read().toString('utf8');
  };

  before(() => {
    const made = makeVsix('--out', vsix, '--target', 'linux-x64');
    assert.equal(made.status, 0, made.stdout + made.stderr);
    entries = readZip(readFileSync(vsix));
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('puts in only what the list allows: no sources, no tests, no maps', () => {
    const names = entries.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !allowed.some((pattern) => pattern.test(name))),
      [],
    );
  });

  it('puts in all that the product needs', () => {
    const names = new Set(entries.map(({ name }) => name));
    assert.deepEqual(
      required.filter((name) => !names.has(name)),
      [],
    );
  });

  it(`stays below ${maxMb} MB`, () => {
    const mb = statSync(vsix).size / 1e6;
    assert.ok(mb < maxMb, `${mb.toFixed(1)} MB`);
  });

  it('names the platform', () => {
    assert.match(read('extension.vsixmanifest'), /TargetPlatform="linux-x64"/);
  });

  it('ships a manifest whose files are all there', () => {
    const manifest = JSON.parse(read('extension/package.json')) as { main: string; bin: Record<string, string> };
    assert.ok(!('devDependencies' in manifest) && !('scripts' in manifest));
    const names = new Set(entries.map(({ name }) => name));
    const strings = (value: unknown): string[] =>
      typeof value === 'string'
        ? [value]
        : typeof value === 'object' && value !== null
          ? Object.values(value).flatMap(strings)
          : [];
    const files = strings(manifest).filter((text) => /^(\.\/)?(dist|media)\//.test(text));
    assert.ok(files.includes(manifest.main));
    assert.deepEqual(
      files.filter((file) => !names.has(path.posix.join('extension', file))),
      [],
    );
  });

  function unpack(from: readonly ZipEntry[], folder: string): string {
    for (const entry of from) {
      const file = path.join(folder, entry.name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, entry.read());
    }
    return path.join(folder, 'extension/dist/cli.cjs');
  }
  const workspace = path.join(scratch, 'workspace');

  it('holds a command line program that works on its own', () => {
    const cli = unpack(entries, path.join(scratch, 'unpacked'));
    mkdirSync(workspace);
    writeFileSync(
      path.join(workspace, 'tide.ts'),
      'export function highTideAt(harbour: string): number {\n  return 7;\n}\n',
    );
    const asked = spawnSync(process.execPath, [cli, 'select', 'when is high tide', '--root', workspace], {
      encoding: 'utf8',
    });
    assert.equal(asked.status, 0, asked.stderr);
    assert.match(asked.stdout, /tide\.ts/);
    assert.match(asked.stdout, /highTideAt/);
  });

  it('and it serves assistants', async () => {
    const server = await connect(workspace, { program: path.join(scratch, 'unpacked/extension/dist/cli.cjs') });
    try {
      assert.match((await server.call('select_context', { query: 'when is high tide' })).texts[0]!, /highTideAt/);
    } finally {
      await server.close();
    }
  });

  withRealModel('a VSIX with a model', () => {
    describe('with a model', () => {
      const withModel = path.join(scratch, 'model.vsix');
      let files: ZipEntry[] = [];

      before(() => {
        const made = makeVsix('--out', withModel, '--target', 'linux-x64', '--with-model', realModel());
        assert.equal(made.status, 0, made.stdout + made.stderr);
        assert.match(made.stderr, new RegExp(`with the model all-MiniLM-L6-v2, SHA-256 ${realModelSha256}`));
        files = readZip(readFileSync(withModel));
      });

      it('holds it, and nothing else that the other does not hold', () => {
        const others = new Set(entries.map(({ name }) => name));
        assert.deepEqual(
          files
            .map(({ name }) => name)
            .filter((name) => !others.has(name))
            .sort(),
          ['config.json', 'model.json', 'onnx/model_quantized.onnx', 'tokenizer.json', 'tokenizer_config.json'].map(
            (name) => `extension/dist/model/${name}`,
          ),
        );
      });

      it('finds it on a machine that has none', () => {
        const unpacked = path.join(scratch, 'with-model');
        const cli = unpack(files, unpacked);
        const asked = spawnSync(process.execPath, [cli, 'model', 'status', '--json'], {
          cwd: unpacked,
          encoding: 'utf8',
          env: { ...process.env, CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache') },
        });
        assert.equal(asked.status, 0, asked.stderr);
        const { state, from, id, dir, sha256 } = JSON.parse(asked.stdout) as Record<string, string>;
        assert.deepEqual([state, from, id, sha256], ['ready', 'package', 'all-MiniLM-L6-v2', realModelSha256]);
        assert.equal(dir, path.join(unpacked, 'extension/dist/model'));
      });

      // Only where the VSIX of this test can run: its native part is of one platform.
      if (process.platform === 'linux' && process.arch === 'x64')
        it('embeds with it, with nothing but its own files', () => {
          const cli = path.join(scratch, 'with-model/extension/dist/cli.cjs');
          const run = (...args: string[]) =>
            spawnSync(process.execPath, [cli, ...args, '--root', workspace], {
              cwd: scratch,
              encoding: 'utf8',
              env: { ...process.env, CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache') },
            });
          const indexed = run('index', '--embed');
          assert.equal(indexed.status, 0, indexed.stderr);
          const { vectors } = JSON.parse(run('status', '--json').stdout) as { vectors: Record<string, unknown> };
          assert.deepEqual([vectors['model'], vectors['embedded'], vectors['failed']], ['all-MiniLM-L6-v2', 1, 0]);
        });

      it('is not made from a folder without a usable one', () => {
        const refused = makeVsix('--out', path.join(scratch, 'none.vsix'), '--with-model', scratch);
        assert.equal(refused.status, 1);
        assert.match(refused.stderr, /cannot be used: there is no model in it/);
        assert.ok(!existsSync(path.join(scratch, 'none.vsix')));
      });
    });
  });
  it('is made without the runtime for a platform that has none, and says what that means', () => {
    const anyModel = path.join(scratch, 'any model');
    writeSmallModel(anyModel, { config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 16 } });
    const bare = path.join(scratch, 'bare.vsix');
    const made = makeVsix('--out', bare, '--target', 'darwin-x64');
    assert.equal(made.status, 0, made.stdout + made.stderr);
    assert.match(made.stderr, /^darwin-x64: no runtime for embedding models; search by keywords only$/m);
    const files = readZip(readFileSync(bare));
    assert.deepEqual(
      files.map(({ name }) => name).filter((name) => /node_modules|\.node$|onnx/.test(name)),
      [],
    );
    const cli = unpack(files, path.join(scratch, 'bare'));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [cli, ...args, '--root', workspace], {
        cwd: scratch,
        encoding: 'utf8',
        env: {
          ...process.env,
          CONTEXTKIT_MODEL_DIR: anyModel,
          CONTEXTKIT_CACHE_DIR: path.join(scratch, 'cache'),
        },
      });
    const embedded = run('index', '--embed', '--force');
    assert.equal(embedded.status, 8, embedded.stderr);
    assert.match(embedded.stderr, /embedding is not available on this platform \(.+\)\n.*hint: Models run on Linux/);
    const asked = run('select', 'when is high tide');
    assert.equal(asked.status, 0, asked.stderr);
    assert.match(asked.stdout, /highTideAt/);
  });

  it('refuses a platform that does not exist', () => {
    const refused = makeVsix('--target', 'amiga-m68k');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /unknown target amiga-m68k; there are: win32-x64,/);
  });
});
