import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const cli = path.resolve(import.meta.dirname, '../../dist/cli.cjs');

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** A folder of its own that goes away at the end of the test file. */
export interface Workspace {
  root: string;
  write(file: string, content: string | Buffer): void;
  /** The command line in this folder. */
  run(...args: string[]): Ran;
  runWith(input: string, ...args: string[]): Ran;
  /** The same with more in its environment. */
  runIn(env: Record<string, string>, ...args: string[]): Ran;
  startIn(env: Record<string, string>, ...args: string[]): ReturnType<typeof spawn>;
  start(...args: string[]): ReturnType<typeof spawn>;
  remove(): void;
}

const environment = { ...process.env, NO_COLOR: '1' };

export function makeWorkspace(files: Record<string, string | Buffer> = {}): Workspace {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'contextkit-test-')));
  const run = (args: string[], input?: string, env: Record<string, string> = {}): Ran => {
    const done = spawnSync(process.execPath, [cli, ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...environment, ...env },
      input,
      maxBuffer: 1 << 26,
    });
    return { code: done.status, out: done.stdout, err: done.stderr };
  };
  const start = (env: Record<string, string>, args: string[]) =>
    spawn(process.execPath, [cli, ...args], {
      cwd: root,
      env: { ...environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const workspace: Workspace = {
    root,
    write(file, content) {
      const target = path.join(root, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    },
    run: (...args) => run(args),
    runWith: (input, ...args) => run(args, input),
    runIn: (env, ...args) => run(args, undefined, env),
    start: (...args) => start({}, args),
    startIn: (env, ...args) => start(env, args),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  // Where the workspace ends: without it a test would look for a repository around the temporary folder.
  mkdirSync(path.join(root, '.git'));
  for (const [file, content] of Object.entries(files)) workspace.write(file, content);
  return workspace;
}

const nobody = 65_534;

/** The command line as somebody whom permissions hold back: root is not. */
export function runUnprivileged(root: string, ...args: string[]): Ran {
  const isRoot = process.getuid?.() === 0;
  // A checkout of root may lie where nobody else can go.
  const dist = path.join(root, '.git', 'dist');
  if (isRoot) cpSync(path.dirname(cli), dist, { recursive: true });
  const done = spawnSync(process.execPath, [isRoot ? path.join(dist, 'cli.cjs') : cli, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: environment,
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

export const sample = {
  'src/router.ts': `/** Finds the handler of a path. */
export class Router {
  /** Matches a request path against all known routes. */
  matchRoute(requestPath: string): string {
    return requestPath;
  }
}
`,
  'src/cache.ts': 'export function invalidateCache(key: string): void {\n  console.log(key);\n}\n',
  'test/router.test.ts': "import { Router } from '../src/router';\nnew Router().matchRoute('request path');\n",
};
