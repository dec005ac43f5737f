import { accepts } from 'hono/accepts';
import { compress } from 'hono/compress';
import { createMiddleware } from 'hono/factory';
import type { AppEnv, AppParts } from '../appTypes.ts';
import { textOf } from './jsonReplies.ts';

/** Smaller replies go as they are. */
const leastBytes = 1024;

const packStream = compress({ threshold: leastBytes });

/** Replies are compressed for those who take that: JSON at once, others as they are read. */
export const packed = ({ bytes }: Pick<AppParts, 'bytes'>) => {
  const packText = async (c: Parameters<typeof packStream>[0]): Promise<void> => {
    const { headers, status } = c.res;
    // Said beforehand: whoever packs streams would say it of a copy of the reply, also where it goes as it is.
    headers.set('vary', 'Accept-Encoding');
    const text = textOf(c.res);
    if (text === undefined) return;
    const isSmall = text.length < leastBytes;
    if (isSmall) {
      headers.set('content-length', String(new TextEncoder().encode(text).length));
      return;
    }
    const encoding = accepts(c, { header: 'Accept-Encoding', supports: ['gzip'], default: 'identity' });
    const isPacked = encoding === 'gzip';
    if (isPacked) headers.set('content-encoding', encoding);
    // As bytes in any case: a text would be measured first and then encoded, which takes as long again.
    const body = isPacked ? await bytes.gzip(text) : new TextEncoder().encode(text);
    c.res = undefined;
    c.res = new Response(body, { status, headers });
  };
  return createMiddleware<AppEnv>((c, next) =>
    packStream(c, async () => {
      await next();
      await packText(c);
    }),
  );
};
