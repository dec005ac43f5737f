/**
 * `npm run check`: everything that can be said about the tree in under a minute. Two steps at a time; one line a step,
 * and the output of those that fail. Caches lie in .tsbuild/, which git ignores.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root, setUp } from './setup.mjs';

const atOnce = 2;
const bin = (file) => path.join(root, 'node_modules', file);
const cache = (name) => path.join(root, '.tsbuild', name);
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** Longest first. `after` names a step that must have passed. `fix` is what to type when the step fails. */
const steps = [
  {
    name: 'types',
    args: [bin('typescript/bin/tsc'), '-b', '--pretty', 'false'],
  },
  {
    name: 'lint',
    // A file that did not change is not linted again, though a type that it uses may have changed: CI begins without
    // a cache, and sees that.
    args: [
      bin('eslint/bin/eslint.js'),
      '.',
      ...['--max-warnings', '0'],
      ...['--cache', '--cache-location', cache('eslint'), '--cache-strategy', 'content'],
    ],
    fix: 'npm run lint -- --fix',
  },
  { name: 'build', args: ['esbuild.mjs'] },
  {
    name: 'format',
    args: [bin('prettier/bin/prettier.cjs'), '--check', '--cache', '--cache-location', cache('prettier'), '.'],
    fix: 'npm run format',
  },
  { name: 'unit tests', args: ['scripts/test.mjs', '--fast'], after: 'build', tail: /^\d+ passed.*$/m },
  {
    name: 'architecture',
    args: ['scripts/test.mjs', 'test/architecture/**/*.test.ts'],
    after: 'build',
    tail: /^\d+ passed.*$/m,
  },
  ...('generate' in scripts
    ? [{ name: 'generated files', args: ['scripts/generate.mjs', '--check'], fix: 'npm run generate' }]
    : []),
];

function run({ args }) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (output += text));
    }
    child.once('error', (error) => resolve({ passed: false, output: String(error), seconds: 0 }));
    child.once('close', (code) =>
      resolve({ passed: code === 0, output, seconds: (performance.now() - started) / 1000 }),
    );
  });
}

function report(step, { passed, output, seconds }) {
  const tail = step.tail?.exec(output)?.[0];
  console.log(
    `${passed ? '✓' : '✗'} ${step.name.padEnd(16)} ${seconds.toFixed(1).padStart(5)} s${tail ? `  ${tail}` : ''}`,
  );
  if (passed) return;
  console.log(output.trimEnd().replace(/^/gm, '    '));
  if (step.fix !== undefined) console.log(`    To put it right: ${step.fix}`);
}

async function runAll() {
  const waiting = [...steps];
  const outcomes = new Map();
  const ready = (step) => step.after === undefined || outcomes.has(step.after);
  const lane = async () => {
    while (waiting.length > 0) {
      const index = waiting.findIndex(ready);
      if (index === -1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const [step] = waiting.splice(index, 1);
      const blocked = step.after !== undefined && !outcomes.get(step.after);
      const result = blocked ? { passed: false, output: `not run: ${step.after} failed`, seconds: 0 } : await run(step);
      outcomes.set(step.name, result.passed);
      report(step, result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

const started = performance.now();
await setUp({ build: false });
const outcomes = await runAll();
const failed = [...outcomes.values()].filter((passed) => !passed).length;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`${outcomes.size - failed} passed, ${failed} failed (${seconds} s)`);
process.exitCode = failed > 0 ? 1 : 0;
