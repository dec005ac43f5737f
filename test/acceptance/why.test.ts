import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeWorkspace, type Workspace } from './workspace.ts';

const minified = `var a=${'f(1,2);'.repeat(4_000)}`;

/** Every way of not being indexed: a path, and what is said of it. */
const cases: [path: string, said: RegExp][] = [
  ['root.log', /ignored \(\.gitignore:2: \*\.log\)/],
  ['built/deep/a.ts', /ignored \(\.gitignore:3: built\/\)/],
  ['built', /ignored \(\.gitignore:3: built\/\)/],
  ['lib/inner/a.gen', /ignored \(lib\/\.gitignore:3: \*\.gen\)/],
  ['local.txt', /ignored \(\.git\/info\/exclude:2: local\.txt\)/],
  ['mine.swp', /ignored \(.*excludes:1: \*\.swp\)/],
  ['own.ts', /ignored \(\.contextkitignore:1: own\.ts\)/],
  ['set/a.ts', /ignored \(setting exclude: set\/\*\*\)/],
  ['.git/config', /ignored \(built in: \.git\/\)/],
  ['large.ts', /too large \(2\.0 MB, the limit is 1024 KB\)/],
  ['picture.png', /binary \(\.png file\)/],
  ['nul.ts', /binary \(no text in any known encoding\)/],
  ['lib/app.min.js', /minified \(named \*\.min\.js\)/],
  ['lib/app.js', /minified \(/],
  ['package-lock.json', /generated \(lock file\)/],
  ['link.ts', /not a regular file \(symbolic link to kept\.ts\)/],
  ['away.ts', /not a regular file \(symbolic link out of the workspace to /],
  ['turn1', /not a regular file \(symbolic link loop: turn2\)/],
  ['folder/app.js', /not a regular file \(folder is a symbolic link\)/],
];

describe('contextkit why', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let outside: string;

  before(() => {
    workspace = makeWorkspace();
    outside = mkdtempSync(path.join(tmpdir(), 'contextkit-outside-'));
    const excludes = path.join(outside, 'excludes');
    writeFileSync(excludes, '*.swp\n');
    writeFileSync(path.join(outside, 'a.ts'), 'export {};\n');
    execFileSync('git', ['init', '-q'], { cwd: workspace.root });
    execFileSync('git', ['config', 'core.excludesFile', excludes], { cwd: workspace.root });
    const text = 'export const a = 1;\n';
    const files: Record<string, string | Buffer> = {
      '.gitignore': '# built\n*.log\nbuilt/\n!lib/kept.log\n',
      'lib/.gitignore': '# made\n\n*.gen\n!kept.gen\n',
      '.git/info/exclude': '# mine\nlocal.txt\n',
      '.contextkitignore': 'own.ts\n',
      '.contextkit/config.yaml': 'exclude:\n  - set/**\n',
      'nul.ts': Buffer.from('const a = 1;\0\0\0'),
      'lib/app.js': minified,
    };
    for (const [file, content] of Object.entries(files)) workspace.write(file, content);
    const plain = 'root.log built/deep/a.ts lib/inner/a.gen local.txt mine.swp own.ts set/a.ts picture.png';
    for (const file of `${plain} lib/app.min.js package-lock.json kept.ts lib/kept.gen lib/kept.log`.split(' '))
      workspace.write(file, text);
    workspace.write('large.ts', '');
    truncateSync(path.join(workspace.root, 'large.ts'), 2 * 2 ** 20);
    const link = (target: string, name: string): void => symlinkSync(target, path.join(workspace.root, name));
    link('kept.ts', 'link.ts');
    link(path.join(outside, 'a.ts'), 'away.ts');
    link('turn2', 'turn1');
    link('turn1', 'turn2');
    link('lib', 'folder');
  });
  after(() => {
    workspace.remove();
    rmSync(outside, { recursive: true });
  });

  const assertSaid = (file: string, said: RegExp): void => {
    const { code, out } = workspace.run('why', file);
    assert.match(out, new RegExp(`not indexed: ${said.source}`));
    assert.equal(code, 1);
  };

  for (const [file, said] of cases) it(`names what keeps ${file} out`, () => assertSaid(file, said));

  it('says what is not indexed yet although a rule matches it', () => {
    assert.match(workspace.run('why', 'lib/kept.gen').out, /not indexed yet: run `contextkit index`/);
  });

  it('says the same of what an index remembers, and what is in it', () => {
    assert.equal(workspace.run('index').code, 0);
    for (const [file, said] of cases.filter(([name]) => /root\.log|nul|app\.js|turn/.test(name)))
      assertSaid(file, said);
    const { code, out } = workspace.run('why', 'lib/kept.log');
    assert.match(out, /Indexed as text/);
    assert.equal(code, 0);
  });
});
