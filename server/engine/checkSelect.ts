import { AppError } from '../../core/errors.ts';
import type { PackFormat, PackMode, SelectRequest } from './types.ts';

export const budgetRange = { least: 500, most: 100_000, default: 8_000 } as const;

/** A request with its defaults filled in. */
export interface CheckedRequest {
  query: string;
  budget: number;
  format: PackFormat;
  mode: PackMode;
  limit: number;
  sources: readonly string[];
  explain: boolean;
  byMeaning: boolean;
  includeImports: boolean;
  have: readonly string[];
  session: string | undefined;
  signal: AbortSignal | undefined;
}

const sessionName = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u;

/** Faults are invalid_input. */
export function checkSelect(request: SelectRequest): CheckedRequest {
  const { query, budget = budgetRange.default, mode = 'full', limit = Number.MAX_SAFE_INTEGER, session } = request;
  if (query.trim() === '' && mode !== 'map') {
    throw new AppError('invalid_input', 'the query is empty', { hint: 'Say in a few words what you look for.' });
  }
  if (!Number.isInteger(budget) || budget < budgetRange.least || budget > budgetRange.most) {
    throw new AppError('invalid_input', `a budget of ${budget} tokens is out of range`, {
      hint: `Use a whole number from ${budgetRange.least} to ${budgetRange.most}.`,
    });
  }
  if (limit !== Number.MAX_SAFE_INTEGER && (!Number.isInteger(limit) || limit < 1)) {
    throw new AppError('invalid_input', `a limit of ${limit} is out of range`, { hint: 'Use a whole number from 1.' });
  }
  if (session !== undefined && !sessionName.test(session)) {
    throw new AppError('invalid_input', `"${session}" cannot be the name of a session`, {
      hint: 'Use letters, digits, dots, hyphens and underscores, at most 64, a letter or digit first.',
    });
  }
  return {
    query,
    budget,
    mode,
    limit,
    session,
    format: request.format ?? 'markdown',
    sources: request.sources ?? [],
    explain: request.explain ?? false,
    byMeaning: request.byMeaning ?? true,
    includeImports: request.includeImports ?? false,
    have: request.have ?? [],
    signal: request.signal,
  };
}
