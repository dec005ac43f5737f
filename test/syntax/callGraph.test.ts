import assert from 'node:assert/strict';
import type { CodeGraph } from '../../core/graph/codeGraph.ts';
import { callTree } from '../../core/graph/callTree.ts';
import { analyze, graphOf, type Files } from './graphOf.ts';

/** Each call that is resolved: `file:caller -> file:callee`. */
const cases: [title: string, files: Files, expected: string[]][] = [
  [
    'TypeScript: named, renamed, default and namespace imports, re-exports, shadowing names elsewhere',
    {
      'src/lib/open.ts':
        'export function open() {}\nexport default function close() {}\nexport const shut = () => open();\n',
      'src/lib/index.ts': "export * from './open';\nexport { default as slam } from './open.js';\n",
      'src/other.ts': 'export function open() {}\n',
      'src/app.ts':
        "import { open as unlock, slam } from './lib';\nimport close from './lib/open';\nimport * as lib from './lib/open';\n" +
        'export function run() {\n  unlock();\n  slam();\n  close();\n  lib.shut();\n  missing();\n}\n',
    },
    [
      'src/app.ts:run -> src/lib/open.ts:close',
      'src/app.ts:run -> src/lib/open.ts:close',
      'src/app.ts:run -> src/lib/open.ts:open',
      'src/app.ts:run -> src/lib/open.ts:shut',
      'src/lib/open.ts:shut -> src/lib/open.ts:open',
    ],
  ],
  [
    'TypeScript: members by this, by written types, by new, by return types and by base classes',
    {
      'base.ts': 'export abstract class Base<T extends Map<string, T>> {\n  start(): void {}\n}\n',
      'engine.ts':
        "import { Base } from './base';\nexport class Engine extends Base<any> {\n  stop(): void {}\n  static make(): Engine { return new Engine(); }\n}\n",
      'other.ts': 'export class Other { stop() {} start() {} }\n',
      'car.ts':
        "import { Engine } from './engine';\nimport type { Other } from './other';\nexport class Car {\n  #engine = new Engine();\n  constructor(private other: Other) {}\n" +
        '  drive(spare: Engine | null) {\n    this.#engine.start();\n    this.other.stop();\n    this.park();\n    spare?.stop();\n    const made = Engine.make();\n    made.stop();\n  }\n  park() {}\n}\n',
    },
    [
      'car.ts:#engine -> engine.ts:Engine',
      'car.ts:drive -> base.ts:start',
      'car.ts:drive -> car.ts:park',
      'car.ts:drive -> engine.ts:make',
      'car.ts:drive -> engine.ts:stop',
      'car.ts:drive -> engine.ts:stop',
      'car.ts:drive -> other.ts:stop',
      'engine.ts:make -> engine.ts:Engine',
    ],
  ],
  [
    'TypeScript: tsconfig paths with comments, workspace packages with exports',
    {
      'tsconfig.json': '{\n  // aliases\n  "compilerOptions": { "paths": { "@/*": ["./src/*"], }, },\n}\n',
      'packages/core/package.json':
        '{"name": "@acme/core", "exports": {".": "./dist/index.js", "./deep": {"import": "./dist/deep/main.js"}}}',
      'packages/core/src/index.ts': 'export const make = () => 1;\n',
      'packages/core/src/deep/main.ts': 'export const dig = () => 1;\n',
      'src/util.ts': 'export const trim = () => 1;\n',
      'src/app.ts':
        "import { make } from '@acme/core';\nimport { dig } from '@acme/core/deep';\nimport { trim } from '@/util';\nimport { make as no } from 'elsewhere';\nexport const run = () => { make(); dig(); trim(); no(); };\n",
    },
    [
      'src/app.ts:run -> packages/core/src/deep/main.ts:dig',
      'src/app.ts:run -> packages/core/src/index.ts:make',
      'src/app.ts:run -> src/util.ts:trim',
    ],
  ],
  [
    'TypeScript: results by a return type too long for the signature, by what is returned, by returning itself',
    {
      'store.ts':
        'export interface Store { dispatch(): void }\nexport class Builder {\n  add() { return this; }\n  build() { return new Built(); }\n}\n' +
        'export class Built { finish() {} }\n' +
        `export function createStore(${Array.from({ length: 12 }, (_, i) => `parameterNumber${i}: string`).join(', ')}): Store { return null!; }\n`,
      'app.ts':
        "import { Builder, createStore } from './store';\nexport function run() {\n  const store = createStore();\n  store.dispatch();\n" +
        '  new Builder().add().add().build().finish();\n}\n',
    },
    [
      'app.ts:run -> store.ts:Builder',
      'app.ts:run -> store.ts:add',
      'app.ts:run -> store.ts:add',
      'app.ts:run -> store.ts:build',
      'app.ts:run -> store.ts:createStore',
      'app.ts:run -> store.ts:dispatch',
      'app.ts:run -> store.ts:finish',
      'store.ts:build -> store.ts:Built',
    ],
  ],
  [
    'TypeScript: the closest definition of a name in nameless callbacks, with its overloads',
    {
      'a.test.ts':
        "it('one', () => {\n  const make = () => 1;\n  make();\n});\nconst between = 1;\nit('two', () => {\n  const make = () => 2;\n  make();\n});\n" +
        'function load(a: string): void;\nfunction load(a: number): void;\nfunction load(a: unknown) {}\nload(1);\n',
    },
    [
      'a.test.ts: -> a.test.ts:load',
      'a.test.ts: -> a.test.ts:load',
      'a.test.ts: -> a.test.ts:load',
      'a.test.ts: -> a.test.ts:make',
      'a.test.ts: -> a.test.ts:make',
    ],
  ],
  [
    'TypeScript: parameters and variables hide what else has their name, as far as they are known',
    {
      'got.ts': 'export function got() {}\nexport function close() {}\nexport function send() {}\n',
      'a.test.ts':
        "import { close, got, send } from './got';\nit('one', (t, got) => {\n  got();\n  close();\n});\n" +
        "it('two', ({ close, send: sent }) => {\n  close();\n  sent();\n  send();\n  for (const got of sent) {\n    got();\n  }\n  got();\n});\n",
      'b.js': "import { got } from './got';\nexport const run = (got) => got();\nexport const go = () => got();\n",
    },
    ['a.test.ts: -> got.ts:close', 'a.test.ts: -> got.ts:got', 'a.test.ts: -> got.ts:send', 'b.js:go -> got.ts:got'],
  ],
  [
    'TypeScript: a definition inside a function is not hidden by a parameter around it',
    { 'a.ts': 'export function run(step) {\n  {\n    function step() {}\n    step();\n  }\n}\n' },
    ['a.ts:run -> a.ts:step'],
  ],
  [
    'TypeScript: a parameter without a type is taken for what its namesakes in the file are written to be',
    {
      'context.ts': 'export class Context {\n  text() {}\n}\nexport class Reply {\n  text() {}\n}\n',
      'app.ts':
        "import { Context, Reply } from './context';\nexport const typed = (c: Context) => c.text();\napp.get('/', (c) => {\n  c.text();\n});\n" +
        "export const made = () => {\n  const r = new Reply();\n  return r.text();\n};\napp.get('/b', (r) => r.send().text());\n",
    },
    [
      'app.ts: -> context.ts:text',
      'app.ts:made -> context.ts:Reply',
      'app.ts:made -> context.ts:text',
      'app.ts:typed -> context.ts:text',
    ],
  ],
  [
    'TypeScript: a parameter of a callback is what the function that takes the callback writes, there or in a named type',
    {
      'setup.ts':
        'export class Context {\n  fetch() {}\n}\nexport class Tools {\n  spy() {}\n}\nexport type Handler = (tools: Tools, context: Context) => void;\n' +
        'export function suite<T extends (a: string) => void>(options: { a: (b: T) => void }, run?: undefined | ((context: Context, ...tools: Tools[]) => void)) {}\n' +
        'export class App {\n  on(...handlers: Handler[]): this {\n    return this;\n  }\n}\nexport function each(list: string[], run: (item: string) => void) {}\n',
      'app.test.ts':
        "import { App, each, suite } from './setup';\nsuite({}, (context, first, second) => {\n  context.fetch();\n  second.spy();\n});\n" +
        'const app = new App();\napp.on((tools) => tools.spy()).on((a, b) => {}, function (tools, context) {\n  context.fetch();\n});\n' +
        'each([], (item) => item.spy());\neach.call(null, (app) => app.on((app) => app.on()));\n',
    },
    [
      'app.test.ts: -> setup.ts:each',
      'app.test.ts: -> setup.ts:fetch',
      'app.test.ts: -> setup.ts:fetch',
      'app.test.ts: -> setup.ts:on',
      'app.test.ts: -> setup.ts:on',
      'app.test.ts: -> setup.ts:spy',
      'app.test.ts: -> setup.ts:spy',
      'app.test.ts: -> setup.ts:suite',
      'app.test.ts:app -> setup.ts:App',
    ],
  ],
  [
    'TypeScript: modules that are passed on under a name, values that are members of others',
    {
      'schema.ts':
        'export class Schema {\n  static create = (): Schema => new Schema();\n  parse() {}\n}\nexport const text = Schema.create;\n',
      'external.ts': "export * from './schema';\n",
      'index.ts':
        "import * as z from './external';\nexport { z };\nexport default z;\nexport * as zed from './external';\n",
      'app.ts':
        "import { z, zed } from './index';\nimport def from './index';\nexport class App {\n  schema = new z.Schema();\n  run() {\n    z.text().parse();\n    zed.text();\n    def.text();\n" +
        '    const mine = this.schema;\n    mine.parse();\n  }\n}\n',
    },
    [
      'app.ts:run -> schema.ts:parse',
      'app.ts:run -> schema.ts:parse',
      'app.ts:run -> schema.ts:text',
      'app.ts:run -> schema.ts:text',
      'app.ts:run -> schema.ts:text',
      'app.ts:schema -> schema.ts:Schema',
      'schema.ts:create -> schema.ts:Schema',
    ],
  ],
  [
    'TypeScript: values that can be called, by call signatures, function types of members, and intersections',
    {
      'types.ts':
        'export interface Reply {\n  text: () => Promise<string>;\n}\nexport type Request = {\n  (url: string): Reply;\n};\n' +
        'export type Client = {\n  extend: (\n    options: object,\n  ) => Client;\n  get?: (url: string) => Reply;\n} & Record<string, unknown> & Request;\n' +
        'export type Load = (url: string) => Reply;\nexport type Copy = Pick<Reply, "text">;\nexport interface Options {\n  load: Load;\n}\n',
      'client.ts': "import type { Client } from './types';\nexport const client: Client = make();\n",
      'app.ts':
        "import { client } from './client';\nimport type { Copy, Options, Reply } from './types';\nexport function run(options: Options, copy: Copy) {\n" +
        "  client('a').text();\n  client.extend({}).get('b').text();\n  const mine = client.extend({ retry: 2 }).extend({});\n  mine('c').text();\n" +
        "  options.load('d').text();\n  copy.text();\n}\nexport function last<T extends Reply>(reply: T) {\n  reply.text();\n}\n",
    },
    [
      'app.ts:last -> types.ts:text',
      'app.ts:run -> client.ts:client',
      'app.ts:run -> types.ts:extend',
      'app.ts:run -> types.ts:extend',
      'app.ts:run -> types.ts:extend',
      'app.ts:run -> types.ts:get',
      'app.ts:run -> types.ts:load',
      'app.ts:run -> types.ts:text',
      'app.ts:run -> types.ts:text',
      'app.ts:run -> types.ts:text',
      'app.ts:run -> types.ts:text',
      'app.ts:run -> types.ts:text',
    ],
  ],
  [
    'TypeScript: what returns itself is of the type it was called on; long arguments in a chain are passed over',
    {
      'schema.ts':
        'export interface Schema {\n  refine(check: unknown): this;\n}\nexport interface Text extends Schema {\n  min(length: number): this;\n}\n' +
        'export function text(): Text {\n  return null!;\n}\n',
      'app.ts':
        "import { text } from './schema';\nexport function run() {\n  text().refine(1).min(2);\n" +
        `  text().refine({ ${Array.from({ length: 20 }, (_, i) => `option${i}: { value: (${i}) }`).join(', ')} }).min(3);\n}\n`,
    },
    [
      'app.ts:run -> schema.ts:min',
      'app.ts:run -> schema.ts:min',
      'app.ts:run -> schema.ts:refine',
      'app.ts:run -> schema.ts:refine',
      'app.ts:run -> schema.ts:text',
      'app.ts:run -> schema.ts:text',
    ],
  ],
  [
    'a member of an unknown value is the only one of its name, but neither a global one nor one that tests define',
    {
      'race.ts': 'export class Runner {\n  raceAll() {}\n  settle() {}\n}\n',
      'tests/fake.ts': 'export class Fake {\n  pretend() {}\n}\n',
      'app.ts':
        'export function run(it) {\n  it.raceAll();\n  Runners.raceAll();\n  it.pretend();\n  it.settle();\n}\n',
    },
    ['app.ts:run -> race.ts:raceAll', 'app.ts:run -> race.ts:settle'],
  ],
  [
    'JavaScript: require, and cycles of re-exports',
    {
      'a.js': "export * from './b.js';\n",
      'b.js': "export * from './a.js';\n",
      'c.js': 'function help() {}\nmodule.exports = { help };\n',
      'd.js':
        "const { help } = require('./c');\nconst c = require('./c');\nimport { lost } from './a.js';\nfunction go() { help(); c.help(); lost(); }\n",
    },
    ['d.js:go -> c.js:help', 'd.js:go -> c.js:help'],
  ],
  [
    'Python: packages, relative imports, attributes, classes',
    {
      'pkg/__init__.py': 'from .core import Engine\n',
      'pkg/core.py':
        'from . import tools\nfrom pkg.tools import helper as h\n\nclass Base:\n    def start(self):\n        pass\n\nclass Engine(Base):\n    def __init__(self):\n        self.tool = tools.Tool()\n    def run(self, other: "Engine"):\n        self.start()\n        other.run()\n        self.tool.use()\n        h()\n        super().start()\n',
      'pkg/tools.py': 'class Tool:\n    def use(self): pass\n\ndef helper(): pass\n',
      'main.py':
        'import pkg.tools\nfrom pkg import Engine\n\ndef main():\n    engine = Engine()\n    engine.run(engine)\n    pkg.tools.helper()\n    print()\n',
    },
    [
      'main.py:main -> pkg/core.py:Engine',
      'main.py:main -> pkg/core.py:run',
      'main.py:main -> pkg/tools.py:helper',
      'pkg/core.py:__init__ -> pkg/tools.py:Tool',
      'pkg/core.py:run -> pkg/core.py:run',
      'pkg/core.py:run -> pkg/core.py:start',
      'pkg/core.py:run -> pkg/core.py:start',
      'pkg/core.py:run -> pkg/tools.py:helper',
      'pkg/core.py:run -> pkg/tools.py:use',
    ],
  ],
  [
    'Python: results by what a function returns',
    {
      'app.py':
        'class App:\n    def chain(self):\n        return self\n    def stop_it(self):\n        pass\n\n' +
        'class Other:\n    def stop_it(self):\n        pass\n\ndef make():\n    return App()\n\ndef main():\n    make().chain().stop_it()\n',
    },
    [
      'app.py:main -> app.py:chain',
      'app.py:main -> app.py:make',
      'app.py:main -> app.py:stop_it',
      'app.py:make -> app.py:App',
    ],
  ],
  [
    'Go: module paths, packages of several files, receivers, fields',
    {
      'go.mod': 'module example.com/app\n',
      'store/store.go': 'package store\n\ntype Store struct{}\n\nfunc New() *Store { return &Store{} }\n',
      'store/get.go': 'package store\n\nfunc (s *Store) Get() { s.open() }\n\nfunc (s *Store) open() {}\n',
      'main.go':
        'package main\n\nimport (\n\t"fmt"\n\tst "example.com/app/store"\n)\n\ntype App struct {\n\tstore *st.Store\n}\n\nfunc (a *App) Run() {\n\ta.store.Get()\n\thelp()\n\tfmt.Println()\n}\n\nfunc main() {\n\ts := st.New()\n\ts.Get()\n}\n',
      'help.go': 'package main\n\nfunc help() {}\n',
    },
    [
      'main.go:Run -> help.go:help',
      'main.go:Run -> store/get.go:Get',
      'main.go:main -> store/get.go:Get',
      'main.go:main -> store/store.go:New',
      'store/get.go:Get -> store/get.go:open',
      'store/store.go:New -> store/store.go:Store',
    ],
  ],
  [
    'Rust: modules, use trees, impl blocks, other crates',
    {
      'crates/grep/Cargo.toml': '[package]\nname = "grep-core"\nversion = "1.0.0"\n',
      'crates/grep/src/lib.rs': 'pub mod search;\npub fn version() {}\n',
      'crates/grep/src/search.rs':
        'pub struct Searcher { n: u8 }\n\nimpl Searcher {\n    pub fn new() -> Searcher { Searcher { n: 1 } }\n    pub fn run(&self) { self.step(); }\n    fn step(&self) {}\n}\n',
      'app/src/main.rs':
        'mod args;\nuse grep_core::{search::Searcher, version};\nuse crate::args::parse;\n\nfn main() {\n    let s = Searcher::new();\n    s.run();\n    version();\n    parse();\n    args::more();\n}\n',
      'app/src/args.rs': 'pub fn parse() {}\npub fn more() {}\n',
    },
    [
      'app/src/main.rs:main -> app/src/args.rs:more',
      'app/src/main.rs:main -> app/src/args.rs:parse',
      'app/src/main.rs:main -> crates/grep/src/lib.rs:version',
      'app/src/main.rs:main -> crates/grep/src/search.rs:new',
      'app/src/main.rs:main -> crates/grep/src/search.rs:run',
      'crates/grep/src/search.rs:new -> crates/grep/src/search.rs:Searcher',
      'crates/grep/src/search.rs:run -> crates/grep/src/search.rs:step',
    ],
  ],
  [
    'Go: embedded structs and interfaces, several modules in one repository, replace',
    {
      'go.mod': 'module example.com/app\n\nreplace example.com/lib => ./third/lib\n',
      'tools/go.mod': 'module example.com/app/tools\n',
      'tools/gen/gen.go': 'package gen\n\nfunc Generate() {}\n',
      'third/lib/lib.go': 'package lib\n\nfunc Load() {}\n',
      'page/page.go':
        'package page\n\ntype Kinder interface {\n\tKind() string\n}\n\ntype Page interface {\n\tKinder\n}\n\ntype Base struct{}\n\nfunc (b *Base) Close() {}\n',
      'main.go':
        'package main\n\nimport (\n\t"example.com/app/page"\n\t"example.com/app/tools/gen"\n\t"example.com/lib"\n)\n\ntype App struct {\n\tpage.Base\n}\n\nfunc run(p page.Page, a *App) {\n\tp.Kind()\n\ta.Close()\n\ta.Base.Close()\n\tgen.Generate()\n\tlib.Load()\n}\n',
    },
    [
      'main.go:run -> page/page.go:Close',
      'main.go:run -> page/page.go:Close',
      'main.go:run -> page/page.go:Kind',
      'main.go:run -> third/lib/lib.go:Load',
      'main.go:run -> tools/gen/gen.go:Generate',
    ],
  ],
  [
    'Rust: crates that pass others on, methods that a trait provides',
    {
      'crates/searcher/Cargo.toml': '[package]\nname = "grep-searcher"\n',
      'crates/searcher/src/lib.rs': 'pub use crate::searcher::Searcher;\nmod searcher;\npub mod sinks;\n',
      'crates/searcher/src/searcher.rs':
        'pub struct Searcher {}\npub trait Named {\n    fn label(&self) {}\n}\nimpl Named for Searcher {}\nimpl Searcher {\n    pub fn search(&self) {}\n}\n',
      'crates/searcher/src/sinks.rs': 'pub fn lossy() {}\n',
      'crates/grep/Cargo.toml': '[package]\nname = "grep"\n',
      'crates/grep/src/lib.rs': 'pub extern crate grep_searcher as searcher;\n',
      'src/main.rs':
        'use grep::searcher::sinks;\n\nfn run(s: &grep::searcher::Searcher) {\n    s.search();\n    s.label();\n    sinks::lossy();\n}\n',
    },
    [
      'src/main.rs:run -> crates/searcher/src/searcher.rs:label',
      'src/main.rs:run -> crates/searcher/src/searcher.rs:search',
      'src/main.rs:run -> crates/searcher/src/sinks.rs:lossy',
    ],
  ],
  [
    'TypeScript: paths of a tsconfig that another extends, imports of a package.json, JSX, decorators',
    {
      'tsconfig.base.json': '{"compilerOptions": {"baseUrl": ".", "paths": {"~/*": ["lib/*"]}}}',
      'web/tsconfig.json': '{"extends": "../tsconfig.base.json"}',
      'package.json': '{"name": "root", "workspaces": ["web"], "imports": {"#internal/*": "./lib/internal/*.js"}}',
      'lib/button.tsx': 'export const Button = () => null;\nexport default function Frame() { return null; }\n',
      'lib/internal/log.ts': 'export function log() {}\n',
      'web/app.tsx':
        "import Frame, { Button } from '~/button';\nimport { log } from '#internal/log';\nexport function App() {\n  log();\n  return <Frame><Button /></Frame>;\n}\n",
    },
    [
      'web/app.tsx:App -> lib/button.tsx:Button',
      'web/app.tsx:App -> lib/button.tsx:Frame',
      'web/app.tsx:App -> lib/internal/log.ts:log',
    ],
  ],
  [
    'Python: a package below src, the module of a test beside it',
    {
      'src/shop/__init__.py': '',
      'src/shop/cart.py':
        'class Cart:\n    @classmethod\n    def empty(cls):\n        return cls()\n    def add_item(self):\n        pass\n',
      'tests/test_cart.py':
        'from shop.cart import Cart\nimport shop.cart as c\n\ndef test_it():\n    Cart.empty().add_item()\n    c.Cart()\n',
    },
    [
      'tests/test_cart.py:test_it -> src/shop/cart.py:Cart',
      'tests/test_cart.py:test_it -> src/shop/cart.py:add_item',
      'tests/test_cart.py:test_it -> src/shop/cart.py:empty',
    ],
  ],
  [
    'Java: packages, same package, fields, static imports',
    {
      'src/com/acme/Tool.java':
        'package com.acme;\n\npublic class Tool {\n  public void use() {}\n  public static Tool make() { return new Tool(); }\n}\n',
      'src/com/acme/sub/Util.java': 'package com.acme.sub;\n\npublic class Util {\n  public static void help() {}\n}\n',
      'src/com/acme/App.java':
        'package com.acme;\n\nimport com.acme.sub.Util;\nimport static com.acme.sub.Util.help;\n\nclass App {\n  private Tool tool;\n  void run() {\n    tool.use();\n    Util.help();\n    help();\n    Tool.make().use();\n    other();\n  }\n  void other() {}\n}\n',
    },
    [
      'src/com/acme/App.java:run -> src/com/acme/App.java:other',
      'src/com/acme/App.java:run -> src/com/acme/Tool.java:make',
      'src/com/acme/App.java:run -> src/com/acme/Tool.java:use',
      'src/com/acme/App.java:run -> src/com/acme/Tool.java:use',
      'src/com/acme/App.java:run -> src/com/acme/sub/Util.java:help',
      'src/com/acme/App.java:run -> src/com/acme/sub/Util.java:help',
      'src/com/acme/Tool.java:make -> src/com/acme/Tool.java:Tool',
    ],
  ],
];

