import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scopeSeparator } from '../../core/chunk/types.ts';
import { lineStartsOf } from '../../core/lexical/lineStarts.ts';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { analyzeText, languageOf, languages, openSyntax, type Syntax, type TextAnalysis } from '../../syntax/index.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');
const wordPiece = createWordPiece(readFileSync(path.join(dist, 'wordpiece.txt'), 'utf8'));
let syntax: Syntax;
const analyze = (file: string, text: string, deadlineMs = 5_000): Promise<TextAnalysis> =>
  analyzeText(file, text, { syntax, wordPiece, deadlineMs });

/** Every line in exactly one chunk, in order; nothing beyond what the model sees but single long lines. */
function assertWhole(file: string, text: string, { chunks }: TextAnalysis): void {
  let next = 1;
  for (const chunk of chunks) {
    assert.equal(chunk.startLine, next, `${file}: line ${next}`);
    assert.ok(chunk.endLine >= chunk.startLine);
    next = chunk.endLine + 1;
    const body = text
      .split('\n')
      .slice(chunk.startLine - 1, chunk.endLine)
      .join('\n');
    const scopeLine = wordPiece.count(chunk.scope === '' ? file : `${file}${scopeSeparator}${chunk.scope}`);
    const seen = wordPiece.count(body) + scopeLine + 2;
    if (chunk.truncated) assert.ok(wordPiece.count(body) > 400, 'only what is long is cut');
    else assert.ok(seen <= 512, `${file}:${chunk.startLine}-${chunk.endLine} has ${seen} tokens`);
  }
  assert.equal(next, lineStartsOf(text).length, `${file}: the last lines`);
}

const symbolTable: [file: string, text: string, expected: string[]][] = [
  [
    'a.ts',
    'export class Box {\n  size = 1;\n  open(): void {}\n}\nexport const make = () => new Box();\ninterface Lid {}\n',
    ['class Box:1', 'property Box›size:2', 'method Box›open:3', 'function make:5', 'interface Lid:6'],
  ],
  [
    'a.py',
    'class Box:\n    def open(self):\n        """Opens."""\n\ndef make():\n    pass\nLIMIT = 3\n',
    ['class Box:1', 'method Box›open:2', 'function make:5', 'constant LIMIT:7'],
  ],
  [
    'a.go',
    'package a\n\ntype Box struct{}\n\nfunc (b *Box) Open() {}\n\nfunc Make() *Box { return nil }\n',
    ['struct Box:3', 'method Open:5', 'function Make:7'],
  ],
  [
    'a.rs',
    'pub struct Size { w: u32 }\nimpl Size {\n    pub fn area(&self) -> u32 { 1 }\n}\nfn main() {}\n',
    ['struct Size:1', 'class Size:2', 'method Size›area:3', 'function main:5'],
  ],
  [
    'A.java',
    'class Box {\n  int size;\n  Box() {}\n  void open() {}\n}\n',
    ['class Box:1', 'property Box›size:2', 'constructor Box›Box:3', 'method Box›open:4'],
  ],
  [
    'a.c',
    '#define MAX 3\nstruct box { int size; };\nstatic int *open_box(struct box *b) { return 0; }\n',
    ['macro MAX:1', 'struct box:2', 'function open_box:3'],
  ],
  [
    'a.cpp',
    'namespace shop {\nclass Box {\n public:\n  void open() {}\n};\n}\nvoid shop::close(int x) {}\n',
    ['module shop:1', 'class shop›Box:2', 'method shop›Box›open:4', 'method shop::close:7'],
  ],
  [
    'a.cs',
    'namespace Shop {\n  class Box {\n    public int Size { get; }\n    void Open() {}\n  }\n}\n',
    ['module Shop:1', 'class Shop›Box:2', 'property Shop›Box›Size:3', 'method Shop›Box›Open:4'],
  ],
  [
    'a.rb',
    'module Shop\n  class Box\n    def open\n    end\n  end\nend\n',
    ['module Shop:1', 'class Shop›Box:2', 'method Shop›Box›open:3'],
  ],
  [
    'a.php',
    '<?php\nclass Box {\n  function open() {}\n}\nfunction make() {}\n',
    ['class Box:2', 'method Box›open:3', 'function make:5'],
  ],
  [
    'a.kt',
    'class Box {\n  fun open() {}\n}\nfun make() = Box()\n',
    ['class Box:1', 'method Box›open:2', 'function make:4'],
  ],
  [
    'a.swift',
    'class Box {\n  func open() {}\n}\nfunc make() {}\n',
    ['class Box:1', 'method Box›open:2', 'function make:4'],
  ],
  [
    'a.scala',
    'object Shop {\n  def open(): Unit = ()\n}\ntrait Lid\n',
    ['class Shop:1', 'method Shop›open:2', 'trait Lid:4'],
  ],
  ['a.sh', 'open_box() {\n  echo hi\n}\n', ['function open_box:1']],
  ['a.lua', 'local function open()\nend\nfunction Box.close()\nend\n', ['function open:1', 'function Box.close:3']],
  ['a.zig', 'const Box = struct {\n    pub fn open() void {}\n};\n', ['struct Box:1', 'method Box›open:2']],
  ['a.ex', 'defmodule Shop.Box do\n  def open(a), do: a\nend\n', ['module Shop.Box:1', 'function Shop.Box›open:2']],
  [
    'A.hs',
    'module A where\n\ndata Box = Box\n\nopen :: Box -> Int\nopen b = 1\n',
    ['type Box:3', 'function open:5', 'function open:6'],
  ],
  ['a.dart', 'class Box {\n  void open() {}\n}\n', ['class Box:1', 'method Box›open:2']],
  ['A.svelte', '<script lang="ts">\n  export function open() {}\n</script>\n\n<p>hi</p>\n', ['function open:2']],
  ['A.vue', '<template>\n  <p>hi</p>\n</template>\n<script>\nfunction open() {}\n</script>\n', ['function open:5']],
  ['a.md', '# One\n\n## Two\n\n```sh\n# no heading\n```\n', ['section One:1', 'section One›Two:3']],
];

