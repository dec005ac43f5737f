import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import net from 'node:net';
import { sha256 } from './testModel.ts';

export interface SeenRequest {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
}

/** Answers one request in place of the hub. */
export type Behaviour = (request: http.IncomingMessage, response: http.ServerResponse, content: Buffer) => void;

export interface Server {
  /** Without a slash at its end. */
  url: string;
  port: number;
  requests: SeenRequest[];
  close(): Promise<void>;
}

export interface Hub extends Server {
  /** The next requests of a file (its name at the end of the address) are answered so, one after the other. */
  next(file: string, ...behaviours: Behaviour[]): void;
}

/** As a server of files does: 200 or, for a range, 206 or 416, with a validator. */
export const serve: Behaviour = ({ headers }, response, content) => {
  const etag = `"${sha256(content).slice(0, 16)}"`;
  const common = { ETag: etag, 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' };
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  if (from === undefined || !isSame) {
    response.writeHead(200, { ...common, 'Content-Length': content.length }).end(content);
    return;
  }
  const start = Number(from);
  if (start >= content.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
    return;
  }
  const range = `bytes ${start}-${content.length - 1}/${content.length}`;
  response
    .writeHead(206, { ...common, 'Content-Range': range, 'Content-Length': content.length - start })
    .end(content.subarray(start));
};

export const answer =
  (status: number, body = '', headers: http.OutgoingHttpHeaders = {}): Behaviour =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

/** Announces the whole and breaks off in the middle. */
export const stopAfter =
  (bytes: number): Behaviour =>
  (_, response, content) => {
    response.writeHead(200, { ETag: `"${sha256(content).slice(0, 16)}"`, 'Content-Length': content.length });
    response.write(content.subarray(0, bytes), () => response.destroy());
  };

/** Sends a little and then nothing more, with the connection open. */
export const stallAfter =
  (bytes: number): Behaviour =>
  (_, response, content) => {
    response.writeHead(200, { ETag: `"${sha256(content).slice(0, 16)}"`, 'Content-Length': content.length });
    response.write(content.subarray(0, bytes));
  };

export const never: Behaviour = () => undefined;

export const redirectTo =
  (location: string, status = 302): Behaviour =>
  (_, response) => {
    response.writeHead(status, { Location: location }).end();
  };

function listen(server: http.Server, scheme: string, requests: SeenRequest[]): Promise<Server> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        url: `${scheme}://127.0.0.1:${port}`,
        port,
        requests,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}

/** A model hub: `files` by `owner/name/resolve/revision/file`. */
export async function startHub(
  files: ReadonlyMap<string, Buffer>,
  certificate?: { key: string; cert: string },
): Promise<Hub> {
  const requests: SeenRequest[] = [];
  const waiting = new Map<string, Behaviour[]>();
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, headers });
    const name = decodeURIComponent(url.slice(1));
    const [file, behaviours] = [...waiting].find(([end]) => name.endsWith(end)) ?? ['', []];
    const behaviour = behaviours.shift();
    if (behaviours.length === 0) waiting.delete(file);
    const content = files.get(name);
    if (behaviour !== undefined) behaviour(request, response, content ?? Buffer.alloc(0));
    else if (content === undefined) answer(404, 'Entry not found')(request, response, Buffer.alloc(0));
    else serve(request, response, content);
  };
  const server = certificate === undefined ? http.createServer(onRequest) : https.createServer(certificate, onRequest);
  const listening = await listen(server, certificate === undefined ? 'http' : 'https', requests);
  return { ...listening, next: (file, ...behaviours) => void waiting.set(file, behaviours) };
}

export const inRepository = (files: ReadonlyMap<string, Buffer>, repository: string, revision = 'main') =>
  new Map([...files].map(([name, content]) => [`${repository}/resolve/${revision}/${name}`, content]));

/** A forward proxy: CONNECT for tunnels, absolute addresses for plain http. With `login`, it wants Basic credentials. */
export function startProxy(options: { login?: string; refuse?: number } = {}): Promise<Server> {
  const requests: SeenRequest[] = [];
  const expected = options.login === undefined ? undefined : `Basic ${Buffer.from(options.login).toString('base64')}`;
  const refusalOf = ({ headers }: http.IncomingMessage): number | undefined =>
    options.refuse ?? (expected !== undefined && headers['proxy-authorization'] !== expected ? 407 : undefined);
  const server = http.createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    const status = refusalOf(request);
    if (status !== undefined) {
      response.writeHead(status).end('no');
      return;
    }
    const onward = http.request(request.url ?? '', { method: request.method, headers: request.headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.once('error', () => response.destroy());
    onward.end();
  });
  server.on('connect', (request: http.IncomingMessage, client: Socket) => {
    requests.push({ method: 'CONNECT', url: request.url ?? '', headers: request.headers });
    const status = refusalOf(request);
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`);
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const target = net.connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(client);
      client.pipe(target);
    });
    for (const [one, other] of [
      [target, client],
      [client, target],
    ] as const)
      one.once('error', () => other.destroy());
  });
  return listen(server, 'http', requests);
}

/** Makes a certificate of its own for 127.0.0.1, which nobody trusts yet. */
export function makeCertificate(keyFile: string, certFile: string): { key: string; cert: string } {
  const made = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=contextkit test', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', keyFile, '-out', certFile],
    ],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`openssl is needed here: ${made.error?.message ?? made.stderr}`);
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}
