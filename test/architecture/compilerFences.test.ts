import assert from 'node:assert/strict';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

interface Fence {
  folder: string;
  /** Compiles here: without it the fence could be a compiler that sees nothing. */
  allowed: string[];
  /** Each line must be an error. */
  forbidden: string[];
}

const nodeOnly = ['process.pid;', 'Buffer.from([]);', "require('node:fs');"];
const browserOnly = ['document.title;', 'window.name;', 'localStorage.length;'];

const fences: Fence[] = [
  {
    folder: 'core',
    allowed: ['Math.max(1, 2);'],
    forbidden: [...nodeOnly, ...browserOnly, 'console.log(1);', 'setTimeout(() => undefined, 1);', 'fetch(``);'],
  },
  {
    folder: 'protocol',
    allowed: ['Math.max(1, 2);'],
    forbidden: [...nodeOnly, ...browserOnly, 'console.log(1);', 'fetch(``);'],
  },
  { folder: 'syntax', allowed: ['Math.max(1, 2);'], forbidden: browserOnly },
  { folder: 'server', allowed: ['process.pid;'], forbidden: browserOnly },
  { folder: 'cli', allowed: ['process.pid;'], forbidden: browserOnly },
  { folder: 'extension', allowed: ['process.pid;'], forbidden: browserOnly },
  { folder: 'webview', allowed: ['document.title;'], forbidden: nodeOnly },
  {
    folder: 'cloud',
    allowed: ['new TextEncoder();', 'crypto.randomUUID();'],
    forbidden: [...nodeOnly, 'document.title;'],
  },
  { folder: 'cloud/adapters', allowed: ['process.pid;'], forbidden: browserOnly },
  { folder: 'cloud/node', allowed: ['process.pid;'], forbidden: browserOnly },
  { folder: 'bench', allowed: ['process.pid;'], forbidden: browserOnly },
];

/** Parsed files of lib.d.ts and packages, shared by all programs of this test. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Compiles the folder as its tsconfig says, with one more file in it, and returns the lines of that file that are errors. */
function linesWithErrors(folder: string, lines: string[]): number[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, folder, 'tsconfig.json'),
    { noEmit: true, composite: false, incremental: false, emitDeclarationOnly: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (fault) =>
        assert.fail(ts.flattenDiagnosticMessageText(fault.messageText, '\n')),
    },
  );
  assert.ok(config);
  const planted = path.join(root, folder, 'planted.ts');
  const host = ts.createCompilerHost(config.options);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (file, options, ...rest) => {
    if (file === planted) return ts.createSourceFile(file, ['export {};', ...lines].join('\n'), options);
    if (!parsed.has(file)) parsed.set(file, readSource(file, options, ...rest));
    return parsed.get(file);
  };
  const program = ts.createProgram([...config.fileNames, planted], config.options, host);
  const source = program.getSourceFile(planted);
  assert.ok(source, 'the planted file was not compiled');
  const positions = program.getSemanticDiagnostics(source).map((fault) => fault.start ?? 0);
  return [...new Set(positions.map((start) => source.getLineAndCharacterOfPosition(start).line))].sort((a, b) => a - b);
}

describe('The compiler knows, folder by folder, which platform the code runs on', function () {
  this.timeout(60_000);

  for (const { folder, allowed, forbidden } of fences) {
    it(`rejects what ${folder}/ must not touch`, () => {
      const faulty = linesWithErrors(folder, [...allowed, ...forbidden]);
      const passed = forbidden.filter((_, index) => !faulty.includes(1 + allowed.length + index));
      assert.deepEqual(passed, [], `compiles in ${folder}/ although it must not`);
      const rejected = allowed.filter((_, index) => faulty.includes(1 + index));
      assert.deepEqual(rejected, [], `does not compile in ${folder}/ although it must`);
    });
  }
});
