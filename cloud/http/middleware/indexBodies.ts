import { createMiddleware } from 'hono/factory';
import { ApiError } from '../../domain/apiError.ts';
import type { AppEnv } from '../appTypes.ts';
import { checkJsonBody, rememberJson } from './jsonBodies.ts';

const tooLarge = (maxBytes: number): ApiError =>
  new ApiError('payload_too_large', `The body is larger than ${maxBytes} bytes, unpacked.`, {
    hint: 'Send it in parts: contents and vectors may come in as many requests as you like.',
  });

/** All of it, as long as it is not more than that: a small body may unpack to terabytes. */
async function readAll(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function unpack(
  body: ReadableStream<Uint8Array>,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (encoding === 'identity') return readAll(body, maxBytes);
  if (encoding !== 'gzip') {
    throw new ApiError('unsupported_media_type', `Bodies cannot come as ${encoding.slice(0, 40)}.`, {
      hint: 'Send them as they are, or with "Content-Encoding: gzip".',
    });
  }
  try {
    return await readAll(
      body.pipeThrough(new DecompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>),
      maxBytes,
    );
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('invalid_input', 'The body is not gzip, or not all of it.', { cause: error });
  }
}

/** Texts of files are whatever they are: what is no text is skipped by the index, with that reason. */
const ofFiles = new Set(['content']);

/** Larger bodies than elsewhere, which may come packed. */
export const indexBodies = (maxBytes: number) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const body = c.req.raw.body;
    if (c.req.method === 'POST' && body !== null) {
      const announced = Number(c.req.header('content-length') ?? 0);
      if (announced > maxBytes) throw tooLarge(maxBytes);
      const encoding = (c.req.header('content-encoding') ?? 'identity').trim().toLowerCase();
      const bytes = await unpack(body, encoding, maxBytes);
      const text = new TextDecoder().decode(bytes);
      const value = checkJsonBody(text, c.req.header('content-type'), ofFiles);
      if (value !== undefined) rememberJson(c, value);
      // What others ask for afterwards: the body itself was read. Hono keeps a promise there, whatever its types say.
      (c.req.bodyCache as { text?: unknown }).text = Promise.resolve(text);
    }
    await next();
  });
