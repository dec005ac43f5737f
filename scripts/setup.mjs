/** Brings a clone to the state in which the program runs: dependencies installed, dist/ built. Says so on stderr only. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  process.stderr.write(`ContextKit needs Node 20.11 or newer; this is ${process.version}.\n`);
  process.exit(1);
}

export const root = path.resolve(import.meta.dirname, '..');

const installStamp = path.join(root, 'node_modules/.contextkit-install');
const buildStamp = path.join(root, 'dist/.stamp');
const lockFile = path.join(root, '.tsbuild/setup.lock');

export const note = (text) => process.stderr.write(`${text}\n`);

const readText = (file) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined);

/** Runs a program quietly; its output is shown only when it fails, which ends this process with its exit code. */
function runQuietly(command, args, options = {}) {
  const run = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    ...options,
  });
  if (run.status === 0) return;
  process.stderr.write(run.stdout ?? '');
  process.stderr.write(run.stderr ?? '');
  if (run.error !== undefined) note(String(run.error));
  note(`failed: ${command} ${args.join(' ')}`);
  releaseLock();
  process.exit(run.status || 1);
}

/** Whether somebody ran npm here by hand: npm keeps its own account of what is installed. */
function installedByNpm() {
  const account = readText(path.join(root, 'node_modules/.package-lock.json'));
  if (account === undefined) return false;
  const installed = JSON.parse(account).packages;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([folder, { version, integrity, optional, peer }]) =>
      folder === '' ||
      (installed[folder] === undefined
        ? optional === true || peer === true
        : installed[folder].version === version && installed[folder].integrity === integrity),
  );
}

function ensureInstalled() {
  const wanted = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (readText(installStamp) === wanted) return;
  if (!installedByNpm()) {
    note('Installing dependencies …');
    // npm tells how it was started; without it (plain `node scripts/start.mjs`) npm is on the path.
    const npm = process.env['npm_execpath'];
    if (npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)) runQuietly(process.execPath, [npm, 'ci', '--no-progress']);
    else runQuietly('npm', ['ci', '--no-progress'], { shell: process.platform === 'win32' });
  }
  writeFileSync(installStamp, wanted + '\n');
}

async function ensureBuilt() {
  const { sourceDigest } = await import('./sourceDigest.mjs');
  if (existsSync(path.join(root, 'dist/cli.cjs')) && readText(buildStamp) === sourceDigest(root)) return;
  note('Building …');
  runQuietly(process.execPath, ['esbuild.mjs']);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function tryLock() {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

const releaseLock = () => rmSync(lockFile, { force: true });

/** Two programs started at once must not install or build into each other. */
async function lock() {
  while (!tryLock()) {
    const owner = Number(readText(lockFile));
    // An empty file is being written just now; an owner that is gone was killed.
    if (owner > 0 && !isRunning(owner)) releaseLock();
    else await sleep(100);
  }
}

/** Installs and builds what is missing or out of date. */
export async function setUp({ build = true } = {}) {
  await lock();
  try {
    ensureInstalled();
    if (build) await ensureBuilt();
  } finally {
    releaseLock();
  }
}

/** Runs a Node program on this terminal; signals go to it, its exit code (128 + n for signal n) is the result. */
export function runNode(args, options = {}) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', ...options });
  // Ctrl-C in a terminal reaches the child by itself; a second one would mean "at once" to it.
  const forward = (signal) => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of signals) process.removeListener(name, forward);
      resolve(code ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 6));
    });
  });
}
