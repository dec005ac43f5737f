import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ScoreReport } from '../../server/engine/index.ts';
import { gitIn, makeGitFolder, type GitFolder } from '../server/history/gitFolder.ts';
import { cli, type Ran } from './workspace.ts';

interface JsonReport extends Omit<ScoreReport, 'measures'> {
  measures: Record<string, { ranking: { mean: number; low: number; high: number }; keyword: { mean: number } }>;
  passed: boolean;
  stored: string | null;
}

const topics = ['router', 'cache', 'session', 'cookie', 'logger', 'parser', 'socket', 'upload', 'locale', 'metric'];

const moduleOf = (topic: string, revision: number): string =>
  `/** Everything about the ${topic}. */\nexport function ${topic}Handler(input: string): string {\n` +
  `  const ${topic}Revision = ${revision};\n  return input.repeat(${topic}Revision);\n}\n`;

/** A repository whose commits say what they change; `rounds` times 10 of them can be asked. */
function makeHistory(rounds: number): GitFolder {
  const folder = makeGitFolder();
  const files = Object.fromEntries(topics.map((topic) => [`src/${topic}.ts`, moduleOf(topic, 0)]));
  folder.commit('Begin with all the handlers', { ...files, 'README.md': 'Handlers\n', '.gitignore': '*.log\n' });
  for (let round = 1; round <= rounds; round++)
    for (const topic of topics)
      folder.commit(`Let the ${topic} repeat its input ${round} times (#${round})`, {
        [`src/${topic}.ts`]: moduleOf(topic, round),
      });
  return folder;
}

