import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import type { Belongings } from './belongings.ts';
import { addressOf, anyDraft, type Draft } from './drafts.ts';
import { resolveKnown } from './known.ts';
import { operations, type Operation } from './operations.ts';
import type { WireRequest } from './send.ts';

/** A request before it is known whose it is. */
export interface HostileRequest {
  operation: Operation;
  draft: Draft;
  method: string;
  /** Behind its address. */
  tail: string;
  authorization: string;
  headers: Record<string, string>;
  envelope: keyof typeof envelopes;
}

/** KEY becomes a key that is good. */
const authorizations = [
  '',
  'KEY',
  'Bearer',
  'Bearer ',
  'bearer KEY',
  'Bearer  KEY ',
  'Bearer KEY KEY',
  'Bearer KEYx',
  'Bearer KEY,Bearer KEY',
  'Basic KEY',
  'Basic dXNlcjpwYXNz',
  'Token KEY',
  'Bearer null',
  'Bearer ck_live_',
  `Bearer ck_live_${'a'.repeat(32)}`,
  `Bearer ck_test_${'a'.repeat(32)}`,
  `Bearer ck_live_${'é'.repeat(32)}`,
  `Bearer ${'x'.repeat(3_000)}`,
  "Bearer ' OR 1=1 --",
  '\u00ff\u00fe',
];

const visible = fc.stringMatching(/^[\x20-\x7e\u00a1-\u00ff]{0,60}$/);

const values = (...known: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: visible });

const tags = values('*', '"x"', 'W/"x"', '', ',,,', '"', 'W/', '\u00e9', `W/"${'0'.repeat(32)}"`);

/** Few idempotency keys: they meet again. */
const headers: Record<string, fc.Arbitrary<string>> = {
  'idempotency-key': values(
    '1',
    '2',
    '3',
    '4',
    '',
    ' ',
    'a b',
    '\u00e9',
    'k'.repeat(200),
    'k'.repeat(201),
    '__proto__',
  ),
  'if-match': tags,
  'if-none-match': tags,
  accept: values('*/*', 'text/html', 'application/json;q=0', '', 'a/b/c;;;'),
  'accept-encoding': values('gzip', 'deflate', 'br', '*', 'gzip;q=0', 'identity;q=0', 'gzip, deflate, br, zstd', 'x'),
  'accept-language': values('de', '*', ''),
  'content-encoding': values('gzip', 'GZIP', 'deflate', 'br', 'identity', 'gzip, gzip', '', 'x'.repeat(100)),
  'content-type': values(
    'application/json; charset=utf-16',
    'application/json;;;',
    'APPLICATION/JSON',
    'application/merge-patch+json',
    'application/jsonx',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    '',
    '/',
  ),
  'x-request-id': values('a', '', 'x'.repeat(101), 'x'.repeat(3_000), '\u00ff', '../..', '{"a":1}'),
  'x-forwarded-for': values('127.0.0.1', '::1, x', ''),
  'x-http-method-override': values('DELETE', 'x'),
  range: values('bytes=0-', 'bytes=5-1', 'x'),
  origin: values('null', 'https://example.com', 'x'),
  cookie: values('a=b', ';;;', '='),
  host: values('localhost', 'example.com:1', 'x:99999', '[::1', 'a b', '..', '', 'a/b', 'a@b', 'a?b#c'),
};

const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc
  .uniqueArray(
    fc.constantFrom(...Object.keys(headers)).chain((name) => headers[name]!.map((value) => [name, value] as const)),
    { minLength: 1, maxLength: 4, selector: ([name]) => name },
  )
  .map((pairs) => Object.fromEntries(pairs));

const bytes = (text: string): Buffer => Buffer.from(text);

/** What becomes of the JSON of a body on its way. */
const envelopes = {
  json: bytes,
  none: () => undefined,
  empty: () => Buffer.alloc(0),
  'cut off': (json: string) => bytes(json.slice(0, json.length / 2)),
  'with more behind it': (json: string) => bytes(`${json}}x`),
  'with a mark of the byte order': (json: string) => bytes(`\ufeff${json}`),
  'as UTF-16': (json: string) => Buffer.from(json, 'utf16le'),
  'no UTF-8': (json: string) => Buffer.concat([bytes(json.slice(0, 5)), Buffer.from([0xff, 0xc3, 0x28]), bytes(json)]),
  'numbers out of range': (json: string) => bytes(json.replace(/\d+/g, '1e999')),
  'names twice': (json: string) => bytes(json.replace('{', '{"name":1,"project_id":{},"name":"b",')),
  deep: () => bytes('['.repeat(20_000)),
  'deep and closed': () => bytes(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
  null: () => bytes('null'),
  text: () => bytes('"a"'),
  form: () => bytes('name=a&project_id=b'),
  gzip: (json: string) => gzipSync(json),
  'gzip cut off': (json: string) => gzipSync(json).subarray(0, 15),
  'gzip with more behind it': (json: string) => Buffer.concat([gzipSync(json), bytes('x')]),
  'a bomb': () => gzipSync(Buffer.alloc(3_000_000)),
} satisfies Record<string, (json: string) => Buffer | undefined>;

type Envelope = keyof typeof envelopes;
const oddEnvelopes = Object.keys(envelopes) as Envelope[];

const mostly = <Value>(usual: Value, odd: fc.Arbitrary<Value>, weight: number): fc.Arbitrary<Value> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });

const oddMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH'];
const tails = [
  '/',
  '//',
  '/x',
  '/..',
  '/%2e%2e',
  '%',
  '%00',
  '%ff',
  ';x',
  '?',
  '?x=%00',
  '?a=%ff',
  '&limit=2',
  '?limit=1&limit=2',
];

const ofOperation = (operation: Operation): fc.Arbitrary<HostileRequest> =>
  fc.record({
    operation: fc.constant(operation),
    draft: anyDraft(operation),
    method: mostly(operation.method, fc.constantFrom(...oddMethods), 30),
    tail: mostly('', fc.constantFrom(...tails), 30),
    authorization: mostly('Bearer KEY', fc.constantFrom(...authorizations), 15),
    headers: mostly<Record<string, string>>({}, hostileHeaders, 2),
    envelope: mostly<Envelope>('json', fc.constantFrom(...oddEnvelopes), 12),
  });

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc.oneof(...operations.map(ofOperation));

/** The operation with a plain request, so that failures are shown in few words. */
export function toWire(
  { operation, draft, method, tail, authorization, headers: odd, envelope }: HostileRequest,
  belongings: Belongings,
): WireRequest {
  const { path, query, body } = resolveKnown(draft, (known) => belongings.pick(known)) as Draft;
  const json = body === undefined ? undefined : JSON.stringify(body);
  const made = json === undefined && envelope === 'json' ? undefined : envelopes[envelope](json ?? '{}');
  return {
    method,
    path: `${addressOf(operation, { path, query, body })}${tail}`,
    headers: {
      ...(authorization === '' ? {} : { authorization: authorization.replaceAll('KEY', belongings.tenant.key) }),
      ...(made === undefined ? {} : { 'content-type': 'application/json' }),
      ...(envelope.startsWith('gzip') || envelope === 'a bomb' ? { 'content-encoding': 'gzip' } : {}),
      ...odd,
    },
    body: made,
  };
}
