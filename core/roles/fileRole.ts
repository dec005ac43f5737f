import type { FileRole } from '../model.ts';

const words = (text: string): Set<string> => new Set(text.split(/\s+/));

/** Folders of code that somebody else wrote. */
const vendoredFolders = words(
  'vendor vendors vendored third_party third-party thirdparty 3rdparty 3rd_party node_modules bower_components ' +
    'jspm_packages deno_dist site-packages pods carthage external_libs extern',
);

/** Folders that a build fills. `bin`, `lib`, `build` and `target` are left out: as often as not they hold sources. */
const generatedFolders = words('dist generated __generated__ gen-src generated-sources autogen .next .nuxt');

const testFolders = words(
  'test tests __tests__ __test__ __mocks__ __fixtures__ __snapshots__ spec specs testing testdata test-data test_data ' +
    'testlib test-lib testlibs testutil testutils test-utils test_utils test-util test_util testhelpers test-helpers ' +
    'test_helpers testsupport test-support test_support testsuite test-suite testcase testcases test-cases test_cases ' +
    'fixture fixtures e2e e2e-tests integration-tests integration_tests integrationtest integrationtests it-tests ' +
    'unittest unittests unit-tests unit_tests bench benches benchmark benchmarks bench-tests jmh perf-tests fuzz ' +
    'androidtest commontest jvmtest jstest nativetest iostest testfixtures cypress playwright mocks',
);

const exampleFolders = words(
  'example examples sample samples demo demos playground playgrounds sandbox sandboxes tutorial tutorials showcase ' +
    'quickstart quickstarts',
);

const docsFolders = words('doc docs documentation website wiki man manual manpages javadoc docsite');

const proseEndings = words('md mdx markdown rst txt adoc asciidoc org tex textile pod rdoc man 1 3 5 7 8');

/** Names of documents that have no ending, or one of no meaning. */
const proseName =
  /^(?:readme|license|licence|copying|copyright|notice|changelog|changes|history|news|authors|contributors|contributing|maintainers|codeowners|security|code_of_conduct|install|todo|releasing|upgrading|governance|credits|thanks|patents|unlicense)(?:[-._].*)?$/;

const configEndings = words(
  'json json5 jsonc yaml yml toml ini cfg conf properties env editorconfig plist xcconfig gradle sbt cabal gemspec ' +
    'podspec csproj vbproj fsproj vcxproj sln props targets nix bazel bzl cmake mk mak am ac m4 in tf tfvars hcl ' +
    'dockerfile lock xml nuspec rockspec opam dune service desktop',
);

const configName = new RegExp(
  '^(?:' +
    [
      '\\..*', // dotfiles
      '(?:gnu)?makefile.*',
      '(?:docker|container)file.*',
      'rakefile|gemfile|guardfile|vagrantfile|brewfile|podfile|fastfile|procfile|jenkinsfile|justfile|taskfile|earthfile|tiltfile',
      'cmakelists\\.txt|meson\\.build|meson_options\\.txt|meson\\.options|build\\.zig|build\\.rs|build\\.sc|build\\.xml',
      'build(?:\\.bazel)?|workspace(?:\\.bazel)?|module\\.bazel|buck|sconstruct|sconscript|wscript',
      'configure|config\\.(?:guess|sub)|autogen\\.sh|gradlew|gradlew\\.bat|mvnw|mvnw\\.cmd',
      'setup\\.py|setup\\.cfg|noxfile\\.py|tox\\.ini|manage\\.py|requirements.*\\.txt|constraints.*\\.txt|pipfile|manifest\\.in',
      'settings\\.gradle\\.kts|build\\.gradle\\.kts|.*\\.gradle\\.kts|package\\.swift|mix\\.exs|rebar\\.config|go\\.(?:mod|work)',
      '(?:gulp|grunt)file\\.[cm]?[jt]s|.*\\.config\\.[cm]?[jt]sx?|\\.?eslintrc.*|rollup\\..*\\.[cm]?js|magefile\\.go',
    ].join('|') +
    ')$',
);

/** Tests told by their file names; on the name as it stands, since case carries meaning here. */
const testNames: RegExp[] = [
  /[._-](?:test|tests|spec|specs|e2e|bench|cy|unit|integration|test-d)\.[cm]?[jt]sx?$/i, // a.test.ts, b-test.js
  /\.(?:test|spec)\.(?:vue|svelte|mjs|py|lua|dart|php)$/i,
  /_(?:test|tests|spec|bench|benchmark)\.[a-z]+$/i, // go, ruby, python, dart, c, lua, elixir (.exs), gleam
  /^tests?_.*\.(?:py|rb|c|cc|cpp|h|rs|lua|jl|ml|zig|sh|php|pl)$/i,
  /^(?:tests?|conftest|testing|spec_helper|test_helper|rails_helper)\.[a-z]+$/i,
  /(?:^|[a-z0-9])(?:Tests?|TestCase|Specs?|IT|ITCase|Suite|Benchmark|Fixture|TestBase|TestUtils?|TestSupport|TestHelpers?)\.(?:java|kts?|scala|swift|cs|groovy|php|fs|vb|m|mm|cpp|cc|hs|dart)$/,
  /^Test[A-Z].*\.(?:java|kt|scala|swift|cs|groovy|php|hs)$/,
  /(?:^|[-_])(?:unit)?tests?\.(?:c|cc|cpp|cxx|rs|zig|tcl|sh|bats)$/i,
  /\.bats$/i,
  /\.(?:snap|feature)$/i,
];

