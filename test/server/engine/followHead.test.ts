import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEngine, type Engine } from '../../../server/engine/index.ts';

const files = 1_500;
const nameOf = (i: number): string => `src/part${i % 30}/step${i}.ts`;
const textOf = (i: number, word: string): string =>
  `/** Step ${i}. */\nexport function ${word}${i}() {\n  return ${i};\n}\n`;

describe('Another commit that is checked out', function () {
  this.timeout(120_000);
  let top: string;
  let root: string;
  let engine: Engine;

  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'core.autocrlf=false', ...args], {
      cwd: top,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const remove = (file: string): void => rmSync(path.join(root, file));
  const finds = async (name: string): Promise<string[]> =>
    (await engine.symbols({ name }))
      .filter((symbol) => symbol.name === name)
      .map((symbol) => symbol.path)
      .sort();

  /** The workspace folder is `app/` in its repository, so that paths of git and of the index differ. */
  before(() => {
    top = mkdtempSync(path.join(tmpdir(), 'contextkit-head-'));
    root = path.join(top, 'app');
    for (let i = 0; i < files; i++) write(nameOf(i), textOf(i, 'harvest'));
    writeFileSync(path.join(top, 'outside.ts'), textOf(0, 'outside'));
    writeFileSync(path.join(top, '.gitignore'), '.contextkit/\n');
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-qm', 'All steps');
    git('checkout', '-qb', 'other');
    for (let i = 0; i < 20; i++) write(nameOf(i), textOf(i, 'gather'));
    for (let i = 20; i < 30; i++) remove(nameOf(i));
    for (let i = 0; i < 10; i++) write(`src/more/new${i}.ts`, textOf(i, 'novel'));
    renameSync(path.join(root, 'src/part29'), path.join(root, 'src/moved'));
    writeFileSync(path.join(top, 'outside.ts'), textOf(1, 'outside'));
    git('add', '-A');
    git('commit', '-qm', 'Another way');
    git('checkout', '-q', 'main');
  });
  after(() => rmSync(top, { recursive: true, force: true }));

  beforeEach(async () => {
    rmSync(path.join(root, '.contextkit'), { recursive: true, force: true });
    engine = await openEngine({ root, follow: true, parseWorkers: 2 });
    await engine.index();
  });
  afterEach(async () => {
    await engine.close();
    git('checkout', '-qf', 'main');
    git('clean', '-qfd');
  });

  /** The index knows what is on disk, by stamps and by a list of the disk. */
  async function assertUpToDate(): Promise<void> {
    assert.deepEqual(await engine.outdated(), []);
    const onDisk = readdirSync(path.join(root, 'src'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    assert.equal((await engine.paths()).length, onDisk.length);
  }

  it('costs the difference alone: so many files looked at, read and parsed', async () => {
    git('checkout', '-q', 'other');
    const there = await engine.followHead();
    // 20 changed, 10 gone, 10 new, and one that moved with its folder for each of its 49 or 50 files.
    const inMoved = readdirSync(path.join(root, 'src/moved')).length;
    const { filesLookedAt, filesRead, filesParsed, indexed, removed } = there;
    assert.deepEqual([filesLookedAt, filesRead, filesParsed], [40 + 2 * inMoved, 30 + inMoved, 30]);
    assert.deepEqual([indexed.length, removed.length], [30 + inMoved, 10 + inMoved]);
    await assertUpToDate();
    assert.deepEqual(await finds('gather3'), [nameOf(3)]);
    assert.deepEqual(await finds('harvest3'), []);
    git('checkout', '-q', 'main');
    const back = await engine.followHead();
    assert.equal(back.filesLookedAt, filesLookedAt);
    await assertUpToDate();
    assert.deepEqual(await finds('harvest3'), [nameOf(3)]);
  });

  it('brings along what was changed and is no more, whoever knew of it', async () => {
    write(nameOf(100), textOf(100, 'edited'));
    await engine.update([nameOf(100)]);
    write('src/untracked.ts', textOf(1, 'untracked'));
    write('src/unheard.ts', textOf(1, 'unheard'));
    await engine.update(['src/untracked.ts']);
    assert.deepEqual(await finds('edited100'), [nameOf(100)]);
    // Both commits have the same file 100: no difference of theirs shows that it is as before.
    git('checkout', '-qf', 'other');
    remove('src/untracked.ts');
    const { filesLookedAt } = await engine.followHead();
    assert.ok(filesLookedAt < files / 4, String(filesLookedAt));
    await assertUpToDate();
    assert.deepEqual([await finds('edited100'), await finds('untracked1')], [[], []]);
    assert.deepEqual(await finds('unheard1'), ['src/unheard.ts']);
    // What was not committed at the first look, or at the one before this, is asked for once more.
    remove('src/unheard.ts');
    git('checkout', '-q', 'main');
    await engine.followHead();
    await assertUpToDate();
  });

  it('is found by a look at everything where the difference does not tell: attributes, ignore rules, no git', async () => {
    git('checkout', '-qb', 'attributes');
    writeFileSync(path.join(root, '.gitattributes'), '*.ts text eol=crlf\n');
    git('add', '.');
    git('commit', '-qm', 'Line ends');
    assert.ok((await engine.followHead()).filesLookedAt >= files);
    writeFileSync(path.join(root, '.gitignore'), 'part7/\n');
    git('add', '-A');
    git('commit', '-qm', 'Ignore');
    assert.ok((await engine.followHead()).filesLookedAt >= files - 100);
    const { PATH } = process.env;
    try {
      process.env['PATH'] = path.join(top, 'nowhere');
      write(nameOf(3), textOf(3, 'without'));
      assert.ok((await engine.followHead()).filesLookedAt >= files - 100);
    } finally {
      process.env['PATH'] = PATH;
    }
    assert.deepEqual(await finds('without3'), [nameOf(3)]);
    git('checkout', '-qf', 'main');
    git('branch', '-qD', 'attributes');
    assert.ok((await engine.followHead()).filesLookedAt >= files, 'nothing is known of what was before');
    // From here on it is known again.
    git('checkout', '-q', 'other');
    assert.ok((await engine.followHead()).filesLookedAt < files / 4);
    await assertUpToDate();
  });
});
