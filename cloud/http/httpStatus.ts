import type { ApiErrorCode } from '../domain/apiError.ts';

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 416 | 422 | 429 | 500 | 503;

/** The one place where codes become statuses: a new code does not build until it has one. */
export const httpStatus = {
  invalid_input: 400,
  unauthenticated: 401,
  key_expired: 401,
  key_revoked: 401,
  wrong_environment: 401,
  identity_refused: 401,
  scope_missing: 403,
  role_missing: 403,
  no_organization: 403,
  project_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  idempotency_mismatch: 422,
  rate_limited: 429,
  quota_exceeded: 429,
  unavailable: 503,
} as const satisfies Record<ApiErrorCode, ErrorStatus>;

export const titles: Record<ErrorStatus, string> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Payload too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  422: 'Unprocessable',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
};
