import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const planted = path.join(root, 'test/fixtures/architecture');
const rulesFile = path.join(root, '.dependency-cruiser.cjs');
const folders = ['protocol', 'core', 'syntax', 'server', 'cli', 'extension', 'webview', 'cloud', 'bench'];

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

interface Cruise {
  read: string[];
  violations: Violation[];
}

/** Runs dependency-cruiser over `folders` of `cwd`. */
function cruise(cwd: string): Cruise {
  const bin = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const present = folders.filter((folder) => existsSync(path.join(cwd, folder)));
  const run = spawnSync(process.execPath, [bin, '--config', rulesFile, '--output-type', 'json', ...present], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  assert.equal(run.stderr, '');
  const report = JSON.parse(run.stdout) as { modules: { source: string }[]; summary: { violations: Violation[] } };
  return { read: report.modules.map(({ source }) => source), violations: report.summary.violations };
}

/** All TypeScript sources below the product folders of `cwd`, relative, sorted. */
function sourcesOnDisk(cwd: string): string[] {
  return folders
    .filter((folder) => existsSync(path.join(cwd, folder)))
    .flatMap((folder) =>
      readdirSync(path.join(cwd, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        path.posix.join(folder, file.replaceAll(path.sep, '/')),
      ),
    )
    .filter((file) => /\.tsx?$/.test(file))
    .sort();
}

const inWords = ({ rule, from, to }: Violation): string =>
  `${rule.name}: ${from} → ${to.replace(/^.*node_modules\/((?:@[^/]+\/)?[^/]+).*$/, '$1')}`;

function ruleNames(): string[] {
  const rules = createRequire(import.meta.url)(rulesFile) as { forbidden: { name: string }[] };
  return rules.forbidden.map(({ name }) => name);
}

/** One fault for each rule, in files of test/fixtures/architecture. */
const faults = [
  'bench-imports: bench/runsTests.ts → test/expected.ts',
  'cli-imports: cli/discoversItself.ts → server/indexing/discover.ts',
  'cloud-adapters-imports: cloud/adapters/answersRequests.ts → cloud/http/app.ts',
  'cloud-domain-imports: cloud/domain/knowsVendor.ts → pg',
  'cloud-http-imports: cloud/http/asksAdapter.ts → cloud/adapters/store.ts',
  'cloud-migrations-imports: cloud/migrations/runsCode.ts → cloud/ports/store.ts',
  'cloud-node-imports: cloud/node/ranksItself.ts → core/rank/score.ts',
  'cloud-ports-imports: cloud/ports/decides.ts → cloud/domain/plans.ts',
  'core-imports: core/readsClock.ts → perf_hooks',
  'extension-imports: extension/holdsEngine.ts → server/engine/index.ts',
  'no-cycles: core/chicken.ts → core/egg.ts',
  'no-unresolvable: core/leadsNowhere.ts → ./gone.ts',
  'packages-are-declared: bench/undeclared.ts → picomatch',
  'protocol-imports: protocol/readsFiles.ts → fs',
  'server-embedding-imports: server/embedding/asksStore.ts → server/store/index.ts',
  'server-engine-imports: server/engine/checksMessages.ts → protocol/messages.ts',
  'server-engine-imports: server/engine/needsEditor.ts → @types/vscode',
  'server-history-imports: server/history/asksStore.ts → server/store/index.ts',
  'server-indexing-imports: server/indexing/drivesEngine.ts → server/engine/index.ts',
  'server-lsp-imports: server/lsp/ranksItself.ts → core/rank/score.ts',
  'server-lsp-imports: server/lsp/readsStore.ts → server/store/index.ts',
  'server-store-imports: server/store/asksIndexing.ts → server/indexing/discover.ts',
  'server-system-imports: server/system/asksStore.ts → server/store/index.ts',
  'server-tokens-imports: server/tokens/asksStore.ts → server/store/index.ts',
  'syntax-imports: syntax/speaksZod.ts → zod',
  'webview-imports: webview/context/readsFiles.ts → fs',
  'workers-are-entry-points: server/engine/importsWorker.ts → server/store/copyWorker.ts',
];
const deadModule = 'no-dead-modules: core/unused.ts → core/unused.ts';
const liveModule = 'core/model.ts';

describe('Imports between folders', function () {
  this.timeout(60_000);
  let tree: Cruise;

  before(() => {
    tree = cruise(root);
  });

  it('keep to the table', () => {
    assert.deepEqual(tree.violations.map(inWords), []);
  });

  it('are read from every source file, so that silence means order', () => {
    const onDisk = sourcesOnDisk(root);
    assert.deepEqual(
      onDisk.filter((file) => !tree.read.includes(file)),
      [],
      'the checker did not read these',
    );
    assert.ok(onDisk.length > 60, `only ${onDisk.length} sources found: the test looks in the wrong place`);
  });

  it('are reported when they break a rule, one planted fault a rule, and only then', () => {
    const { read, violations } = cruise(planted);
    const found = violations.map(inWords).sort();
    const dead = found.filter((line) => line.startsWith('no-dead-modules: '));
    assert.deepEqual(
      found.filter((line) => !dead.includes(line)),
      faults,
    );
    assert.ok(dead.includes(deadModule), 'an unused module went unnoticed');
    assert.ok(!dead.some((line) => line.includes(liveModule)), 'a used module was called dead');
    assert.deepEqual(
      sourcesOnDisk(planted).filter((file) => !read.includes(file)),
      [],
    );
  });

  it('have a planted fault for every rule', () => {
    const covered = new Set([...faults, deadModule].map((line) => line.slice(0, line.indexOf(':'))));
    assert.deepEqual(
      ruleNames().filter((name) => !covered.has(name)),
      [],
    );
  });

  it('are ruled in every product folder', () => {
    const ruled = new Set(ruleNames().map((name) => name.replace(/-imports$/, '')));
    const rooms = sourcesOnDisk(root).map((file) => {
      const [top = '', room = ''] = file.split('/');
      return top === 'server' || top === 'cloud' ? `${top}-${room}` : top;
    });
    assert.deepEqual(
      [...new Set(rooms)].filter((room) => !ruled.has(room)),
      [],
      'add these to the table in .dependency-cruiser.cjs',
    );
  });
});
