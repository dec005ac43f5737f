import { compress } from 'hono/compress';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../appTypes.ts';

const pack = compress();

/** Replies are compressed for those who take that. */
export const packed = createMiddleware<AppEnv>((c, next) =>
  pack(c, async () => {
    await next();
    // Said beforehand: by whoever packs it would be said of a copy of the reply, also where it goes as it is.
    c.res.headers.set('vary', 'Accept-Encoding');
  }),
);
