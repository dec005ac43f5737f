import type { ErrorCode } from '../core/errors.ts';

/** What the program says by its exit code; also the table in docs/cli.md. */
export const exitCodes = {
  ok: 0,
  nothingFound: 1,
  usage: 2,
  indexUnusable: 3,
  locked: 4,
  rootUnreadable: 5,
  noHistory: 6,
  belowMinimum: 7,
  modelUnusable: 8,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitMeanings: Record<keyof typeof exitCodes, string> = {
  ok: 'done',
  nothingFound: 'done, and the answer is no: nothing found, path not indexed',
  usage: 'wrong arguments or input, a fault in config.yaml',
  indexUnusable: 'no index, or one that cannot be written or is of a newer version',
  locked: 'another process is writing the index',
  rootUnreadable: 'the folder cannot be read',
  noHistory: 'no git history, or too little of it, to work with',
  belowMinimum: 'scored, and the score is below the one asked for',
  modelUnusable: 'the embedding model is not there, cannot be used or cannot be downloaded',
  bug: 'a fault of the program',
  interrupted: 'stopped by Ctrl-C',
  terminated: 'stopped by SIGTERM',
};

const byErrorCode = {
  invalid_input: exitCodes.usage,
  invalid_config: exitCodes.usage,
  not_found: exitCodes.nothingFound,
  index_missing: exitCodes.indexUnusable,
  index_locked: exitCodes.locked,
  index_unwritable: exitCodes.indexUnusable,
  index_newer: exitCodes.indexUnusable,
  root_unreadable: exitCodes.rootUnreadable,
  history_missing: exitCodes.noHistory,
  model_missing: exitCodes.modelUnusable,
  model_unusable: exitCodes.modelUnusable,
  download_failed: exitCodes.modelUnusable,
  cancelled: exitCodes.interrupted,
  worker_failed: exitCodes.bug,
} as const satisfies Record<ErrorCode, number>;

export const exitCodeOf = (code: ErrorCode): number => byErrorCode[code];
