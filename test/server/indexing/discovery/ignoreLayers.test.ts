import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { discoverFiles, inspectPath, type DiscoveryOptions } from '../../../../server/indexing/discovery/discover.ts';
import { readConfigFiles, readGitIgnoreConfig } from '../../../../server/indexing/discovery/gitIgnoreConfig.ts';
import { repositoryAround } from '../../../../server/indexing/discovery/gitRepository.ts';
import { git, removeScratchFolders, scratchFolder, writeFiles } from './scratchFolder.ts';

interface Walked {
  files: string[];
  /** `path <- detail` */
  ignored: string[];
}

type Settings = Partial<DiscoveryOptions['settings']>;

const optionsFor = (root: string, settings: Settings = {}): DiscoveryOptions => ({
  root,
  indexDir: path.join(root, '.contextkit'),
  settings: { exclude: [], include: [], maxFileKb: 1024, ...settings },
});

async function walk(root: string, settings: Settings = {}): Promise<Walked> {
  const walked: Walked = { files: [], ignored: [] };
  for await (const batch of discoverFiles(optionsFor(root, settings))) {
    walked.files.push(...batch.files.map((file) => file.path).filter((name) => !/ignore$|^\.gitmodules$/.test(name)));
    for (const { path: name, reason, detail } of batch.skipped) {
      if (reason === 'ignored' && !detail.startsWith('built in: .git')) walked.ignored.push(`${name} <- ${detail}`);
    }
  }
  walked.files.sort();
  return walked;
}

interface LayerCase {
  name: string;
  files: string[];
  ignoreFiles?: Record<string, string>;
  settings?: Settings;
  in: string[];
  ignored: string[];
}

