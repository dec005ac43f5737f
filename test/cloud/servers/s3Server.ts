/**
 * A small S3 server in memory: objects, listing of version 2, deletion of many, presigned links. It checks signatures
 * of version 4 from the raw request, by the description in Amazon's manual and not by any client's code, and refuses
 * with S3's codes: unknown keys, other secrets, clocks that differ, changed bodies, headers that are not signed.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface S3Settings {
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Answers one request in place of the server. */
export type S3Fault = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface S3Server {
  endpoint: string;
  port: number;
  requests: { method: string; url: string; headers: http.IncomingHttpHeaders; status: number }[];
  /** Keys in the bucket. */
  keys(): string[];
  /** The next requests are answered so, one after the other. */
  next(...faults: S3Fault[]): void;
  /** The clock of the server is so far ahead. */
  clockAheadMs: number;
  /** What happens to a body between the network and the check. */
  tamper: ((body: Buffer) => Buffer) | undefined;
  /** At most so many keys in a listing, whatever is asked for. */
  mostKeys: number;
  /** Keys that cannot be deleted. */
  locked: Set<string>;
  hasBucket: boolean;
  close(): Promise<void>;
}

/** A refusal, by S3's code. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Incoming {
  method: string;
  /** As it stands in the request. */
  path: string;
  query: [name: string, value: string][];
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Each byte but letters, digits and `-._~` as %XX. */
const encode = (text: string, keepSlash = false): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[A-Za-z0-9\-._~]/.test(character) || (keepSlash && character === '/')) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

function parseUrl(url: string): { path: string; query: [string, string][] } {
  const cut = url.indexOf('?');
  if (cut < 0) return { path: url, query: [] };
  const query = url
    .slice(cut + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const [name = '', ...rest] = pair.split('=');
      // In a query of S3 a plus sign is a space, as in forms.
      const plain = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
      return [plain(name), plain(rest.join('='))];
    });
  return { path: url.slice(0, cut), query };
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

interface Claim {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** As in `20260101T000000Z`. */
  time: string;
  payloadHash: string;
  /** Seconds that it is good for; undefined for a signed header. */
  expires: number | undefined;
}

const malformed = (message: string): Refusal => new Refusal(400, 'AuthorizationHeaderMalformed', message);

function parseCredential(credential: string): Pick<Claim, 'accessKeyId' | 'date' | 'region' | 'service'> {
  const [, accessKeyId, date, region, service] =
    /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential) ?? [];
  if (accessKeyId === undefined) throw malformed('the credential is malformed');
  return { accessKeyId, date: date!, region: region!, service: service! };
}

