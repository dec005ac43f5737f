import assert from 'node:assert/strict';
import { makeWorkspace, type Workspace } from './workspace.ts';

interface Answer {
  definitions: {
    symbol: { path: string; line: number; container: string[] };
    callers?: { path: string; caller: { name: string } | null }[];
    references?: { path: string; line: number; kind: string }[];
    total?: number;
  }[];
  more: number;
}

const files = {
  'src/store.ts':
    'export interface Item { id: string }\nexport class Store {\n  loadItem(id: string): Item { return { id }; }\n}\n',
  'src/app.ts':
    "import { Store, type Item } from './store';\nexport function run(): Item {\n  return new Store().loadItem('1');\n}\n",
  'test/app.test.ts': "import { Store } from '../src/store';\nnew Store().loadItem('2');\n",
};

describe('contextkit graph and symbol', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  beforeEach(() => (workspace = makeWorkspace(files)));
  afterEach(() => workspace.remove());

  const ask = (...args: string[]): Answer => {
    const { code, out, err } = workspace.run('graph', ...args, '--json');
    assert.equal(code, 0, err);
    return JSON.parse(out) as Answer;
  };

  it('shows callers, those in source files first', () => {
    const [loadItem] = ask('Store.loadItem').definitions;
    assert.deepEqual(loadItem!.symbol.container, ['Store']);
    assert.deepEqual(
      loadItem!.callers!.map(({ path, caller }) => `${path} ${caller?.name ?? '-'}`),
      ['src/app.ts run', 'test/app.test.ts -'],
    );
    const { out } = workspace.run('graph', 'Store.loadItem');
    assert.match(out, /^Store\.loadItem {2}method {2}src\/store\.ts:3\n/);
    assert.match(out, /called by \(2\):\n {4}run {2}src\/app\.ts:2 {2}called at line 3\n/);
  });

  it('shows references with their lines', () => {
    const [item] = ask('Item', '--references').definitions;
    assert.deepEqual(
      item!.references!.map(({ path, line, kind }) => `${path}:${line} ${kind}`),
      ['src/app.ts:1 import', 'src/app.ts:2 type', 'src/store.ts:3 type'],
    );
    const { out } = workspace.run('graph', 'Item', '--references');
    assert.match(out, /3 references in 2 files: 2 uses as a type, 1 import\n/);
    assert.match(out, / {4}2 {2}type {4}export function run\(\): Item \{\n/);
    const short = ask('Item', '--references', '--limit', '1').definitions[0]!;
    assert.deepEqual([short.references!.length, short.total], [1, 3]);
  });

  it('leaves out files that changed while nothing was indexed, and says so', () => {
    workspace.run('index');
    workspace.write('src/app.ts', 'export const run = 1;\n');
    const { out } = workspace.run('graph', 'Item', '--references', '--no-index');
    assert.match(out, /1 file changed since/);
    assert.doesNotMatch(out, /src\/app\.ts/);
  });

  it('finds similar names for one that nobody defines', () => {
    const { code, err } = workspace.run('graph', 'Store.loadItems');
    assert.equal(code, 1);
    assert.match(err, /No symbol is called "Store\.loadItems"\. Similar: Store\.loadItem\./);
  });

  it('takes any text as a name', () => {
    const names: string[][] = [
      ['a.*(b'],
      ['::'],
      ['x'.repeat(5_000)],
      ['__proto__'],
      ['[', '--references'],
      ['naïve', '--references'],
    ];
    for (const asked of names) {
      const { code, err } = workspace.run('graph', ...asked);
      assert.equal(code, 1, `${asked.join(' ')}: ${err}`);
      assert.ok(err.length < 400, err);
    }
    const { code, err } = workspace.run('graph', '  ');
    assert.equal(code, 2);
    assert.match(err, /the symbol name is empty/);
    assert.equal(workspace.run('graph', 'run', '--callers', '--references').code, 2);
    assert.equal(workspace.run('graph', 'run', '--depth', '11').code, 2);
  });

  it('answers for a name that is defined 2,000 times, and says how many more there are', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `function same() { return ${i}; }\n`).join('');
    workspace.write('src/many.js', many);
    const { more, definitions } = ask('same');
    assert.equal(definitions.length + more, 2_000);
    assert.match(workspace.run('graph', 'same').out, /… and 1,980 definitions more of this name/);
  });

  it('names symbols by beginnings, word beginnings and with a typo', () => {
    const found = (name: string): string[] =>
      workspace
        .run('symbol', name)
        .out.split('\n')
        .filter((line) => line.startsWith('src/'));
    for (const name of ['loadItem', 'loadI', 'lI', 'laodItem'])
      assert.match(found(name)[0] ?? '', /^src\/store\.ts:3 {2}method Store › loadItem$/);
  });
});