const layerCases: LayerCase[] = [
  {
    name: 'names file, line and pattern of the rule that decides',
    files: ['a.log', 'src/b.log', 'src/keep.log', 'src/c.ts'],
    ignoreFiles: { '.gitignore': '# logs\n\n*.log\n', 'src/.gitignore': '!keep.log\n' },
    in: ['src/c.ts', 'src/keep.log'],
    ignored: ['a.log <- .gitignore:3: *.log', 'src/b.log <- .gitignore:3: *.log'],
  },
  {
    name: 'lists an ignored folder once, with nothing of what lies below it',
    files: ['out/a.js', 'out/deep/b.js', 'c.ts'],
    ignoreFiles: { '.gitignore': 'out/\n' },
    in: ['c.ts'],
    ignored: ['out/ <- .gitignore:1: out/'],
  },
  {
    name: 'does not take a file back in from an ignored folder by git\'s own "!"',
    files: ['out/a.js', 'out/keep.js'],
    ignoreFiles: { '.gitignore': 'out/\n!out/keep.js\n' },
    in: [],
    ignored: ['out/ <- .gitignore:1: out/'],
  },
  {
    name: 'takes a file back in from an ignored folder by "!" in .contextkitignore',
    files: ['out/a.js', 'out/api/keep.ts', 'out/api/other.ts', 'out/far/x.ts'],
    ignoreFiles: { '.gitignore': 'out/\n', '.contextkitignore': '!out/api/keep.ts\n' },
    in: ['out/api/keep.ts'],
    ignored: ['out/ <- .gitignore:1: out/'],
  },
  {
    name: "applies git's rules again inside a folder that was taken back in",
    files: ['out/a.ts', 'out/a.log', 'out/deep/b.ts'],
    ignoreFiles: { '.gitignore': 'out/\n*.log\n', '.contextkitignore': '!out/\n' },
    in: ['out/a.ts', 'out/deep/b.ts'],
    ignored: ['out/a.log <- .gitignore:2: *.log'],
  },
  {
    name: 'lets a .contextkitignore further down overrule one further up, and git',
    files: ['a/x.ts', 'a/y.ts', 'b/x.ts'],
    ignoreFiles: { '.contextkitignore': 'x.ts\n', 'a/.contextkitignore': '!x.ts\ny.ts\n' },
    in: ['a/x.ts'],
    ignored: ['b/x.ts <- .contextkitignore:1: x.ts', 'a/y.ts <- a/.contextkitignore:2: y.ts'],
  },
  {
    name: 'does not take back what a later line of the same file ignores',
    files: ['out/keep.ts', 'out/a.ts'],
    ignoreFiles: { '.contextkitignore': '!out/keep.ts\nout/\n' },
    in: [],
    ignored: ['out/ <- .contextkitignore:2: out/'],
  },
  {
    name: 'leaves node_modules out by default, also where no ignore file says so',
    files: ['node_modules/x/index.js', 'pkg/node_modules/y/index.js', 'a.ts'],
    in: ['a.ts'],
    ignored: ['node_modules/ <- built in: node_modules/', 'pkg/node_modules/ <- built in: node_modules/'],
  },
  {
    name: 'takes one package of node_modules in by a pattern that names it',
    files: ['node_modules/x/index.js', 'node_modules/y/index.js'],
    ignoreFiles: { '.contextkitignore': '!node_modules/x/\n' },
    in: ['node_modules/x/index.js'],
    ignored: ['node_modules/ <- built in: node_modules/'],
  },
  {
    name: 'does not search node_modules for a "!" pattern without a slash, but other ignored folders',
    files: ['node_modules/x/README.md', 'out/README.md', 'out/a.js'],
    ignoreFiles: { '.gitignore': 'out\nnode_modules\n', '.contextkitignore': '!*.md\n' },
    in: ['out/README.md'],
    ignored: ['node_modules/ <- .gitignore:2: node_modules', 'out/ <- .gitignore:1: out'],
  },
  {
    name: 'lets git\'s "!" overrule the defaults',
    files: ['node_modules/x.js'],
    ignoreFiles: { '.gitignore': '!node_modules\n' },
    in: ['node_modules/x.js'],
    ignored: [],
  },
  {
    name: 'lets the setting exclude overrule everything before it',
    files: ['a/x.ts', 'a/y.ts', 'b.ts'],
    ignoreFiles: { '.contextkitignore': '!a/\n' },
    settings: { exclude: ['/a/*', '!/a/y.ts'] },
    in: ['a/y.ts', 'b.ts'],
    ignored: ['a/x.ts <- setting exclude: /a/*'],
  },
  {
    name: 'takes only what the setting include names, and enters only folders that lead there',
    files: ['src/a.ts', 'src/deep/b.ts', 'src/deep/c.js', 'docs/d.ts', 'e.ts'],
    settings: { include: ['src/**/*.ts'] },
    in: ['src/a.ts', 'src/deep/b.ts'],
    ignored: [
      'docs/ <- setting include: no pattern matches',
      'e.ts <- setting include: no pattern matches',
      'src/deep/c.js <- setting include: no pattern matches',
    ],
  },
  {
    name: 'takes all of a folder that the setting include names, less what "!" names',
    files: ['src/a.ts', 'src/deep/b.ts', 'src/deep/c.gen.ts', 'docs/d.ts'],
    settings: { include: ['/src', '!*.gen.ts'] },
    in: ['src/a.ts', 'src/deep/b.ts'],
    ignored: ['docs/ <- setting include: no pattern matches', 'src/deep/c.gen.ts <- setting include: !*.gen.ts'],
  },
];

