import { Agent, request } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { ApiReply } from '../checkReply.ts';

/** A request as it goes over the wire: what no ordinary client would send as well. */
export interface WireRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[]>;
  body: Buffer | undefined;
}

/** Long, for a machine that does other things as well. */
const patienceMs = 60_000;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
after(() => agent.destroy());

const unpacked: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** Rejects where no reply comes. */
export function send(address: string, wire: WireRequest, connections: Agent | false = agent): Promise<ApiReply> {
  const { method, path, headers, body } = wire;
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const outgoing = request(
      {
        agent: connections,
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
      },
      (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('error', reject);
        incoming.on('end', () => {
          try {
            const encoding = incoming.headers['content-encoding'];
            const bytes = Buffer.concat(parts);
            const text = (encoding === undefined || bytes.length === 0 ? bytes : unpacked[encoding]!(bytes)).toString();
            const received = new Headers();
            for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
              received.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!);
            }
            const isJson = /json\b/.test(received.get('content-type') ?? '');
            resolve({
              status: incoming.statusCode!,
              headers: received,
              text,
              body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
            });
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      },
    );
    outgoing.setTimeout(patienceMs, () => outgoing.destroy(new Error(`no reply within ${patienceMs} ms`)));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close a connection that was idle in the moment it is used again: no request has come there. Over
      // one of its own, the next try says what is wrong.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(send(address, wire, false));
      else reject(error);
    });
    outgoing.end(body);
  });
}

/** To be repeated by hand. */
export function describeRequest({ method, path, headers, body }: WireRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const text = body?.toString('utf8');
  const isText = text !== undefined && Buffer.from(text).equals(body!);
  const shown = body === undefined ? [] : [isText ? text : `base64 ${body.toString('base64')}`];
  return [`${method} ${path}`, ...lines, '', ...shown].join('\n');
}
