// Who may import whom: the import table of ARCHITECTURE.md as rules. What a folder does not list, it may not import.
// `says` is the sentence a developer reads when the rule fires.

const npm = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;

/** The nouns of the core (model, errors, cancel): plain files in core/, not its rooms. */
const coreNouns = '^core/[^/]+\\.ts$';
const engineDoor = '^server/engine/(index|types)\\.ts$';

/** A relative path that could not be resolved; no-unresolvable reports it. */
const nowhere = '^\\.(?!.*node_modules/)';

const folders = {
  protocol: {
    may: [npm('zod')],
    says: 'protocol/ is the shape of messages: zod and nothing else.',
  },
  core: {
    may: [],
    says: 'core/ is pure: no Node built-ins, no packages, no other folder. Take what it needs as an argument.',
  },
  syntax: {
    may: ['^core/', npm('web-tree-sitter')],
    node: true,
    says: 'syntax/ turns text into chunks and symbols: it knows core/ and web-tree-sitter.',
  },
  'server/system': {
    may: [],
    node: true,
    says: 'server/system is what several rooms ask of the operating system: it knows nothing of the product.',
  },
  'server/store': {
    may: ['^core/', '^server/system/', npm('sql\\.js')],
    node: true,
    says: 'The store knows core/ and its own folder; server/indexing and server/engine bring things together.',
  },
  'server/history': {
    may: ['^core/', '^server/system/'],
    node: true,
    says: 'server/history reads git and knows core/ and server/system/ alone; what is done with the past is decided by server/engine.',
  },
  'server/indexing': {
    may: ['^core/', '^syntax/', '^server/store/', npm('ignore')],
    node: true,
    says: 'Indexing uses the store, syntax/ and core/. It does not know the engine that drives it.',
  },
  'server/embedding': {
    may: [
      '^core/',
      '^server/system/',
      npm('@huggingface/tokenizers', 'onnxruntime-node', 'onnxruntime-common', 'http-proxy-agent', 'https-proxy-agent'),
    ],
    node: true,
    says: 'server/embedding finds, fetches and runs the model; it knows core/ and its own folder.',
  },
  'server/tokens': {
    may: ['^core/', npm('gpt-tokenizer')],
    node: true,
    says: 'server/tokens counts tokens in a thread of its own; it knows core/ and the encoding.',
  },
  'server/engine': {
    may: ['^core/', '^syntax/', '^server/(system|store|history|indexing|embedding|tokens)/'],
    node: true,
    says: 'The engine does not know its hosts: no language server, no command line, no editor, no zod.',
  },
  'server/lsp': {
    may: [engineDoor, coreNouns, '^protocol/', npm('vscode-languageserver[^/]*', 'vscode-jsonrpc', 'yaml')],
    node: true,
    says: 'The language server enters the engine by its door, server/engine/index.ts, not by its rooms.',
  },
  cli: {
    may: [
      engineDoor,
      coreNouns,
      '^protocol/',
      '^package\\.json$',
      npm('commander', 'yaml', '@modelcontextprotocol/server'),
    ],
    node: true,
    says: 'The command line enters the engine by its door, server/engine/index.ts, not by its rooms.',
  },
  extension: {
    may: ['^protocol/', '^vscode$', npm('vscode', 'vscode-languageclient')],
    node: true,
    says: 'The extension host stays thin: it speaks protocol/ with the language server and holds no engine code.',
  },
  webview: {
    may: ['^protocol/'],
    says: 'A webview is a browser page: no Node, no editor API, only messages from protocol/.',
  },
  'cloud/ports': {
    may: [],
    says: 'A port is a set of plain types and typed errors: what the platform needs, in its own words.',
  },
  'cloud/migrations': {
    may: [],
    says: 'A migration is SQL as a text: it knows nothing of the program, so that it stays what it was.',
  },
  'cloud/domain': {
    may: ['^cloud/ports/', '^core/', '^syntax/', '^protocol/'],
    says: 'cloud/domain decides by ports, core/ and syntax/: no vendor, no HTTP, no Node; it runs on any platform.',
  },
  'cloud/http': {
    may: ['^cloud/(domain|ports)/', '^protocol/', npm('hono', '@hono/zod-openapi', 'zod')],
    says: 'cloud/http turns requests into calls of cloud/domain: no adapter, no vendor, no Node.',
  },
  'cloud/adapters': {
    may: [
      '^cloud/(domain|ports|migrations)/',
      '^server/system/',
      // What an index is made of: nodeAnalyzer fits it to its port; contextThread counts tokens.
      '^(core|syntax)/',
      '^server/tokens/',
      npm('pg', '@electric-sql/pglite', '@electric-sql/pglite-pgvector', 'ioredis', 'aws4fetch', 'prom-client'),
    ],
    node: true,
    says: 'An adapter fits one vendor to a port: it knows ports, the types of the domain and that vendor.',
  },
  'cloud/node': {
    may: [
      '^cloud/',
      '^core/[^/]+\\.ts$',
      '^protocol/',
      '^package\\.json$',
      npm('commander', 'zod', '@hono/node-server'),
    ],
    node: true,
    says: 'cloud/node starts the platform on Node: configuration, stacks, the server; what it does is decided elsewhere.',
  },
  bench: {
    may: ['^(core|syntax|server|cli|protocol|cloud)/', '^test/cloud/servers/', npm('[^/]+', '@[^/]+/[^/]+')],
    node: true,
    says: 'Benchmarks measure the product; of its tests they know the servers that those start, of its editor parts nothing.',
  },
};

const folderRules = Object.entries(folders).map(([folder, { may, node = false, says }]) => ({
  name: `${folder.replace('/', '-')}-imports`,
  comment: says,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { pathNot: [`^${folder}/`, nowhere, ...may], ...(node ? { dependencyTypesNot: ['core'] } : {}) },
}));

const product = '^(protocol|core|syntax|server|cli|extension|webview|cloud)/';
/** The entry points of esbuild.mjs. */
const entryPoints =
  '^(extension/main|server/lsp/main|cli/main|cli/mcp/mcpServer|webview/[^/]+/main|server/store/storeWorker|server/indexing/parseWorker|server/embedding/embedProcess|server/tokens/tokenWorker|cli/cliReference|protocol/settingsReference|cloud/node/main|cloud/node/apiDocument|cloud/adapters/pglite/pgliteWorker|cloud/adapters/nodeAnalyzer/analyzeWorker|cloud/adapters/contextThread/contextWorker)\\.ts$';

module.exports = {
  forbidden: [
    ...folderRules,
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one module; move what both need into a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      comment: 'There is no such module.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^vscode$' },
    },
    {
      name: 'packages-are-declared',
      comment: 'This package is here by accident, through another one. Name it in package.json.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'workers-are-entry-points',
      comment:
        'A worker or process is started from its bundle, never imported: what both sides need goes into a module of its own.',
      severity: 'error',
      from: { path: product },
      to: { path: '(Worker|embedProcess)\\.ts$', pathNot: 'start[A-Za-z]*Worker\\.ts$' },
    },
    {
      name: 'no-dead-modules',
      comment: 'No bundle reaches this module. Use it or delete it; what only tests need lives in test/.',
      severity: 'error',
      from: { path: entryPoints },
      to: { path: product, pathNot: [entryPoints, '\\.d\\.ts$'], reachable: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.tsbuild)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