/** Languages where imports say less: a helper in another file is found, and so is one in the same file. */
const simple: [language: string, files: Files, expected: string[]][] = [
  ['kotlin', { 'a/Help.kt': 'package a\nfun help() {}\n', 'b/Main.kt': 'package b\nimport a.help\nfun main() {\n  help()\n  own()\n}\nfun own() {}\n' }, ['b/Main.kt:main -> a/Help.kt:help', 'b/Main.kt:main -> b/Main.kt:own']],
  ['scala', { 'a/Help.scala': 'package a\nobject Help {\n  def help() = 1\n}\n', 'b/Main.scala': 'import a.Help\nobject Main {\n  def run() = {\n    Help.help()\n    own()\n  }\n  def own() = 1\n}\n' }, ['b/Main.scala:run -> a/Help.scala:help', 'b/Main.scala:run -> b/Main.scala:own']],
  ['c', { 'help.h': 'void help(int a);\n', 'main.c': '#include "help.h"\nstatic void own(void) {}\nint main(void) {\n  help(1);\n  own();\n  return 0;\n}\n' }, ['main.c:main -> help.h:help', 'main.c:main -> main.c:own']],
  ['cpp', { 'tool.hpp': 'class Tool {\n public:\n  void use() {}\n};\n', 'main.cpp': '#include "tool.hpp"\nint main() {\n  Tool tool;\n  tool.use();\n}\n' }, ['main.cpp:main -> tool.hpp:use']],
  ['csharp', { 'Tool.cs': 'namespace A {\n  public class Tool {\n    public void Use() {}\n  }\n}\n', 'Main.cs': 'using A;\nclass Program {\n  private Tool tool;\n  void Run() {\n    this.tool.Use();\n    Own();\n  }\n  void Own() {}\n}\n' }, ['Main.cs:Run -> Main.cs:Own', 'Main.cs:Run -> Tool.cs:Use']],
  ['ruby', { 'lib/tool.rb': 'class Tool\n  def use_it(a)\n  end\nend\n', 'main.rb': 'require_relative "lib/tool"\nclass App\n  def run\n    tool = Tool.new(1)\n    tool.use_it(1)\n    own(1)\n  end\n  def own(a)\n  end\nend\n' }, ['main.rb:run -> lib/tool.rb:use_it', 'main.rb:run -> main.rb:own']],
  ['php', { 'composer.json': '{"autoload": {"psr-4": {"App\\\\": "src/"}}}', 'src/Sub/Tool.php': '<?php\nnamespace App\\Sub;\nclass Tool {\n  public function use() {}\n}\n', 'src/Main.php': '<?php\nuse App\\Sub\\Tool;\nclass Main {\n  private Tool $tool;\n  function run() {\n    $this->tool->use();\n    $this->own();\n  }\n  function own() {}\n}\n' }, ['src/Main.php:run -> src/Main.php:own', 'src/Main.php:run -> src/Sub/Tool.php:use']],
  ['swift', { 'Tool.swift': 'class Tool {\n  func useIt() {}\n}\n', 'Main.swift': 'class Main {\n  func run() {\n    let tool = Tool()\n    tool.useIt()\n    own()\n  }\n  func own() {}\n}\n' }, ['Main.swift:run -> Main.swift:own', 'Main.swift:run -> Tool.swift:Tool', 'Main.swift:run -> Tool.swift:useIt']],
  ['dart', { 'lib/help.dart': 'void help() {}\n', 'lib/main.dart': "import 'help.dart';\nvoid main() {\n  help();\n}\n" }, ['lib/main.dart:main -> lib/help.dart:help']],
  ['bash', { 'lib.sh': 'help() {\n  echo 1\n}\n', 'main.sh': 'source ./lib.sh\nrun() {\n  help 1\n}\n' }, ['main.sh:run -> lib.sh:help']],
  ['lua', { 'x/y.lua': 'local M = {}\nfunction M.help() end\nreturn M\n', 'main.lua': 'local y = require("x.y")\nlocal function run()\n  y.help()\nend\n' }, ['main.lua:run -> x/y.lua:M.help']],
  ['zig', { 'tool.zig': 'pub fn help() void {}\n', 'main.zig': 'const tool = @import("tool.zig");\npub fn main() void {\n    tool.help();\n    own();\n}\nfn own() void {}\n' }, ['main.zig:main -> main.zig:own', 'main.zig:main -> tool.zig:help']],
  ['elixir', { 'lib/tool.ex': 'defmodule A.Tool do\n  def help(x), do: x\nend\n', 'lib/main.ex': 'defmodule Main do\n  alias A.Tool\n  def run(x) do\n    Tool.help(x)\n    own(x)\n  end\n  def own(x), do: x\nend\n' }, ['lib/main.ex:run -> lib/main.ex:own', 'lib/main.ex:run -> lib/tool.ex:help']],
  ['haskell', { 'A/Tool.hs': 'module A.Tool where\nhelp x = x\n', 'Main.hs': 'module Main where\nimport A.Tool (help)\nrun x = help x\n' }, ['Main.hs:run -> A/Tool.hs:help']],
  ['ocaml', { 'tool.ml': 'let help x = x\n', 'main.ml': 'let run x = Tool.help x\n' }, ['main.ml:run -> tool.ml:help']],
  ['solidity', { 'Tool.sol': 'library Tool {\n  function help(uint a) internal {}\n}\n', 'Main.sol': 'import "./Tool.sol";\ncontract Main {\n  function run() public {\n    Tool.help(1);\n    own();\n  }\n  function own() public {}\n}\n' }, ['Main.sol:run -> Main.sol:own', 'Main.sol:run -> Tool.sol:help']],
  ['objc', { 'main.m': 'static void own(int a) {}\n@implementation App\n- (void)run {\n  own(1);\n}\n@end\n' }, ['main.m:run -> main.m:own']],
  ['objc', { 'Tool.h': '@interface Tool\n- (void)useIt;\n@end\n', 'Tool.m': '#import "Tool.h"\n@implementation Tool\n- (void)useIt {}\n@end\n', 'App.m': '#import "Tool.h"\n@implementation App\n- (void)run {\n  Tool *tool = [[Tool alloc] init];\n  [tool useIt];\n}\n@end\n' }, ['App.m:run -> Tool.m:useIt']],
  ['powershell', { 'lib/help.ps1': 'function Get-Help2 { 1 }\n', 'main.ps1': '. ./lib/help.ps1\nfunction Run {\n  Get-Help2 1\n}\n' }, ['main.ps1:Run -> lib/help.ps1:Get-Help2']],
  ['vue', { 'help.ts': 'export function help() {}\n', 'App.vue': "<template><p/></template>\n<script setup lang=\"ts\">\nimport { help } from './help';\nfunction run() { help(); }\n</script>\n" }, ['App.vue:run -> help.ts:help']],
  ['ruby', { 'lib/mixin.rb': 'module Mixin\n  def mixed(a)\n  end\nend\n', 'main.rb': 'require_relative "lib/mixin"\nclass App\n  include Mixin\n  def run\n    mixed(1)\n  end\nend\n' }, ['main.rb:run -> lib/mixin.rb:mixed']],
  ['php', { 'src/Blend.php': '<?php\nnamespace App;\ntrait Blend {\n  public function blended() {}\n}\n', 'src/Main.php': '<?php\nnamespace App;\nclass Main {\n  use Blend;\n  function run() {\n    $this->blended();\n  }\n}\n' }, ['src/Main.php:run -> src/Blend.php:blended']],
  ['powershell', { 'main.ps1': 'function Own { 1 }\nfunction Run {\n  Own 1\n}\n' }, ['main.ps1:Run -> main.ps1:Own']],
  ['svelte', { 'help.ts': 'export function help() {}\n', 'App.svelte': "<script lang=\"ts\">\n  import { help } from './help';\n  function run() { help(); }\n</script>\n<p>x</p>\n" }, ['App.svelte:run -> help.ts:help']],
]; // prettier-ignore

