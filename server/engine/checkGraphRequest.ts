import { AppError } from '../../core/errors.ts';
import type { GraphQuery } from '../store/types.ts';
import type { GraphRequest } from './types.ts';

const mostHops = 10;

/** A request with its defaults filled in; faults are invalid_input. */
export function checkGraphRequest({
  symbol,
  depth = 1,
  direction = 'both',
  limit = 200,
  ...rest
}: GraphRequest): GraphQuery {
  if (symbol.trim() === '') {
    throw new AppError('invalid_input', 'the symbol name is empty', { hint: 'Give a name, or Type.member.' });
  }
  if (!Number.isInteger(depth) || depth < 1 || depth > mostHops) {
    throw new AppError('invalid_input', `a depth of ${depth} is out of range`, {
      hint: `Use a whole number from 1 to ${mostHops}.`,
    });
  }
  return { symbol: symbol.trim(), depth, direction, limit, ...rest };
}
