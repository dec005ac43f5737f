import type { ModelSettings } from '../models.ts';

export type FindingLevel = 'ok' | 'note' | 'problem';

/** What one check says. */
export interface Finding {
  /** Name of the check. */
  check: string;
  level: FindingLevel;
  /** A sentence. */
  message: string;
  /** What to do next; null when there is nothing to do. */
  hint: string | null;
  /** Was mended in this run. */
  fixed: boolean;
}

export interface DoctorReport {
  root: string;
  indexDir: string;
  findings: Finding[];
  /** No problem is left. */
  healthy: boolean;
  /** The index was set aside or is missing: an index run makes it anew. */
  needsIndex: boolean;
}

export interface DoctorOptions {
  /** Absolute path of the workspace folder. */
  root: string;
  /** Default `<root>/.contextkit`. */
  indexDir?: string;
  /** What is configured of the embedding model; null where embeddings are switched off. Default: the product's own. */
  model?: ModelSettings | null;
  /** Mend what can be mended without losing anything that cannot be made anew. */
  fix?: boolean;
}

/** What a check looks at, and whether it may mend. */
export interface CheckContext {
  root: string;
  indexDir: string;
  /** Null where embeddings are switched off. */
  model: ModelSettings | null;
  /** Mending is wanted, and nobody else writes this index. */
  mayFix: boolean;
  /** Another process writes this index now. */
  isBeingWritten: boolean;
  /** Told by a check whose repair leaves the index to be made anew. */
  needsIndex: () => void;
}

export interface Check {
  name: string;
  /** Several findings, or none where there is nothing to say. */
  run: (context: CheckContext) => CheckFinding[] | Promise<CheckFinding[]>;
}

export type CheckFinding = Pick<Finding, 'level' | 'message'> & Partial<Pick<Finding, 'hint' | 'fixed'>>;