/** Names that generators give. */
const generatedNames: RegExp[] = [
  /\.pb(?:\.gw|\.validate|_grpc)?\.(?:go|cc|h|c|dart|swift)$/i,
  /(?:_pb2|_pb2_grpc)\.pyi?$/i,
  /_pb\.(?:js|d\.ts|rb)$/i,
  /_grpc\.pb\.go$/i,
  /\.(?:g|freezed|gr|mocks|config|chopper)\.dart$/i,
  /\.(?:g|g\.i|designer|generated)\.(?:cs|vb)$/i,
  /[._-](?:generated|gen|autogen)\.[a-z]+$/i,
  /^(?:generated|zz_generated)[._].*$/i,
  /^bindata\.go$/i,
  /_string\.go$/,
  /\.min\.[a-z]+$/i,
  /[.-]bundle\.[cm]?js$/i,
  /\.(?:map|lock|snap)$/i,
  /^(?:package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json|go\.sum|bun\.lock)$/i,
  /^moc_.*\.cpp$|^ui_.*\.h$|^qrc_.*\.cpp$/,
  /\.tab\.[ch]$|^lex\.yy\.c$/,
];

/** Go's rule for generated files, and the marks that other tools leave. Only in the first lines, within a comment. */
const generatedHeader =
  /^\s*(?:\/\/|\/\*+|\*|#|--|;+|%|<!--|"""|'|\{-|\(\*).*(?:@generated\b|<auto-?generated|\bcode generated\b.*\bdo not (?:edit|modify)|\b(?:automatically|auto-?) ?generated\b.*(?:do not|don't) (?:edit|modify|change)|\bgenerated (?:by|from|with|using)\b.*\bdo not (?:edit|modify|change)|\bdo not (?:edit|modify)\b.*\bgenerated\b)/im;

const headCharacters = 1_500;

/**
 * What a file is for, from its path (relative to the workspace, '/' between parts) and its first lines.
 *
 * Folder names count whole and in any letter case; the folder that holds the repository is not part of the path, so
 * its name does not matter. Where several hold, the first wins: vendored, generated, test, example, docs, config.
 * So a Markdown file among the fixtures is a test file, and a test within the examples is a test.
 *
 * `.d.ts` files are source: in source trees people write them by hand; where tools write them they lie in `dist`
 * or `generated`, or say so in their first lines.
 */
export function fileRole(path: string, head: string): FileRole {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const folders = parts.map((part) => part.toLowerCase());
  const among = (set: ReadonlySet<string>): boolean => folders.some((folder) => set.has(folder));
  if (among(vendoredFolders)) return 'vendored';
  if (among(generatedFolders) || isGenerated(name, head)) return 'generated';
  if (among(testFolders) || folders.some(isTestFolder) || testNames.some((pattern) => pattern.test(name)))
    return 'test';
  if (among(exampleFolders) || folders.some(isExampleFolder)) return 'example';
  return roleOfPlainFile(name.toLowerCase(), folders);
}

function roleOfPlainFile(name: string, folders: string[]): FileRole {
  if (configName.test(name)) return 'config';
  if (folders.some((folder) => docsFolders.has(folder)) || proseName.test(name)) return 'docs';
  const ending = endingOf(name);
  if (proseEndings.has(ending)) return 'docs';
  if (configEndings.has(ending) || folders[0] === '.github' || folders[0] === '.circleci') return 'config';
  return 'source';
}

const endingOf = (name: string): string => {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1);
};

/** Projects of .NET, Swift and the JVM: `Acme.Core.Tests`, `core-test`, `AcmeTests`. */
const isTestFolder = (folder: string): boolean =>
  /[._-](?:tests?|unittests?|e2e|specs?|integrationtests?|benchmarks?|fixtures?)$/.test(folder) ||
  /^(?:tests?|e2e)[._-]/.test(folder);

const isExampleFolder = (folder: string): boolean => /[._-](?:examples?|samples?|demos?)$/.test(folder);

function isGenerated(name: string, head: string): boolean {
  return generatedNames.some((pattern) => pattern.test(name)) || generatedHeader.test(head.slice(0, headCharacters));
}
