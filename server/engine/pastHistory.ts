import { mostCommits } from '../../core/history/changeHistory.ts';
import type { HistoryMark } from '../../core/history/types.ts';
import type { HistorySource, HistoryUpdate } from '../history/gitHistory.ts';
import { toChanges, type LoggedCommit } from '../history/readLog.ts';

/** The history as it was at a commit that can be moved: what came later, or on another branch, is not in it. */
export interface PastHistory extends HistorySource {
  moveTo(commit: string): void;
}

/** `parents` leads from each commit to those before it; `log` holds the commits to choose from, newest first. */
export function createPastHistory(
  log: readonly LoggedCommit[],
  parents: ReadonlyMap<string, readonly string[]>,
): PastHistory {
  const changes = log.filter((commit) => commit.parents.length === 1).map(toChanges);
  let at: string | undefined;
  let told: { head: string; ids: ReadonlySet<string> } | undefined;

  function ancestors(of: string): Set<string> {
    const found = new Set<string>([of]);
    // A Set is walked in the order of insertion, what is added on the way included.
    for (const commit of found) for (const parent of parents.get(commit) ?? []) found.add(parent);
    return found;
  }

  return {
    moveTo(commit) {
      at = commit;
    },
    async read(known: HistoryMark | null): Promise<HistoryUpdate> {
      if (at === undefined) return { kind: 'none' };
      if (known?.head === at) return { kind: 'unchanged' };
      const ids = ancestors(at);
      const before = told !== undefined && known?.head === told.head && ids.has(told.head) ? told.ids : undefined;
      told = { head: at, ids };
      const commits = changes.filter(({ id }) => ids.has(id) && before?.has(id) !== true).slice(0, mostCommits);
      const mark = { head: at, prefix: '', boundary: '' };
      return { kind: before === undefined ? 'whole' : 'newer', mark, commits };
    },
  };
}
