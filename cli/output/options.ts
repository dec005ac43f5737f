import { AppError } from '../../core/errors.ts';

/** The value of an option that takes a whole number from 1. */
export function wholeNumber(option: string, value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new AppError('invalid_input', `${option} takes a whole number from 1, not "${value}"`, {
    hint: `For example ${option} 20.`,
  });
}
