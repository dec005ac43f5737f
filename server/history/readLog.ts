import { AppError } from '../../core/errors.ts';
import { inTurns } from '../../core/inTurns.ts';
import type { FileChange, MinedCommit } from '../../core/history/mineCommit.ts';
import type { CommitChanges } from '../../core/history/types.ts';
import { thread } from '../system/thread.ts';
import { runGit, type GitAnswer } from './gitProgram.ts';

/** A commit as `git log` tells it. */
export interface LoggedCommit extends MinedCommit {
  /** Seconds since 1970. */
  time: number;
}

export interface LogRequest {
  /** What lies in the work tree below this folder. */
  folder: string;
  /** Of the folder in the work tree; '' at its top. */
  prefix: string;
  /** Commits that can be reached from here … */
  to: string;
  /** … and not from there. */
  notFrom?: string;
  /** At most so many, newest first. */
  limit: number;
  /** Merges and first commits too; they come without files. */
  all?: boolean;
  /** Whole messages, not subjects alone. */
  wholeMessages?: boolean;
  signal?: AbortSignal | undefined;
}

const header = '\u0001';
const field = '\u0002';

/** Renames among more files than this are not looked for. */
const renameLimit = '400';

function logArguments({ prefix, to, notFrom, limit, all, wholeMessages }: LogRequest, renames: string): string[] {
  const format = ['%H', '%P', '%ct', '%an', wholeMessages === true ? '%B' : '%s'].join('%x02');
  return [
    'log',
    '-z',
    `--format=%x01${format}`,
    '--name-status',
    renames,
    `-l${renameLimit}`,
    '--relative',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '--ignore-submodules=all',
    '--encoding=UTF-8',
    `--max-count=${limit}`,
    ...(all === true ? [] : ['--min-parents=1', '--max-parents=1']),
    to,
    ...(notFrom === undefined ? [] : [`^${notFrom}`]),
    // Else commits that touched nothing here would count for the limit.
    ...(prefix === '' ? ['--'] : ['--full-history', '--', '.']),
  ];
}

/** In a clone without blobs, or one that lacks some, only renames that git can tell without reading are found. */
async function runLog(request: LogRequest): Promise<GitAnswer> {
  const { folder, signal } = request;
  const promised = await runGit(folder, ['config', '--get-regexp', '^remote\\..*\\.promisor$'], { signal });
  if (promised.kind !== 'done') {
    const answer = await runGit(folder, logArguments(request, '-M'), { signal });
    if (answer.kind !== 'failed') return answer;
  }
  return runGit(folder, logArguments(request, '-M100%'), { signal });
}

/** Commits, newest first. */
export async function readLog(request: LogRequest): Promise<LoggedCommit[]> {
  const answer = await runLog(request);
  if (answer.kind === 'done') return inTurns(logSteps(answer.out.toString('utf8')), thread);
  const reason = answer.kind === 'missing' ? 'there is no git program' : answer.message.split('\n', 1)[0]!;
  throw new AppError('history_missing', `the git history cannot be read: ${reason}`, {
    hint: 'Try `git log --stat` in this folder: the repository may be damaged or incomplete.',
  });
}

/** The commits of a log in the form that `logArguments` asks for, a part a step: a long one takes tens of milliseconds. */
function* logSteps(text: string): Generator<void, LoggedCommit[]> {
  const commits: (LoggedCommit & { files: FileChange[] })[] = [];
  const tokens = text.split('\0');
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!.replace(/^\n/, '');
    if (token.startsWith(header)) {
      yield;
      const [id = '', parents = '', time = '', author = '', ...message] = token.slice(1).split(field);
      commits.push({
        id,
        parents: parents === '' ? [] : parents.split(' '),
        time: Number(time),
        author,
        message: message.join(field),
        files: [],
      });
    } else if (token !== '') {
      const change = readChange(token, tokens[at + 1] ?? '', tokens[at + 2] ?? '');
      at += change.from === undefined ? 1 : 2;
      commits.at(-1)?.files.push(change);
    }
  }
  return commits;
}

/** `M path`, `R087 from path`. */
function readChange(code: string, first: string, second: string): FileChange {
  const status = code[0] as FileChange['status'];
  if (status !== 'R' && status !== 'C') return { status, path: first };
  return { status, path: second, from: first, similarity: Number(code.slice(1)) };
}

/** What the change-aware signals take of a commit. */
export function toChanges({ id, time, message, files }: LoggedCommit): CommitChanges {
  return {
    id,
    time,
    subject: message.trimStart().split('\n', 1)[0]!,
    files: files.map(({ status, path, from }) => (status === 'R' && from !== undefined ? { path, from } : { path })),
  };
}