describe('analyzeText', function () {
  this.timeout(20_000);
  before(async () => {
    syntax = await openSyntax({
      wasmFile: path.join(dist, 'web-tree-sitter.wasm'),
      grammarDir: path.join(dist, 'grammars'),
    });
  });

  for (const [file, text, expected] of symbolTable) {
    it(`finds the definitions of ${languageOf(file)!.id}`, async () => {
      const analysis = await analyze(file, text);
      assert.deepEqual(analysis.notes, []);
      assert.deepEqual(
        analysis.symbols.map(({ kind, container, name, line }) => `${kind} ${[...container, name].join('›')}:${line}`),
        expected,
      );
      assertWhole(file, text, analysis);
    });
  }

  it('can use every grammar and query', async () => {
    for (const language of languages)
      if (language.grammar !== undefined) assert.notEqual(await syntax.load(language), null, language.id);
    assert.deepEqual(syntax.takeProblems(), []);
  });

  it('gives signatures without bodies', async () => {
    const { symbols } = await analyze(
      'a.ts',
      'export async function open(\n  a: string,\n  b = { c: 1 },\n): Promise<void> {\n  body();\n}\n',
    );
    assert.equal(symbols[0]!.signature, 'async function open( a: string, b = { c: 1 }, ): Promise<void>');
  });

  it('tells comments and doc strings from code', async () => {
    const text = 'def f():\n    """Says what."""\n    return 1  # and why\n';
    const { comments } = await analyze('a.py', text);
    const found: string[] = [];
    for (let i = 0; i < comments.length; i += 2) found.push(text.slice(comments[i], comments[i + 1]));
    assert.deepEqual(found, ['"""Says what."""', '# and why']);
  });

  it('keeps a doc comment with its function and a large class in parts', async () => {
    const method = (i: number): string =>
      `  /** Step ${i} of the long way. */\n  step${i}(): number {\n${'    this.count += this.weight * 3;\n'.repeat(12)}    return ${i};\n  }\n`;
    const text = `export class Walk {\n${[1, 2, 3, 4, 5].map(method).join('\n')}}\n`;
    const analysis = await analyze('walk.ts', text);
    assertWhole('walk.ts', text, analysis);
    assert.ok(analysis.chunks.length >= 3);
    const lines = text.split('\n');
    for (const { startLine, scope } of analysis.chunks) {
      assert.match(lines[startLine - 1]!, /^export class|\/\*\* Step/);
      assert.match(scope, /^Walk/);
    }
  });

  it('falls back to lines when time is up', async () => {
    const text = 'const a = [1, 2, 3];\n'.repeat(20_000);
    const analysis = await analyze('a.ts', text, 0);
    assert.equal(analysis.chunkedBy, 'lines');
    assertWhole('a.ts', text, analysis);
  });

  it('says so when a grammar cannot be used', async () => {
    const bare = await openSyntax({ wasmFile: path.join(dist, 'web-tree-sitter.wasm'), grammarDir: '/nowhere' });
    const analysis = await analyzeText('a.go', 'package a\n', { syntax: bare, wordPiece, deadlineMs: 1000 });
    assert.equal(analysis.chunkedBy, 'lines');
    assert.match(analysis.notes[0]!, /^go: the grammar cannot be used/);
  });

  const odd: [name: string, text: string][] = [
    ['empty', ''],
    ['without a final newline', 'a\nb'],
    ['with Windows line ends', 'function a() {\r\n}\r\n\r\nfunction b() {\r\n}\r\n'],
    ['of one very long line', `const a = "${'word '.repeat(40_000)}";\n`],
    ['with NULs and emoji', 'const a = "\0🚀";\n\n\n\nlet b;\n'],
    ['of blank lines', '\n\n\n\n'],
    ['of broken syntax', 'class {{{ function ( => \n'.repeat(300)],
  ];
  for (const [name, text] of odd) {
    for (const file of ['a.ts', 'a.py', 'a.md', 'a.txt']) {
      it(`covers a ${file.slice(2)} file ${name}`, async () => assertWhole(file, text, await analyze(file, text)));
    }
  }

  it('covers its own sources however they are torn', async () => {
    const source = readFileSync(path.join(dist, '../syntax/findSymbols.ts'), 'utf8');
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    for (let round = 0; round < 40; round++) {
      const start = random(source.length);
      const text = source.slice(start, start + random(source.length)) + source.slice(random(source.length));
      assertWhole('torn.ts', text, await analyze('torn.ts', text));
    }
  });
});

describe('languageOf', () => {
  const cases: [file: string, firstLine: string, id: string | undefined][] = [
    ['src/a.TS', '', 'typescript'],
    ['Makefile', '', 'makefile'],
    ['bin/run', '#!/usr/bin/env -S python3 -u', 'python'],
    ['bin/run', '#!/bin/bash', 'bash'],
    ['bin/run', '#!/usr/bin/python3.11', 'python'],
    ['LICENSE', 'MIT', undefined],
    ['a.b/c', '', undefined],
  ];
  for (const [file, firstLine, id] of cases) {
    it(`${file} ${firstLine} → ${id ?? 'unknown'}`, () => assert.equal(languageOf(file, firstLine)?.id, id));
  }
});
