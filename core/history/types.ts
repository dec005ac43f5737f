/** A file of a commit; paths are relative to the workspace folder. */
export interface ChangedPath {
  path: string;
  /** Its path before, where the commit renamed it. */
  from?: string;
}

/** A commit with one parent, as the change-aware signals take it. */
export interface CommitChanges {
  /** Hex id. */
  id: string;
  /** Seconds since 1970, as its committer's clock said. */
  time: number;
  /** First line of the message. */
  subject: string;
  files: ChangedPath[];
}

/** The same as it is kept: of the subject only what a query is compared with. */
export interface PastCommit extends Omit<CommitChanges, 'subject'> {
  /** Different stems of the subject's words. */
  stems: readonly string[];
}

/** The state that a history was read at. */
export interface HistoryMark {
  /** The commit that is checked out. */
  head: string;
  /** Where the workspace folder lies in the work tree: '' at its top, else with a '/' at the end. */
  prefix: string;
  /** Changes when a shallow clone is deepened; '' for a clone with its whole history. */
  boundary: string;
}

/** A change of the stored history. */
export interface HistoryChange {
  mark: HistoryMark;
  /** `newer`: on top of what is known; `whole`: in place of it. */
  kind: 'newer' | 'whole';
  commits: CommitChanges[];
}

/** What the ranking may know of the past. */
export interface ChangeSignals {
  /** The files that were changed, under the names that they have today; their places here are their numbers. */
  readonly paths: readonly string[];
  /** 0 for a file that was not changed lately, towards 1 for one that is changed again and again. */
  recency(path: string): number;
  /** Files that were changed together with this one, strongest first, each with a weight below 1. */
  coChanged(path: string): readonly (readonly [path: string, weight: number])[];
  /**
   * Gives the files, by number and each once, of past commits whose subject resembles a query, given as stems with their
   * weights. The values are sums of rarities, as the other scores are.
   */
  resembling(stems: ReadonlyMap<string, number>, give: (file: number, value: number) => void): void;
}
