import { AppError } from '../../core/errors.ts';
import {
  leaveOutReasons,
  mineCommit,
  type CommitQuestion,
  type FileChange,
  type LeaveOutReason,
} from '../../core/history/mineCommit.ts';
import { findRepository } from './findRepository.ts';
import { gitText } from './gitProgram.ts';
import { readLog, type LoggedCommit } from './readLog.ts';

export interface MinedQuestion extends CommitQuestion {
  files: readonly FileChange[];
}

export interface MinedRepository {
  head: string;
  prefix: string;
  shallow: boolean;
  log: LoggedCommit[];
  /** Of each commit those before it. */
  parents: Map<string, string[]>;
  /** Oldest first. */
  questions: MinedQuestion[];
  /** Commits that were looked at. */
  read: number;
  leftOut: Map<LeaveOutReason, number>;
}

/** The log is read so far back: enough for the history that the oldest question may look at. */
const mostLogged = 10_000;
/** Questions are looked for among so many of the newest. */
const mostExamined = 5_000;
const mostParents = 50_000;

const deepen = 'Fetch the rest first: git fetch --unshallow';

/** The repository of a folder; everything that stands in the way of its history is a history_missing with what to do. */
async function openRepository(folder: string, signal: AbortSignal | undefined) {
  const found = await findRepository(folder, signal);
  switch (found.kind) {
    case 'no git':
      throw new AppError('history_missing', 'there is no git program', {
        hint: 'Install git, or make it reachable by PATH.',
      });
    case 'no repository':
      throw new AppError('history_missing', `this folder is in no git repository: ${folder}`, {
        hint: 'The score comes from the history of a repository; give one with --root.',
      });
    case 'refused':
      throw new AppError('history_missing', `git does not read this repository: ${found.message}`, {
        hint: 'Try `git log` in this folder: it says what is wrong.',
      });
    case 'repository': {
      const { head, prefix, boundary } = found;
      if (head === null)
        throw new AppError('history_missing', 'this repository has no commit yet', {
          hint: 'The score comes from past commits: come back when there are some.',
        });
      return { head, prefix, shallow: boundary !== '' };
    }
  }
}

async function readParents(folder: string, head: string, signal: AbortSignal | undefined) {
  const out = await gitText(folder, ['rev-list', '--parents', `--max-count=${mostParents}`, head], { signal });
  return new Map(
    out
      .split('\n')
      .filter((line) => line !== '')
      .map((line): [string, string[]] => {
        const [id = '', ...parents] = line.split(' ');
        return [id, parents];
      }),
  );
}

/** The newest `wanted` commits of a folder's repository that make questions, and why the others between them do not. */
export async function mineRepository(
  folder: string,
  wanted: number,
  least: number,
  signal?: AbortSignal,
): Promise<MinedRepository> {
  const { head, prefix, shallow } = await openRepository(folder, signal);
  const log = await readLog({ folder, prefix, to: head, limit: mostLogged, all: true, wholeMessages: true, signal });
  const leftOut = new Map<LeaveOutReason, number>();
  const leave = (reason: LeaveOutReason): void => void leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
  const texts = new Set<string>();
  const questions: MinedQuestion[] = [];
  let read = 0;
  for (const commit of log.slice(0, mostExamined)) {
    if (questions.length === wanted) break;
    read++;
    const judged = mineCommit(commit);
    if ('leftOut' in judged) leave(judged.leftOut);
    else if (texts.has(judged.question.text)) leave('repeated');
    else {
      texts.add(judged.question.text);
      questions.push({ ...judged.question, files: commit.files });
    }
  }
  if (questions.length < least) {
    const reasons = [...leftOut].map(([reason, count]) => `${count} ${leaveOutReasons[reason]}`).join('; ');
    throw new AppError(
      'history_missing',
      `too few commits can be asked: ${questions.length} of ${read}, and it takes ${least}${reasons === '' ? '' : ` (left out: ${reasons})`}`,
      {
        hint: shallow
          ? `This is a shallow clone. ${deepen}`
          : 'Questions are made of commits that change 1 to 5 source files and say what for.',
      },
    );
  }
  const parents = await readParents(folder, head, signal);
  return { head, prefix, shallow, log, parents, questions: questions.reverse(), read, leftOut };
}
