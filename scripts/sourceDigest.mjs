import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** What the bundles are made from; a change anywhere in here makes dist/ stale. */
const inputs = [
  'cloud',
  'cli',
  'core',
  'extension',
  'protocol',
  'server',
  'syntax',
  'webview',
  'esbuild.mjs',
  'package.json',
  'package-lock.json',
  'scripts',
];

function* filesUnder(file) {
  if (!existsSync(file)) return;
  if (!statSync(file).isDirectory()) {
    yield file;
    return;
  }
  for (const name of readdirSync(file).sort()) yield* filesUnder(path.join(file, name));
}

/** Hex digest of every source's path and content. By content, since a checkout touches times without changing a byte. */
export function sourceDigest(root) {
  const digest = createHash('sha256');
  for (const input of inputs) {
    for (const file of filesUnder(path.join(root, input))) {
      const content = readFileSync(file);
      digest.update(`${path.relative(root, file)}\0${content.length}\0`).update(content);
    }
  }
  return digest.digest('hex');
}
