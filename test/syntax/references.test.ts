import assert from 'node:assert/strict';
import { findOccurrences } from '../../syntax/index.ts';
import { graphOf, syntaxForTests, type Files } from './graphOf.ts';

/** Uses of a definition as `path:line kind`, `inside` after it, in the order of the files. */
async function usesOf(symbol: string, files: Files): Promise<string[]> {
  const graph = await graphOf(files);
  const [definition] = graph.definitions(symbol);
  assert.ok(definition, `${symbol} is not defined`);
  const names = graph.namesOf(definition);
  const uses: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const occurrences = await findOccurrences(path, text, names, { syntax: await syntaxForTests(), deadlineMs: 5_000 });
    for (const { line, kind, inside } of graph.usesOf(definition, path, occurrences))
      uses.push(`${path}:${line} ${kind} ${inside?.symbol.name ?? '-'}`);
  }
  return uses;
}

const shop: Files = {
  'item.ts':
    'export interface Item { price: number }\nexport function free(item: Item) {}\nexport default class Cart {}\n',
  'index.ts': "export { free as gratis } from './item';\n",
  'app.ts':
    "import Basket, { free, type Item } from './item';\nimport * as all from './item';\n// Item in a comment\nconst text = 'Item';\n" +
    'export class Shop extends Basket {\n  items: Item[] = [];\n  has(item: Item): boolean {\n    this.items.map(free);\n    all.free(item);\n    const key = { free: 1, Item: 2 };\n    return key.free > `${free(item)}`;\n  }\n}\n',
  'other.ts': "import { Item } from 'elsewhere';\nexport const other = (free: Item) => free;\n",
};

describe('references', () => {
  it('finds types, values, calls and imports, and leaves out comments, strings, keys and others of the name', async () => {
    assert.deepEqual(await usesOf('Item', shop), [
      'item.ts:2 type free',
      'app.ts:1 import -',
      'app.ts:6 type items',
      'app.ts:7 type has',
    ]);
    assert.deepEqual(await usesOf('free', shop), [
      'index.ts:1 import -',
      'index.ts:1 import -',
      'app.ts:1 import -',
      'app.ts:8 value has',
      'app.ts:9 call has',
      'app.ts:11 call has',
    ]);
  });

  it('follows a default import under its other name', async () => {
    assert.deepEqual(await usesOf('Cart', shop), ['app.ts:1 import -', 'app.ts:5 type Shop']);
  });

  const cases: [title: string, symbol: string, files: Files, expected: string[]][] = [
    [
      'Python: annotations, bases, values, keyword arguments that only look like it',
      'Engine',
      {
        'engine.py': 'class Engine:\n    def run(self): pass\n',
        'app.py':
          'from engine import Engine as E\nimport engine\n\nclass Car(E):\n    parts: list[E] = []\n\ndef go(e: "str", x=engine.Engine):\n    return isinstance(e, E) or dict(Engine=1)\n',
      },
      [
        'app.py:1 import -',
        'app.py:1 import -',
        'app.py:4 type Car',
        'app.py:5 type parts',
        'app.py:7 member go',
        'app.py:8 value go',
      ],
    ],
    [
      'Go: types of other packages, method values',
      'Store.Get',
      {
        'go.mod': 'module example.com/a\n',
        'store/store.go': 'package store\n\ntype Store struct{}\n\nfunc (s *Store) Get() {}\n',
        'main.go':
          'package main\n\nimport "example.com/a/store"\n\nfunc run(s *store.Store) {\n\ts.Get()\n\tf := s.Get\n\tf()\n}\n',
      },
      ['main.go:6 call run', 'main.go:7 member run'],
    ],
    [
      'Rust: types in signatures and paths',
      'Searcher',
      {
        'src/lib.rs':
          'pub mod search;\nuse crate::search::Searcher;\nfn run(s: &Searcher) -> Option<Searcher> { None }\n',
        'src/search.rs': 'pub struct Searcher {}\n',
      },
      ['src/lib.rs:2 import -', 'src/lib.rs:3 type run', 'src/lib.rs:3 type run'],
    ],
    [
      'Java: fields, generics, casts',
      'Tool',
      {
        'a/Tool.java': 'package a;\npublic class Tool {}\n',
        'a/App.java':
          'package a;\nimport java.util.List;\nclass App {\n  List<Tool> tools;\n  Tool one(Object o) { return (Tool) o; }\n}\n',
      },
      ['a/App.java:4 type tools', 'a/App.java:5 type one', 'a/App.java:5 type one'],
    ],
    [
      'Svelte: the script of a component',
      'help',
      {
        'help.ts': 'export function help() {}\n',
        'App.svelte':
          '<script lang="ts">\n  import { help } from \'./help\';\n  const f = help;\n</script>\n<p>help</p>\n',
      },
      ['App.svelte:2 import -', 'App.svelte:3 value f'],
    ],
  ];
  for (const [title, symbol, files, expected] of cases)
    it(title, async () => assert.deepEqual(await usesOf(symbol, files), expected));

  it('reads a text that its grammar does not understand', async () => {
    const found = await findOccurrences('a.ts', 'class { ((( free } import free from\nfree(', ['free'], {
      syntax: await syntaxForTests(),
      deadlineMs: 5_000,
    });
    assert.deepEqual(
      found.map(({ line, column }) => `${line}:${column}`),
      ['1:13', '1:27', '2:1'],
    );
  });
});
