import { mostCommits } from '../../core/history/changeHistory.ts';
import type { HistoryChange, HistoryMark } from '../../core/history/types.ts';
import { findRepository } from './findRepository.ts';
import { runGit } from './gitProgram.ts';
import { readLog, toChanges } from './readLog.ts';

export type HistoryUpdate =
  | { kind: 'unchanged' }
  /** There is no history to know: no repository, no commit, no git program. */
  | { kind: 'none'; note?: string }
  | HistoryChange;

/** Where the past of a workspace folder comes from. */
export interface HistorySource {
  /** What is new since the known state. Throws history_missing when git cannot tell. */
  read(known: HistoryMark | null, signal: AbortSignal): Promise<HistoryUpdate>;
}

/** The history that leads to what is checked out in `folder`. */
export function gitHistory(folder: string): HistorySource {
  return {
    async read(known, signal) {
      const found = await findRepository(folder, signal);
      if (found.kind === 'refused') return { kind: 'none', note: `the git history is not used: ${found.message}` };
      if (found.kind !== 'repository' || found.head === null) return { kind: 'none' };
      const { head, prefix, boundary } = found;
      const mark: HistoryMark = { head, prefix, boundary };
      const sameClone = known !== null && known.prefix === prefix && known.boundary === boundary;
      if (sameClone && known.head === head) return { kind: 'unchanged' };
      const isForward = sameClone && (await isAncestor(folder, known.head, head, signal));
      const commits = await readLog({
        folder,
        prefix,
        to: head,
        ...(isForward ? { notFrom: known.head } : {}),
        limit: mostCommits,
        signal,
      });
      return { kind: isForward ? 'newer' : 'whole', mark, commits: commits.map(toChanges) };
    },
  };
}

/** False as well for a commit that is gone: its branch was rewritten and git has cleaned up. */
async function isAncestor(folder: string, older: string, newer: string, signal: AbortSignal): Promise<boolean> {
  const answer = await runGit(folder, ['merge-base', '--is-ancestor', older, newer], { signal });
  return answer.kind === 'done';
}
