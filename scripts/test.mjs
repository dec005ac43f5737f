/**
 * `npm test [-- FILE …]`: sets up, builds and runs every test except those in a real editor (`npm run test:e2e`).
 * The last line is `N passed, N failed`; no test at all, or a runner that dies, counts as a failure.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runNode, setUp } from './setup.mjs';

/** What `npm run check` leaves out of its unit tests: real processes, the VSIX, and what is a step of its own there. */
const slowFolders = ['acceptance', 'cloud', 'e2e', 'package', 'architecture'];
/** Child processes, a network, big files: the same. */
const slowFiles = [
  'server/embedding/{downloadModel,embedPool,embeddingCache,findModel,reference}.test.ts',
  'server/engine/{vectors,modelChange,moves,followHead}.test.ts',
  'extension/typingWatch.test.ts',
];

function patterns(args) {
  const fixtures = ['--ignore', 'test/fixtures/**'];
  const files = args.filter((arg) => arg !== '--fast');
  if (files.length > 0) return [...fixtures, ...files];
  const isFast = args.includes('--fast');
  const left = [...(isFast ? slowFolders : ['e2e']).map((folder) => `${folder}/**`), ...(isFast ? slowFiles : [])];
  return [...fixtures, ...left.flatMap((each) => ['--ignore', `test/${each}`]), 'test/**/*.test.ts'];
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The runner died before its first test: the exit code below says so.
    return { passed: 0, failed: 0 };
  }
}

await setUp();
const scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-test-'));
const countsFile = path.join(scratch, 'counts.json');
try {
  const mocha = path.join(root, 'node_modules/mocha/bin/mocha.js');
  const reporter = path.join(root, 'scripts/testReporter.mjs');
  const code = await runNode([mocha, '--reporter', reporter, ...patterns(process.argv.slice(2))], {
    cwd: root,
    env: { ...process.env, CONTEXTKIT_TEST_COUNTS: countsFile },
  });
  const counts = readCounts(countsFile);
  if (counts.passed + counts.failed === 0) process.stdout.write('No test was run.\n');
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) counts.failed = 1;
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
