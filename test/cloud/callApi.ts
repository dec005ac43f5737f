import { checkReply, type ApiReply } from './checkReply.ts';

export type { ApiReply };

export interface CallOptions {
  key?: string | undefined;
  body?: unknown;
  /** Sent as it is, instead of a body that is made JSON. */
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

/** A request over HTTP; its reply is held against the document. */
export async function callApi(
  address: string,
  method: string,
  path: string,
  { key, body, raw, headers = {} }: CallOptions = {},
): Promise<ApiReply> {
  const url = `${address}${path}`;
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(raw !== undefined ? { body: raw } : body !== undefined ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  const isJson = /json\b/.test(response.headers.get('content-type') ?? '');
  const reply: ApiReply = {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
  checkReply(method, url, reply);
  return reply;
}
