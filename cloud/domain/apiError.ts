/** Planned refusals of the platform. Hosts map each code once, with `satisfies Record<ApiErrorCode, …>`. */
export const apiErrorCodes = [
  'invalid_input',
  'unauthenticated', // no key, or one that nobody has
  'key_expired',
  'key_revoked',
  'wrong_environment', // a test key for the live platform, or the other way round
  'identity_refused', // the identity provider does not know the session
  'scope_missing', // the key may not do this
  'role_missing', // the person may not do this
  'no_organization', // the person belongs to no organization, or not to the one they name
  'project_not_allowed', // the key is for other projects of the organization
  'not_found',
  'method_not_allowed',
  'conflict', // it exists, or is in another state than this needs
  'precondition_failed', // it was changed since the caller read it
  'idempotency_conflict', // the first request with this idempotency key still runs, or cannot be repeated
  'payload_too_large',
  'unsupported_media_type',
  'range_not_satisfiable', // there are not so many bytes
  'idempotency_mismatch', // the same idempotency key with another request
  'rate_limited',
  'quota_exceeded',
  'unavailable', // a store or a provider does not answer
] as const;

export type ApiErrorCode = (typeof apiErrorCodes)[number];

export interface InputFault {
  /** Where, as `body.settings.include.0`. */
  path: string;
  message: string;
}

export interface ApiErrorOptions {
  hint?: string;
  cause?: unknown;
  faults?: readonly InputFault[];
  /** After this time it may work. */
  retryAfterMs?: number;
  rateLimit?: RateState;
}

/** Of the limit that a request was counted on. */
export interface RateState {
  limit: number;
  remaining: number;
  resetMs: number;
}

export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly hint: string | undefined;
  readonly faults: readonly InputFault[];
  readonly retryAfterMs: number | undefined;
  readonly rateLimit: RateState | undefined;

  constructor(code: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.code = code;
    this.hint = options.hint;
    this.faults = options.faults ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.rateLimit = options.rateLimit;
  }
}
