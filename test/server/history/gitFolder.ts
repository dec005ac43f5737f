import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A real repository in a folder of its own. */
export interface GitFolder {
  root: string;
  git(...args: string[]): string;
  write(file: string, content: string): void;
  move(from: string, to: string): void;
  /** Writes files and commits everything; one second after the commit before. Returns its id. */
  commit(message: string, files?: Record<string, string>): string;
  head(): string;
  remove(): void;
}

/** Git as it is on a machine without any configuration. */
export function gitIn(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
      ...env,
    },
  });
}

export function makeGitFolder(): GitFolder {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'contextkit-git-')));
  gitIn(root, ['init', '--quiet', '--initial-branch=main']);
  let clock = 1_700_000_000;
  const folder: GitFolder = {
    root,
    git: (...args) => gitIn(root, args),
    write(file, content) {
      const target = path.join(root, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    },
    move(from, to) {
      mkdirSync(path.dirname(path.join(root, to)), { recursive: true });
      renameSync(path.join(root, from), path.join(root, to));
    },
    commit(message, files = {}) {
      for (const [file, content] of Object.entries(files)) folder.write(file, content);
      const date = `${++clock} +0000`;
      gitIn(root, ['add', '--all']);
      gitIn(root, ['commit', '--quiet', '--allow-empty', '--message', message], {
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      });
      return folder.head();
    },
    head: () => gitIn(root, ['rev-parse', 'HEAD']).trim(),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return folder;
}
