/**
 * Real editors for tests, in .e2e/ (git-ignored): code-server with its own Node, playwright-core, and Chromium from
 * the system or, as root on Debian, installed by apt. Kept between runs while the lock file stays the same.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { note, root } from '../setup.mjs';

/** The newest editor, and the oldest one that `engines.vscode` allows. */
export const editors = ['newest', 'oldest'];

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    ...options,
  });
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed\n${result.stdout}\n${result.stderr}${result.error ?? ''}`);
}

/** The lock file does not name native parts to build: nothing here may run install scripts. */
function installEditor(name) {
  const manifests = path.join(root, 'scripts/e2e', name);
  const home = path.join(root, '.e2e/editors', name);
  const modules = path.join(home, 'node_modules');
  const digest = createHash('sha256')
    .update(readFileSync(path.join(manifests, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(home, '.stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return modules;
  note(`Installing the ${name} editor for tests …`);
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(path.join(manifests, file), path.join(home, file));
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-progress'];
  run('npm', ['ci', ...quiet], { cwd: home });
  // The editor brings its own modules, whose shrinkwrap is out of step with its manifest: hence not `npm ci`.
  for (const folder of ['lib/vscode', 'lib/vscode/extensions']) {
    run('npm', ['install', '--omit=dev', ...quiet], { cwd: path.join(modules, 'code-server', folder) });
  }
  writeFileSync(stamp, digest);
  return modules;
}

function findChromium() {
  const known = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return known.find((file) => file !== undefined && existsSync(file));
}

function installChromium() {
  if (process.getuid?.() !== 0)
    throw new Error('Chromium is missing: install it, or name it in the variable CHROMIUM.');
  note('Installing Chromium …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', 'chromium'], { env });
  return findChromium();
}

/** What a run needs: the folder of the editor's and playwright's modules, and a browser. */
export function setUpEditor(name) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('The tests in the editor run on Linux x64.');
  return { modules: installEditor(name), chromiumPath: findChromium() ?? installChromium() };
}
