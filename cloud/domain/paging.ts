import { ApiError } from './apiError.ts';
import { fromBase64Url, toBase64Url } from './bytes.ts';

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/**
 * Where a page ends, as a text that says nothing to callers. `list` names the list, so that a cursor of another one is
 * refused.
 */
const encode = (list: string, last: string): string => toBase64Url(JSON.stringify([list, last]));

/** @throws {ApiError} invalid_input */
export function decodeCursor(
  list: string,
  cursor: string | undefined,
  isKey: (text: string) => boolean,
): string | null {
  if (cursor === undefined) return null;
  const text = fromBase64Url(cursor);
  let value: unknown;
  try {
    value = text === undefined ? undefined : JSON.parse(text);
  } catch {
    value = undefined; // reported below, like every other text that is no cursor
  }
  if (
    Array.isArray(value) &&
    value.length === 2 &&
    value[0] === list &&
    typeof value[1] === 'string' &&
    isKey(value[1])
  ) {
    return value[1];
  }
  throw new ApiError('invalid_input', 'The cursor is not one of this list.', {
    hint: 'Pass next_cursor of the page before as it was, or leave it out to begin at the first page.',
    faults: [{ path: 'query.cursor', message: 'is not a cursor of this list' }],
  });
}

/** `rows` were asked for with one more than the limit: it tells whether there is a next page. */
export function toPage<Row, Item>(
  list: string,
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit ? encode(list, keyOf(shown[shown.length - 1]!)) : null,
  };
}
