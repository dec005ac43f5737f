/**
 * Planned failures. Anything else that is thrown is a bug.
 * Hosts map each code once (CLI exit code, LSP error, HTTP status) with `satisfies Record<ErrorCode, …>`,
 * so a new code does not build until every host has an answer for it.
 */
export const errorCodes = [
  'invalid_input', // the caller asked for something that makes no sense
  'invalid_config', // config.yaml or settings are wrong
  'not_found', // a path or symbol that does not exist
  'index_missing', // no index yet and none can be made now
  'index_locked', // another process is writing and the caller insisted on writing
  'index_unwritable', // read-only or full disk, no permission
  'index_newer', // written by a newer version of the program
  'root_unreadable', // the workspace folder cannot be read
  'history_missing', // what was asked needs a git history, and there is none or too little of it
  'model_missing', // what was asked needs the embedding model, and it is not on this machine
  'model_unusable', // an embedding model that is damaged or of another kind, or a platform that cannot run any
  'download_failed', // the model hub cannot be reached, or gave something else
  'cancelled',
  'worker_failed', // a worker died more often than it may
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface AppErrorOptions {
  /** What the user can do next, one sentence. */
  hint?: string;
  cause?: unknown;
  details?: Record<string, unknown>;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown>;
  /** Survives structured clone and bundling twice, where `instanceof` does not. */
  readonly brand = 'contextkit.AppError';

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && (error as Partial<AppError>).brand === 'contextkit.AppError';
}

export const hasErrorCode = (error: unknown, code: ErrorCode): error is AppError =>
  isAppError(error) && error.code === code;

/** A plain object that crosses a thread or process border. */
export interface SerializedError {
  code: ErrorCode | 'bug';
  message: string;
  hint?: string;
  details?: Record<string, unknown>;
  stack?: string;
}

export function serializeError(error: unknown): SerializedError {
  if (isAppError(error)) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: error.details,
    };
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  return { code: 'bug', message: bug.message, ...(bug.stack === undefined ? {} : { stack: bug.stack }) };
}

export function deserializeError(plain: SerializedError): Error {
  if (plain.code === 'bug') {
    const bug = new Error(plain.message);
    if (plain.stack !== undefined) bug.stack = plain.stack;
    return bug;
  }
  return new AppError(plain.code, plain.message, {
    ...(plain.hint === undefined ? {} : { hint: plain.hint }),
    ...(plain.details === undefined ? {} : { details: plain.details }),
  });
}
