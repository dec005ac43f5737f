/**
 * `npm run package [-- --target linux-x64] [--out FILE] [--with-model DIR]`: makes contextkit-<target>-<version>.vsix.
 * With a model from a folder, what is made works on machines that never see a network.
 *
 * The VSIX is made from a folder of its own with a production build, so that dist/ stays as it is for programs
 * that run from it, and nothing that happens to lie in the working tree can slip in.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { note, root, setUp } from './setup.mjs';
import { targets, thisPlatform } from './targets.mjs';

function run(args, cwd) {
  const result = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  throw new Error(`${path.relative(root, args[0])} failed\n${result.stdout}${result.stderr}`);
}

/** The manifest without what only developers need. */
function shippedManifest() {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const key of ['devDependencies', 'scripts', 'files', 'private']) delete manifest[key];
  // The platform for teams is no part of the extension.
  delete manifest.bin['contextkit-cloud'];
  return JSON.stringify(manifest, null, 2) + '\n';
}

/** Asks the program that is being packaged. */
function askProgram(cli, args, env) {
  const asked = spawnSync(process.execPath, [cli, 'model', ...args, '--json'], {
    cwd: path.dirname(cli),
    encoding: 'utf8',
    env: { ...process.env, CONTEXTKIT_MODEL_DIR: '', ...env },
  });
  try {
    return JSON.parse(asked.stdout);
  } catch {
    throw new Error(`contextkit model ${args.join(' ')} failed\n${asked.stdout}${asked.stderr}`);
  }
}

/** Puts the model of `from` into dist/model/: looked at, copied and described by the program itself, as for its cache. */
function stageModel(folder, from) {
  const cli = path.join(folder, 'dist/cli.cjs');
  const cache = path.join(folder, 'cache');
  const root = ['--root', folder];
  const found = askProgram(cli, ['status', ...root], { CONTEXTKIT_MODEL_DIR: from, CONTEXTKIT_CACHE_DIR: cache });
  if (found.state !== 'ready') throw new Error(found.reason ?? found.error.message);
  const taken = askProgram(cli, ['import', from, '--id', found.id, ...root], { CONTEXTKIT_CACHE_DIR: cache });
  if (taken.error !== undefined) throw new Error(taken.error.message);
  renameSync(taken.dir, path.join(folder, 'dist/model'));
  rmSync(cache, { recursive: true });
  note(`with the model ${taken.id}, SHA-256 ${taken.sha256}`);
}

function stage(folder, target) {
  const options = ['--production', '--without-cloud', '--outdir', path.join(folder, 'dist'), '--target', target];
  run([path.join(root, 'esbuild.mjs'), ...options], root);
  // Notes for the build and its tests, not for users.
  for (const name of ['bundles.json', '.stamp']) rmSync(path.join(folder, 'dist', name));
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore', 'media']) {
    if (existsSync(path.join(root, name))) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  writeFileSync(path.join(folder, 'package.json'), shippedManifest());
}

const { values: flags } = parseArgs({
  options: { target: { type: 'string' }, out: { type: 'string' }, 'with-model': { type: 'string' } },
});
const target = flags.target ?? thisPlatform();
if (targets[target] === undefined) {
  note(`unknown target ${target}; there are: ${Object.keys(targets).join(', ')}`);
  process.exit(2);
}
await setUp({ build: false });
const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const calledFrom = process.env['INIT_CWD'] ?? root;
const vsix = path.resolve(calledFrom, flags.out ?? path.join(root, `${name}-${target}-${version}.vsix`));
const staging = path.join(root, `.tsbuild/vsix-${process.pid}`);
const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
const options = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--target', target];
try {
  for (const folder of [staging, path.dirname(vsix)]) mkdirSync(folder, { recursive: true });
  stage(staging, target);
  if (targets[target].runtime === null) note(`${target}: no runtime for embedding models; search by keywords only`);
  if (flags['with-model'] !== undefined) stageModel(staging, path.resolve(calledFrom, flags['with-model']));
  run([vsce, 'package', ...options, '--out', vsix], staging);
  console.log(`${path.relative(process.cwd(), vsix)}  ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
} catch (error) {
  note(error.message);
  process.exitCode = 1;
} finally {
  rmSync(staging, { recursive: true, force: true });
}