function claimOf({ headers, query }: Incoming): Claim {
  const parameters = new Map(query);
  if (parameters.has('X-Amz-Signature')) {
    if (parameters.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw malformed('unknown algorithm');
    const expires = Number(parameters.get('X-Amz-Expires'));
    if (!Number.isInteger(expires) || expires < 1 || expires > 604_800)
      throw new Refusal(400, 'AuthorizationQueryParametersError', 'X-Amz-Expires must be between 1 and 604800');
    return {
      ...parseCredential(parameters.get('X-Amz-Credential') ?? ''),
      signedHeaders: (parameters.get('X-Amz-SignedHeaders') ?? '').split(';'),
      signature: parameters.get('X-Amz-Signature') ?? '',
      time: parameters.get('X-Amz-Date') ?? '',
      payloadHash: 'UNSIGNED-PAYLOAD',
      expires,
    };
  }
  const { authorization } = headers;
  if (authorization === undefined) throw new Refusal(403, 'AccessDenied', 'Access Denied');
  const [, credential, signed, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (credential === undefined) throw malformed('the authorization header is malformed');
  const payloadHash = headers['x-amz-content-sha256'];
  if (typeof payloadHash !== 'string')
    throw new Refusal(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  return {
    ...parseCredential(credential),
    signedHeaders: signed!.split(';'),
    signature: signature!,
    time: String(headers['x-amz-date'] ?? ''),
    payloadHash,
    expires: undefined,
  };
}

function checkTime({ time, date, expires }: Claim, now: number): void {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  if (year === undefined || !time.startsWith(date)) throw new Refusal(403, 'AccessDenied', 'the date is malformed');
  const at = Date.UTC(+year, +month! - 1, +day!, +hour!, +minute!, +second!);
  if (expires !== undefined) {
    if (now > at + expires * 1000) throw new Refusal(403, 'AccessDenied', 'Request has expired');
    if (now < at - 900_000) throw new Refusal(403, 'AccessDenied', 'Request is not yet valid');
  } else if (Math.abs(now - at) > 900_000)
    throw new Refusal(403, 'RequestTimeTooSkewed', 'The difference between the request time and the time is too large');
}

function checkSignedHeaders({ signedHeaders }: Claim, { headers }: Incoming): void {
  const needed = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'));
  if (needed.some((name) => !signedHeaders.includes(name)))
    throw new Refusal(403, 'AccessDenied', 'There were headers present in the request which were not signed');
}

function canonicalRequest(claim: Claim, { method, path, query, headers }: Incoming): string {
  const signedQuery = query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => byBytes(a, b) || byBytes(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const lines = claim.signedHeaders.map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  return [
    method,
    encode(decodeURIComponent(path), true),
    signedQuery,
    lines.join(''),
    claim.signedHeaders.join(';'),
    claim.payloadHash,
  ].join('\n');
}

function checkSignature(incoming: Incoming, { accessKeyId, secretAccessKey, region }: S3Settings, now: number): void {
  const claim = claimOf(incoming);
  if (claim.accessKeyId !== accessKeyId)
    throw new Refusal(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
  if (claim.region !== region || claim.service !== 's3')
    throw malformed(`the region '${claim.region}' is wrong; expecting '${region}'`);
  checkTime(claim, now);
  checkSignedHeaders(claim, incoming);
  const scope = `${claim.date}/${claim.region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', claim.time, scope, sha256(canonicalRequest(claim, incoming))].join('\n');
  const key = ['s3', 'aws4_request'].reduce(
    (made, part) => hmac(made, part),
    hmac(hmac(`AWS4${secretAccessKey}`, claim.date), claim.region),
  );
  const expected = hmac(key, toSign);
  const given = Buffer.from(claim.signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Refusal(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match.');
  // An unsigned body is for links alone: over plain http anybody could change it.
  if (claim.expires === undefined && claim.payloadHash !== sha256(incoming.body))
    throw new Refusal(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 does not match.');
}

function checkMd5({ headers, body }: Incoming, isRequired: boolean): void {
  const given = headers['content-md5'];
  if (given === undefined) {
    if (isRequired) throw new Refusal(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5');
    return;
  }
  if (Buffer.from(String(given), 'base64').length !== 16)
    throw new Refusal(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid.');
  if (createHash('md5').update(body).digest('base64') !== given)
    throw new Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>\n';
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

const errorXml = (code: string, message: string): string =>
  `${xmlHead}<Error><Code>${code}</Code><Message>${escape(message)}</Message><RequestId>1</RequestId></Error>`;

/** Answers with one of S3's errors. */
export const s3Error =
  (status: number, code: string, headers: http.OutgoingHttpHeaders = {}): S3Fault =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/xml', ...headers }).end(errorXml(code, code));
  };

/** Answers 200 with this. */
export const s3Says =
  (text: string, type = 'text/html'): S3Fault =>
  (_, response) => {
    response.writeHead(200, { 'Content-Type': type }).end(text);
  };

export const s3HangsUp: S3Fault = (request) => request.socket.destroy();
export const s3IsSilent: S3Fault = () => undefined;

/** Announces more than it sends. */
export const s3StopsHalfway: S3Fault = (_, response) => {
  response.writeHead(200, { 'Content-Length': 1_000 });
  response.write('half', () => response.destroy());
};

const tokenOf = (key: string): string => Buffer.from(`after ${key}`).toString('base64');
function keyOfToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('after ')) throw new Refusal(400, 'InvalidArgument', 'The continuation token is incorrect');
  return text.slice('after '.length);
}

export async function startS3Server(settings: S3Settings): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const faults: S3Fault[] = [];
  const sockets = new Set<Socket>();

  function list(query: ReadonlyMap<string, string>): string {
    if (query.get('list-type') !== '2') throw new Refusal(501, 'NotImplemented', 'only version 2 of the listing');
    const asked = Number(query.get('max-keys') ?? '1000');
    if (!Number.isInteger(asked) || asked < 0) throw new Refusal(400, 'InvalidArgument', 'max-keys');
    const prefix = query.get('prefix') ?? '';
    const token = query.get('continuation-token');
    const after = token === undefined ? (query.get('start-after') ?? '') : keyOfToken(token);
    const found = [...objects.keys()].filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0).sort(byBytes);
    const page = found.slice(0, Math.min(asked, 1_000, server.mostKeys));
    const isTruncated = page.length < found.length && asked > 0;
    const contents = page.map(
      (key) =>
        `<Contents><Key>${escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${createHash('md5').update(objects.get(key)!).digest('hex')}&quot;</ETag><Size>${objects.get(key)!.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
    );
    const next = isTruncated ? `<NextContinuationToken>${tokenOf(page.at(-1) ?? after)}</NextContinuationToken>` : '';
    return `${xmlHead}<ListBucketResult ${namespace}><Name>${settings.bucket}</Name><Prefix>${escape(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${asked}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
  }

  function deleteMany(body: Buffer): string {
    const keys = [...body.toString().matchAll(/<Object><Key>([^<]*)<\/Key><\/Object>/g)].map(([, key]) => key!);
    if (keys.length === 0 || keys.length > 1_000)
      throw new Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed');
    const refused = keys.filter((key) => server.locked.has(key));
    for (const key of keys) if (!server.locked.has(key)) objects.delete(key);
    const errors = refused.map((key) => `<Error><Key>${key}</Key><Code>AccessDenied</Code></Error>`);
    return `${xmlHead}<DeleteResult ${namespace}>${errors.join('')}</DeleteResult>`;
  }

  function onBucket({ method, query, body, ...rest }: Incoming, response: http.ServerResponse): void {
    const parameters = new Map(query);
    if (method === 'HEAD') return void response.writeHead(200).end();
    let xml: string;
    if (method === 'GET') xml = list(parameters);
    else if (method === 'POST' && parameters.has('delete')) {
      checkMd5({ method, query, body, ...rest }, true);
      xml = deleteMany(body);
    } else throw new Refusal(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
    response.writeHead(200, { 'Content-Type': 'application/xml' }).end(xml);
  }

  function onObject(incoming: Incoming, key: string, response: http.ServerResponse): void {
    const { method, body } = incoming;
    if (Buffer.byteLength(key) > 1_024) throw new Refusal(400, 'KeyTooLongError', 'Your key is too long');
    const found = objects.get(key);
    if (method === 'PUT') {
      checkMd5(incoming, false);
      objects.set(key, body);
      response.writeHead(200, { ETag: `"${createHash('md5').update(body).digest('hex')}"` }).end();
    } else if (method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
    } else if (method === 'GET' || method === 'HEAD') {
      if (found === undefined) throw new Refusal(404, 'NoSuchKey', 'The specified key does not exist.');
      response.writeHead(200, { 'Content-Length': found.length }).end(method === 'GET' ? found : undefined);
    } else throw new Refusal(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
  }

  function handle(incoming: Incoming, response: http.ServerResponse): void {
    checkSignature(incoming, settings, Date.now() + server.clockAheadMs);
    const [, bucket, ...key] = decodeURIComponent(incoming.path).split('/');
    if (bucket !== settings.bucket || !server.hasBucket)
      throw new Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (key.length === 0 || key.join('/') === '') onBucket(incoming, response);
    else onObject(incoming, key.join('/'), response);
  }

  async function onRequest(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '', headers, rawHeaders } = request;
    const seen = { method, url, headers, status: 0 };
    server.requests.push(seen);
    response.once('finish', () => (seen.status = response.statusCode));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const fault = faults.shift();
    if (fault !== undefined) return fault(request, response);
    const body = server.tamper?.(Buffer.concat(pieces)) ?? Buffer.concat(pieces);
    try {
      handle({ method, ...parseUrl(url), headers, rawHeaders, body }, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const xml = errorXml(error.code, error.message);
      response.writeHead(error.status, { 'Content-Type': 'application/xml' }).end(method === 'HEAD' ? undefined : xml);
    }
  }

  const listener = http.createServer((request, response) => {
    onRequest(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const server: S3Server = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    keys: () => [...objects.keys()].sort(byBytes),
    next: (...more) => void faults.push(...more),
    clockAheadMs: 0,
    tamper: undefined,
    mostKeys: 1_000,
    locked: new Set(),
    hasBucket: true,
    close: () =>
      new Promise((done) => {
        listener.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;
}