describe('contextkit score', function () {
  this.timeout(120_000);
  let temporary: string;
  let history: GitFolder;

  const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    ...process.env,
    NO_COLOR: '1',
    TMPDIR: temporary,
    TEMP: temporary,
    ...more,
  });
  const score = (root: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Ran => {
    const done = spawnSync(process.execPath, [cli, 'score', '--root', root, ...args], {
      encoding: 'utf8',
      env: environment(env),
    });
    return { code: done.status, out: done.stdout, err: done.stderr };
  };
  const report = (root: string, ...args: string[]): JsonReport => {
    const { code, out, err } = score(root, ['--json', ...args]);
    assert.equal(code, 0, out + err);
    return JSON.parse(out) as JsonReport;
  };
  const reasons = ({ commits }: JsonReport): Record<string, number> =>
    Object.fromEntries(commits.leftOut.map(({ reason, commits: count }) => [reason, count]));

  before(() => {
    temporary = mkdtempSync(path.join(tmpdir(), 'contextkit-temporary-'));
    history = makeHistory(2);
    history.git('checkout', '--quiet', '-b', 'side');
    history.commit('Write down what the session is for', { 'docs/session.md': 'Session\n' });
    history.git('checkout', '--quiet', 'main');
    history.commit('Release 1.2.3', { 'src/router.ts': `${moduleOf('router', 9)}// 1.2.3\n` });
    history.git('merge', '--quiet', '--no-edit', 'side');
    history.git('revert', '--no-edit', 'HEAD~1');
    history.move('src/locale.ts', 'src/language.ts');
    history.commit('Call the locale a language from now on');
    history.commit('Say nothing that could ever lead anybody there', { 'src/metric.ts': moduleOf('metric', 8) });
  });
  after(() => {
    history.remove();
    rmSync(temporary, { recursive: true, force: true });
  });
  afterEach(() => assert.deepEqual(readdirSync(temporary), [], 'something was left in the temporary folder'));

  it('asks each commit in the state before it, and says which ones it left out', () => {
    const before = [history.git('status', '--porcelain'), history.git('for-each-ref')];
    const found = report(history.root);
    assert.equal(found.commits.used, 21);
    assert.deepEqual(reasons(found), { revert: 1, merge: 1, release: 1, root: 1, noSource: 1, onlyRenames: 1 });
    assert.equal(found.commits.read, 27);
    const { ranking, keyword } = found.measures['recall@10']!;
    // The misleading message finds its file all the same or not: ten files are all there is.
    assert.ok(ranking.mean > 0.9 && keyword.mean > 0.9);
    assert.ok(found.measures['MRR']!.ranking.mean > 0.9);
    assert.deepEqual(Object.keys(found.measures), ['recall@10', 'MRR', 'range@4k']);
    assert.deepEqual([history.git('status', '--porcelain'), history.git('for-each-ref')], before);
    assert.ok(!existsSync(path.join(history.root, '.contextkit')));
  });

  it('prints a table with intervals', () => {
    const { code, out } = score(history.root, ['--commits', '12', '--budget', '2500']);
    assert.equal(code, 0);
    assert.match(out, /^ +keyword search +ContextKit +difference\n/);
    assert.match(out, /^recall@10 +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\] .* [+-]\d\.\d{3} \[[+-]\d/m);
    assert.match(out, /^range@2500 /m);
    assert.match(out, /12 commits of the newest 1\d/);
    assert.match(out, /^Left out: .*1 merges/m);
  });

  it('ends with a code of its own when recall is below what was asked for', () => {
    const misled = makeGitFolder();
    try {
      const many = Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [`src/words${i}.ts`, `export const word${i} = 'nothing much ${i}';\n`]),
      );
      misled.commit('Begin with many words', { ...many, 'src/target.ts': 'export const target = 0;\n' });
      for (let i = 1; i <= 12; i++)
        misled.commit(`Nothing much is said by these words, number ${i}`, {
          'src/target.ts': `export const target = ${i};\n`,
        });
      const { code, out, err } = score(misled.root, ['--min-recall', '0.5']);
      assert.equal(code, 7, out + err);
      assert.match(err, /recall@10 is 0\.\d+, below 0\.5/);
      assert.equal(score(misled.root, ['--min-recall', '0']).code, 0);
      const { code: withJson, out: json } = score(misled.root, ['--min-recall', '0.5', '--json']);
      assert.deepEqual([withJson, (JSON.parse(json) as JsonReport).passed], [7, false]);
    } finally {
      misled.remove();
    }
  });

  it('takes a subfolder, a detached head and a linked work tree', () => {
    assert.equal(report(path.join(history.root, 'src')).commits.used, 21);
    const linked = `${history.root}-linked`;
    history.git('worktree', 'add', '--quiet', '--detach', linked, 'HEAD~2');
    try {
      assert.equal(report(linked).commits.used, 20);
    } finally {
      history.git('worktree', 'remove', '--force', linked);
    }
  });

  it('counts what the settings keep out of the index', () => {
    mkdirSync(path.join(history.root, '.contextkit'));
    writeFileSync(path.join(history.root, '.contextkit/config.yaml'), 'exclude: ["cookie.ts"]\n');
    try {
      const found = report(history.root);
      assert.deepEqual([found.commits.used, reasons(found)['notIndexed']], [19, 2]);
    } finally {
      rmSync(path.join(history.root, '.contextkit'), { recursive: true });
    }
  });

  const refusals: {
    name: string;
    make: () => { root: string; remove: () => void };
    env?: () => NodeJS.ProcessEnv;
    message: RegExp;
    hint: RegExp;
  }[] = [
    {
      name: 'outside a repository',
      make: () => {
        const root = mkdtempSync(path.join(tmpdir(), 'contextkit-plain-'));
        return { root, remove: () => rmSync(root, { recursive: true }) };
      },
      message: /is in no git repository/,
      hint: /--root/,
    },
    {
      name: 'without a git program',
      make: () => ({ root: history.root, remove: () => undefined }),
      env: () => ({ PATH: path.join(history.root, 'src') }),
      message: /there is no git program/,
      hint: /Install git/,
    },
    { name: 'before the first commit', make: makeGitFolder, message: /has no commit yet/, hint: /past commits/ },
    {
      name: 'with too few commits',
      make: () => {
        const folder = makeGitFolder();
        folder.commit('Begin', { 'src/a.ts': 'a\n' });
        folder.commit('Change the letter a into b', { 'src/a.ts': 'b\n' });
        return folder;
      },
      message: /too few commits can be asked: 1 of 2, and it takes 10 \(left out: 1 first commits/,
      hint: /1 to 5 source files/,
    },
    {
      name: 'in a shallow clone, with how to deepen it',
      make: () => {
        const root = `${history.root}-shallow`;
        gitIn(history.root, ['clone', '--quiet', '--depth', '5', `file://${history.root}`, root]);
        return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
      },
      message: /too few commits/,
      hint: /git fetch --unshallow/,
    },
  ];
  for (const { name, make, env, message, hint } of refusals)
    it(`says what it needs ${name}`, () => {
      const { root, remove } = make();
      try {
        const { code, err } = score(root, [], env?.() ?? {});
        assert.equal(code, 6, err);
        assert.match(err, message);
        assert.match(err, hint);
        assert.doesNotMatch(err, /fault of ContextKit/);
      } finally {
        remove();
      }
    });

  for (const [option, value] of [
    ['--commits', '3'],
    ['--commits', 'many'],
    ['--budget', '10'],
    ['--min-recall', '80'],
    ['--min-recall', ''],
  ] as const)
    it(`refuses ${option} ${JSON.stringify(value)}`, () => {
      const { code, err } = score(history.root, [option, value]);
      assert.deepEqual([code, /^hint: /m.test(err)], [2, true], err);
    });

  it('cleans up when it is stopped in the middle', async () => {
    const child = spawn(process.execPath, [cli, 'score', '--root', history.root], {
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    while (readdirSync(temporary).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
  });

  it('removes what a run that was killed has left', async () => {
    const child = spawn(process.execPath, [cli, 'score', '--root', history.root], {
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (readdirSync(temporary).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await ended;
    assert.equal(readdirSync(temporary).length, 1);
    assert.equal(score(history.root).code, 0);
    assert.deepEqual(readdirSync(temporary), []);
  });

  it('leaves config.yaml alone when no other weights are better with certainty', () => {
    const long = makeHistory(6);
    try {
      const config = path.join(long.root, '.contextkit/config.yaml');
      mkdirSync(path.dirname(config));
      writeFileSync(config, '# ours\nranking:\n  path: 0.5 # by hand\n');
      const found = report(long.root, '--tune', '--commits', '60');
      assert.deepEqual([found.tuning?.fittedOn, found.tuning?.provenOn, found.stored], [30, 30, null]);
      assert.equal(readFileSync(config, 'utf8'), '# ours\nranking:\n  path: 0.5 # by hand\n');
    } finally {
      long.remove();
    }
  });

  it('stores other weights that are better with certainty, and keeps the rest of config.yaml', () => {
    const folder = makeGitFolder();
    try {
      // Only the folders say which of these files is meant.
      const file = (topic: string): string => `src/${topic}/implementation.ts`;
      const text = (revision: number): string => `export const repeated = input.repeat(${revision});\n`;
      folder.commit('Begin', Object.fromEntries(topics.map((topic) => [file(topic), text(0)])));
      for (let round = 1; round <= 6; round++)
        for (const topic of topics)
          folder.commit(`Let the ${topic} repeat its input ${round} times`, { [file(topic)]: text(round) });
      const blind = ['# Ours.', 'ranking:', '  path: 0 # blind', '  recency: 0', '  coChange: 0', '  pastChanges: 0'];
      folder.write('.contextkit/config.yaml', `${blind.join('\n')}\nbudget: 900\n`);
      const { code, out } = score(folder.root, ['--tune', '--commits', '60']);
      assert.equal(code, 0);
      assert.match(out, /^Tuning: .*\(fitted on 30 commits, proved on 30 others\)$/m);
      assert.match(
        out,
        /^Better with certainty: stored for search by words under "ranking\.tuned" in .*config\.yaml\.$/m,
      );
      const config = readFileSync(path.join(folder.root, '.contextkit/config.yaml'), 'utf8');
      assert.match(config, /^# Ours\.\nranking:\n/);
      assert.match(config, /^budget: 900$/m);
      const before = score(folder.root, ['--commits', '20', '--json']).out;
      assert.ok((JSON.parse(before) as JsonReport).measures['MRR']!.ranking.mean > 0.9, config);
      const run = (...args: string[]): string =>
        spawnSync(process.execPath, [cli, ...args, '--root', folder.root], { encoding: 'utf8' }).stdout;
      run('index');
      assert.match(run('status'), /^Ranking +weights tuned for this repository$/m);
      // Fitted to an older index: used no more, which is said.
      folder.write('.contextkit/config.yaml', config.replace(/index: \d+/, 'index: 1'));
      assert.match(run('status'), /^Ranking +weights of config\.yaml\n.*another version.*`contextkit score --tune`/m);
      const after = score(folder.root, ['--commits', '20', '--json']).out;
      assert.ok((JSON.parse(after) as JsonReport).measures['MRR']!.ranking.mean < 0.9);
    } finally {
      folder.remove();
    }
  });
});

describe('The history behind the answers', function () {
  this.timeout(60_000);
  let folder: GitFolder;
  const run = (...args: string[]): Ran => {
    const done = spawnSync(process.execPath, [cli, ...args, '--root', folder.root], { encoding: 'utf8' });
    return { code: done.status, out: done.stdout, err: done.stderr };
  };
  interface Status {
    history: { commits: number; head: string } | null;
    generation: number;
    repairs: string[];
  }
  const status = (): Status => JSON.parse(run('status', '--json').out) as Status;

  beforeEach(() => {
    folder = makeGitFolder();
    folder.commit('Begin', { 'src/a.ts': 'export const lens = 1;\n', 'src/b.ts': 'export const lens = 2;\n' });
    folder.commit('Polish the lens', { 'src/a.ts': 'export const lens = 3;\n' });
  });
  afterEach(() => folder.remove());

  it('is read beside the index, followed, and written only when it changes', () => {
    run('index');
    const first = status();
    assert.deepEqual(first.history, { commits: 1, head: folder.head() });
    run('select', 'lens');
    assert.equal(status().generation, first.generation);
    folder.commit('Polish it once more');
    run('select', 'lens');
    assert.deepEqual(status().history, { commits: 2, head: folder.head() });
    folder.git('reset', '--quiet', '--hard', 'HEAD~1');
    run('index');
    assert.deepEqual(status().history, { commits: 1, head: folder.head() });
    assert.match(run('status').out, /^History +1 commit up to [0-9a-f]{12}$/m);
  });

  it('is forgotten when there is no repository any more', () => {
    run('index');
    rmSync(path.join(folder.root, '.git'), { recursive: true });
    run('index');
    assert.equal(status().history, null);
  });

  it('is missing without complaint where there is none', () => {
    rmSync(path.join(folder.root, '.git'), { recursive: true });
    const { code, err } = run('select', 'lens');
    assert.equal(code, 0);
    assert.doesNotMatch(err, /git/);
    assert.deepEqual([status().history, status().repairs], [null, []]);
  });

  it('weighs as config.yaml says, whose faults are named', () => {
    const best = (): string => /^### (\S+?):/m.exec(run('select', 'lens').out)![1]!;
    folder.commit('Polish the other lens', { 'src/b.ts': 'export const lens = 4;\n' });
    folder.write('.contextkit/config.yaml', 'ranking:\n  recency: 0\n  pastChanges: 0\n');
    run('index');
    assert.equal(best(), 'src/a.ts');
    folder.commit('Polish the other lens again', { 'src/b.ts': 'export const lens = 5;\n' });
    folder.write('.contextkit/config.yaml', 'ranking:\n  recency: 1\n');
    run('index');
    assert.equal(best(), 'src/b.ts');
    assert.match(run('select', 'lens', '--explain').err, /^ +changes +\d/m);
    folder.write('.contextkit/config.yaml', 'ranking:\n  recency: 9\n  recent: 1\n');
    const { code, err } = run('select', 'lens');
    assert.equal(code, 2);
    assert.match(err, /ranking\.recency: /);
    assert.match(err, /ranking\.recent: unknown key/);
  });
});
