import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { HistoryMark } from '../../core/history/types.ts';
import { runGit } from './gitProgram.ts';

/** The state of a repository as far as its history goes; no head before the first commit. */
export type RepositoryState = Omit<HistoryMark, 'head'> & { head: string | null };

export type FoundRepository =
  | ({ kind: 'repository' } & RepositoryState)
  | { kind: 'no repository' }
  | { kind: 'no git' }
  /** There is one, but git will not read it. */
  | { kind: 'refused'; message: string };

/** The repository that `folder` lies in. Work trees, submodules and subfolders are told apart by git itself. */
export async function findRepository(folder: string, signal?: AbortSignal): Promise<FoundRepository> {
  const answer = await runGit(
    folder,
    ['rev-parse', '--is-inside-work-tree', '--is-shallow-repository', '--git-path', 'shallow', '--show-prefix'],
    { signal },
  );
  if (answer.kind === 'missing') return { kind: 'no git' };
  if (answer.kind === 'failed') {
    return /not a git repository/i.test(answer.message)
      ? { kind: 'no repository' }
      : { kind: 'refused', message: answer.message.split('\n', 1)[0]! };
  }
  const [inside, shallow, shallowFile, prefix = ''] = answer.out.toString('utf8').split('\n');
  if (inside !== 'true') return { kind: 'no repository' };
  const head = await runGit(folder, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], { signal });
  return {
    kind: 'repository',
    head: head.kind === 'done' ? head.out.toString('utf8').trim() : null,
    prefix,
    boundary: shallow === 'true' ? await digestOf(path.resolve(folder, shallowFile!)) : '',
  };
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 16);
}