describe('ignore layers', () => {
  after(removeScratchFolders);

  for (const each of layerCases) {
    it(each.name, async () => {
      const root = scratchFolder({ ...Object.fromEntries(each.files.map((name) => [name, 'x'])), ...each.ignoreFiles });
      const walked = await walk(root, each.settings);
      assert.deepEqual(walked, { files: each.in, ignored: walked.ignored });
      assert.deepEqual([...walked.ignored].sort(), [...each.ignored].sort());
    });
  }

  it('never enters version control or the index folder, wherever the index lies', async () => {
    const root = scratchFolder({
      '.git/HEAD': '',
      'a/.svn/x.ts': '',
      '.hg/x.ts': '',
      'my/index/config.yaml': '',
      'my/other.ts': '',
    });
    const options = { ...optionsFor(root), indexDir: path.join(root, 'my/index') };
    const seen: string[] = [];
    for await (const batch of discoverFiles(options)) {
      seen.push(...batch.files.map((file) => file.path), ...batch.skipped.map((record) => `-${record.path}`));
    }
    assert.deepEqual(seen.sort(), ['-.git/', '-.hg/', '-a/.svn/', '-my/index/', 'my/other.ts']);
  });

  it('reads info/exclude and the excludes file that the config names, `~` expanded', async () => {
    const home = scratchFolder({
      '.gitconfig': '[core]\n\texcludesFile = ~/"my ignore" # mine\n',
      'my ignore': '*.mine\n',
    });
    const root = scratchFolder({ 'a.mine': '', 'b.local': '', 'c.ts': '' });
    git(root, 'init', '-q');
    writeFiles(root, { '.git/info/exclude': '*.local\n' });
    const saved = { HOME: process.env['HOME'], XDG_CONFIG_HOME: process.env['XDG_CONFIG_HOME'] };
    process.env['HOME'] = home;
    delete process.env['XDG_CONFIG_HOME'];
    try {
      const asked = await readGitIgnoreConfig(root, repositoryAround(root));
      assert.deepEqual(asked, { excludesFile: path.join(home, 'my ignore'), ignoreCase: asked.ignoreCase });
      // What the config files say when there is no git to ask.
      assert.equal(readConfigFiles(repositoryAround(root)).get('core.excludesfile'), '~/my ignore');
      const { files, ignored } = await walk(root);
      assert.deepEqual(files, ['c.ts']);
      assert.equal(
        ignored.find((line) => line.startsWith('b.local')),
        'b.local <- .git/info/exclude:1: *.local',
      );
      assert.match(
        ignored.find((line) => line.startsWith('a.mine'))!,
        /my ignore:1: \*\.mine$/,
      );
    } finally {
      for (const [name, value] of Object.entries(saved)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it('follows include.path where git cannot be asked', () => {
    const home = scratchFolder({
      '.gitconfig': '[include] path = more.conf\n',
      'more.conf': '[core]\nexcludesfile=/x/y\n',
    });
    const saved = process.env['HOME'];
    process.env['HOME'] = home;
    try {
      assert.equal(readConfigFiles(null).get('core.excludesfile'), '/x/y');
    } finally {
      if (saved === undefined) delete process.env['HOME'];
      else process.env['HOME'] = saved;
    }
  });

  it('applies the .gitignore files above a workspace folder inside a repository', async () => {
    const top = scratchFolder({
      '.gitignore': '/apps/web/gen/\n*.tmp\n',
      'apps/.gitignore': 'web/*.bak\n',
      'apps/web/gen/a.ts': '',
      'apps/web/src/gen/b.ts': '',
      'apps/web/x.tmp': '',
      'apps/web/y.bak': '',
      'apps/web/z.ts': '',
    });
    git(top, 'init', '-q');
    const { files, ignored } = await walk(path.join(top, 'apps/web'));
    assert.deepEqual(files, ['src/gen/b.ts', 'z.ts']);
    assert.deepEqual(ignored.sort(), [
      'gen/ <- ../../.gitignore:1: /apps/web/gen/',
      'x.tmp <- ../../.gitignore:2: *.tmp',
      'y.bak <- ../.gitignore:1: web/*.bak',
    ]);
  });

  it('indexes a folder that its repository ignores when that very folder is opened', async () => {
    const top = scratchFolder({
      '.gitignore': 'play/\nplay/**\n',
      'play/a.ts': '',
      'play/.gitignore': '*.o\n',
      'play/b.o': '',
    });
    git(top, 'init', '-q');
    assert.deepEqual((await walk(path.join(top, 'play'))).files, ['a.ts']);
  });

  it('keeps files that git tracks although a pattern matches them', async () => {
    const root = scratchFolder({
      '.gitignore': '*.log\nout/\n',
      'kept.log': '',
      'gone.log': '',
      'out/deep/kept.ts': '',
      'out/deep/gone.ts': '',
      'out/gone.ts': '',
    });
    git(root, 'init', '-q');
    git(root, 'add', '-f', 'kept.log', 'out/deep/kept.ts');
    const { files, ignored } = await walk(root);
    assert.deepEqual(files, ['kept.log', 'out/deep/kept.ts']);
    assert.deepEqual(ignored.sort(), ['gone.log <- .gitignore:1: *.log', 'out/ <- .gitignore:2: out/']);
    assert.equal((await inspectPath(optionsFor(root), 'out/deep/kept.ts')).kind, 'file');
    assert.equal((await inspectPath(optionsFor(root), 'out/deep/gone.ts')).kind, 'skipped');
  });

  it('enters submodules and clones inside the workspace with their own rules', async () => {
    const library = scratchFolder({ '.gitignore': '*.gen\n', 'lib.ts': '', 'app.tmp': '' });
    git(library, 'init', '-q');
    git(library, 'add', '-f', '.');
    git(library, 'commit', '-q', '-m', 'x');
    const root = scratchFolder({ '.gitignore': '*.tmp\n', 'main.ts': '', 'main.tmp': '', 'clone/.gitignore': 'x\n' });
    git(root, 'init', '-q');
    git(root, 'submodule', '--quiet', 'add', library, 'libs/lib');
    git(path.join(root, 'clone'), 'init', '-q');
    const moduleData = git(path.join(root, 'libs/lib'), 'rev-parse', '--absolute-git-dir').trim();
    writeFiles(moduleData, { 'info/exclude': '*.own\n' });
    writeFiles(root, { 'libs/lib/a.own': '', 'libs/lib/b.gen': '', 'clone/a.tmp': '', 'clone/x': '' });
    const { files, ignored } = await walk(root);
    assert.deepEqual(files, ['clone/a.tmp', 'libs/lib/app.tmp', 'libs/lib/lib.ts', 'main.ts']);
    assert.deepEqual(ignored.sort(), [
      'clone/x <- clone/.gitignore:1: x',
      'libs/lib/a.own <- .git/modules/libs/lib/info/exclude:1: *.own',
      'libs/lib/b.gen <- libs/lib/.gitignore:1: *.gen',
      'main.tmp <- .gitignore:1: *.tmp',
    ]);
  });

  it('reads info/exclude of the main repository in a worktree, and skips worktrees inside the workspace', async () => {
    const root = scratchFolder({ 'a.ts': '' });
    git(root, 'init', '-q');
    git(root, 'add', '.');
    git(root, 'commit', '-q', '-m', 'x');
    writeFiles(root, { '.git/info/exclude': '*.local\n' });
    git(root, 'worktree', 'add', '-q', 'inner');
    const outer = path.join(scratchFolder(), 'tree');
    git(root, 'worktree', 'add', '-q', outer);
    writeFiles(outer, { 'b.local': '', 'c.ts': '' });
    const fromOutside = await walk(outer);
    assert.deepEqual(fromOutside.files, ['a.ts', 'c.ts']);
    assert.match(fromOutside.ignored[0]!, /^b\.local <- .*info\/exclude:1: \*\.local$/);
    const fromInside = await walk(root);
    assert.deepEqual(fromInside.files, ['a.ts']);
    assert.deepEqual(fromInside.ignored, ['inner/ <- built in: another worktree of the same repository']);
    writeFiles(root, { '.contextkitignore': '!/inner\n' });
    assert.deepEqual((await walk(root)).files, ['a.ts', 'inner/a.ts']);
  });

  it('works where git is not installed', async () => {
    const root = scratchFolder({ '.gitignore': '*.log\n', 'a.log': '', 'b.ts': '', 'c.local': '' });
    git(root, 'init', '-q');
    writeFiles(root, { '.git/info/exclude': '*.local\n' });
    git(root, 'add', '-f', 'a.log');
    const saved = process.env['PATH'];
    process.env['PATH'] = root;
    try {
      const { files, ignored } = await walk(root);
      assert.deepEqual(files, ['b.ts']);
      assert.deepEqual(ignored.sort(), ['a.log <- .gitignore:1: *.log', 'c.local <- .git/info/exclude:1: *.local']);
    } finally {
      if (saved === undefined) delete process.env['PATH'];
      else process.env['PATH'] = saved;
    }
  });

  it('does not follow a .gitignore that is a symbolic link, as git does not', async () => {
    const root = scratchFolder({ rules: '*.ts\n', 'a.ts': '' });
    symlinkSync('rules', path.join(root, '.gitignore'));
    assert.deepEqual((await walk(root)).files, ['a.ts', 'rules']);
  });

  it('follows core.ignoreCase', async () => {
    const root = scratchFolder({ '.gitignore': 'BUILD/\n*.LOG\n', 'build/a.ts': '', 'x.log': '', 'b.ts': '' });
    git(root, 'init', '-q');
    git(root, 'config', 'core.ignorecase', 'true');
    assert.deepEqual((await walk(root)).files, ['b.ts']);
    git(root, 'config', 'core.ignorecase', 'false');
    assert.deepEqual((await walk(root)).files, ['b.ts', 'build/a.ts', 'x.log']);
  });

  it('bounds the time of a pattern with many stars', async () => {
    const root = scratchFolder({
      '.gitignore': `${'*a'.repeat(30)}*b\n${'**/*a'.repeat(20)}/b\n`,
      ['a'.repeat(200)]: '',
      [`${'a/'.repeat(60)}${'a'.repeat(100)}`.replace(/^a\//, 'd/')]: '',
    });
    const started = performance.now();
    assert.equal((await walk(root)).files.length, 2);
    assert.ok(performance.now() - started < 2_000);
  });
});