describe('CodeGraph over real syntax', () => {
  const edgesOf = (graph: CodeGraph): string[] =>
    [...graph.all()]
      .map(
        ({ file, caller, callee }) =>
          `${file.path}:${caller?.symbol.name ?? ''} -> ${callee.file.path}:${callee.symbol.name}`,
      )
      .sort();

  for (const [title, files, expected] of cases)
    it(title, async () => assert.deepEqual(edgesOf(await graphOf(files)), [...expected].sort()));
  for (const [language, files, expected] of simple)
    it(`${language}: ${Object.keys(files).join(', ')}`, async () =>
      assert.deepEqual(edgesOf(await graphOf(files)), [...expected].sort()));

  it('follows a file that changes and one that goes', async () => {
    const files = {
      'a.ts': 'export function one() {}\n',
      'b.ts': "import { one } from './a';\nexport const run = () => one();\n",
    };
    const graph = await graphOf(files);
    assert.deepEqual(edgesOf(graph), ['b.ts:run -> a.ts:one']);
    graph.put((await analyze('a.ts', 'export function two() {}\n')).file);
    assert.deepEqual(edgesOf(graph), []);
    graph.remove('a.ts');
    assert.deepEqual(graph.definitions('two'), []);
    assert.deepEqual(graph.importsOf('b.ts'), []);
  });

  it('walks callers and callees over several hops, cycles once', async () => {
    const graph = await graphOf({
      'a.ts':
        'export function one() { two(); }\nexport function two() { three(); }\nexport function three() { one(); }\n',
    });
    const [two] = graph.definitions('two');
    const tree = callTree(graph, two!, { depth: 5, direction: 'both', limit: 100 });
    const shown = (edges: typeof tree.callers) =>
      edges.map(({ caller, callee, depth }) => `${depth} ${caller?.symbol.name ?? 'top'} -> ${callee.symbol.name}`);
    assert.deepEqual(shown(tree.callers), ['1 one -> two', '2 three -> one', '3 two -> three']);
    assert.deepEqual(shown(tree.callees), ['1 two -> three', '2 three -> one', '3 one -> two']);
    const short = callTree(graph, two!, { depth: 5, direction: 'callers', limit: 2 });
    assert.deepEqual([short.callers.length, short.callees.length, short.truncated], [2, 0, true]);
  });

  it('names imports of the workspace by file', async () => {
    const graph = await graphOf({
      'pkg/__init__.py': '',
      'pkg/a.py': 'from . import b\nfrom .c import thing\nimport os\n',
      'pkg/b.py': '',
      'pkg/c.py': 'thing = 1\n',
    });
    assert.deepEqual([...graph.importsOf('pkg/a.py')].sort(), ['pkg/__init__.py', 'pkg/b.py', 'pkg/c.py']);
  });

  it('says that a manifest cannot be read, and goes on', async () => {
    const { notes, file } = await analyze('web/package.json', '{"name": ');
    assert.match(notes[0]!, /^web\/package\.json cannot be read/);
    assert.deepEqual(file.links.roots, []);
  });

  it('reads callbacks that stand by thousands in one list, or one in the other', async () => {
    const list = Array.from({ length: 5_000 }, (_, i) => `(e) => e.run(${i})`).join(', ');
    const nested = `${'f((e) => e.go('.repeat(500)}1${'))'.repeat(500)}`;
    const graph = await graphOf({
      'x.js': 'export const e = { run() {}, go() {} };\n',
      'a.js': `import { e } from './x';\nregister(${list});\n${nested};\n`,
    });
    assert.equal([...graph.all()].filter(({ callee }) => callee.symbol.name === 'e').length, 0);
  });

  it('answers for a name that is defined 5,000 times, and for classes that inherit in a circle', async () => {
    const graph = await graphOf({
      'x.py':
        'class A(B):\n    def run(self):\n        self.go()\n\nclass B(A):\n    def stop(self):\n        self.run()\n',
    });
    const { file } = await analyze('f.py', 'def same(): pass\n\ndef go():\n    same()\n');
    for (let i = 0; i < 5_000; i++) graph.put({ ...structuredClone(file), path: `f${i}.py` });
    assert.equal(graph.definitions('same').length, 5_000);
    const go = graph.definitions('go').find((each) => each.file.path === 'f17.py')!;
    assert.deepEqual(
      graph.callees(go).map(({ callee }) => callee.file.path),
      ['f17.py'],
    );
    const same = graph.definitions('same').find((each) => each.file.path === 'f17.py')!;
    assert.deepEqual(
      graph.callers(same).map(({ caller }) => caller?.file.path),
      ['f17.py'],
    );
    assert.equal(graph.edges().target.length, 5_003);
    const [stop] = graph.definitions('B.stop');
    assert.deepEqual(
      graph.callees(stop!).map(({ callee }) => callee.symbol.name),
      ['run'],
    );
  });
});
