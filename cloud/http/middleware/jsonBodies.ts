import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { ApiError, type InputFault } from '../../domain/apiError.ts';
import type { AppContext, AppEnv } from '../appTypes.ts';

const writes = new Set(['POST', 'PUT', 'PATCH']);

/** Nothing of the API is nested as deep; what is deeper would not fit on the stack of whoever walks through it. */
const maxDepth = 50;

/** Where a text holds what no database and no file can hold: NUL, or half of a surrogate pair. */
function badTexts(
  value: unknown,
  path: string,
  free: ReadonlySet<string>,
  faults: InputFault[],
  depth = 0,
): InputFault[] {
  if (depth > maxDepth) throw new ApiError('invalid_input', `The body is nested deeper than ${maxDepth} levels.`);
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed())
      faults.push({ path, message: 'holds a character that is not text' });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (free.has(key)) continue;
      badTexts(key, path, free, faults, depth + 1);
      badTexts(inner, `${path}.${key}`, free, faults, depth + 1);
    }
  }
  return faults;
}

/**
 * What a body says; undefined for an empty one.
 * @param free names of values that may hold anything
 * @throws {ApiError} unsupported_media_type, invalid_input
 */
export function checkJsonBody(text: string, contentType: string | undefined, free: ReadonlySet<string>): unknown {
  if (text === '') return undefined;
  if (!/^application\/([\w.-]+\+)?json\b/i.test(contentType ?? '')) {
    throw new ApiError('unsupported_media_type', 'Bodies are JSON.', {
      hint: 'Send the header "Content-Type: application/json".',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ApiError('invalid_input', `The body is not JSON: ${(error as SyntaxError).message}`, { cause: error });
  }
  const faults = badTexts(value, 'body', free, []);
  if (faults.length > 0) throw new ApiError('invalid_input', 'The body holds what is not text.', { faults });
  return value;
}

/** So that it is not parsed again: whoever asks for the JSON of the body gets this. */
export function rememberJson({ req }: AppContext, value: unknown): void {
  req.json = <T>() => Promise.resolve(value as T);
}

const nothing: ReadonlySet<string> = new Set();

/** Bodies are JSON, not too large, and hold texts only. */
export const jsonBodies = (maxBytes: number) => {
  const onError = (): never => {
    throw new ApiError('payload_too_large', `The body is larger than ${maxBytes} bytes.`, {
      hint: 'Send it in parts.',
    });
  };
  const limit = bodyLimit({ maxSize: maxBytes, onError });
  const check = createMiddleware<AppEnv>(async (c, next) => {
    const value = checkJsonBody(await c.req.text(), c.req.header('content-type'), nothing);
    if (value !== undefined) rememberJson(c, value);
    await next();
  });
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!writes.has(c.req.method)) return next();
    const length = c.req.header('content-length');
    // The host gives no more than was announced. Only what comes without has to be counted, as a stream: that takes
    // longer than most requests.
    const isAnnounced = length !== undefined && c.req.header('transfer-encoding') === undefined;
    if (!isAnnounced) await limit(c, async () => void (await check(c, next)));
    else if (Number(length) > maxBytes) onError();
    else await check(c, next);
  });
};
