import { createMiddleware } from 'hono/factory';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { AppEnv } from '../appTypes.ts';

const texts = new WeakMap<Response, string>();

/**
 * The text of a JSON reply; undefined for other replies, and for one that was copied since. Read from the reply itself
 * it would come through a stream.
 */
export const textOf = (reply: Response): string | undefined => texts.get(reply);

/** Keeps the text of each JSON reply for those who handle it afterwards. */
export const jsonReplies = createMiddleware<AppEnv>(async (c, next) => {
  const json = (value: unknown, status?: ContentfulStatusCode, headers?: Record<string, string>): Response => {
    const text = JSON.stringify(value);
    const reply = c.body(text, status, { ...headers, 'content-type': 'application/json' });
    texts.set(reply, text);
    return reply;
  };
  c.json = json as typeof c.json;
  await next();
});
