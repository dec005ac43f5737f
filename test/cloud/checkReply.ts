import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { apiDocument } from '../../cloud/node/apiDocument.ts';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

type Paths = Record<string, Partial<Record<string, Operation>>>;

const document = JSON.parse(JSON.stringify(apiDocument('0.0.0'))) as { paths: Paths };
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ ...document, $id: 'api' });

const patterns = Object.keys(document.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
}));

const compiled = new Map<string, ValidateFunction>();

/** Where a schema stands in the document, as a JSON pointer. */
const pointer = (...parts: string[]): string =>
  parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');

export interface ApiReply {
  status: number;
  headers: Headers;
  /** Undefined where there is none. Untyped, as everything is that comes from outside; the document tells its shape. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  text: string;
}

/** Every status stands in the document, and every body is what it says there. */
export function checkReply(method: string, url: string, { status, headers, body, text }: ApiReply): void {
  const { pathname } = new URL(url);
  const path = patterns.find(({ pattern }) => pattern.test(pathname))?.path ?? '';
  const operation = document.paths[path]?.[method.toLowerCase()];
  // Addresses and methods that there are not.
  if (operation === undefined) return;
  const reply = operation.responses[status];
  assert.ok(reply, `${method} ${path} gave ${status}, which is not documented: ${text.slice(0, 300)}`);
  if (reply.content === undefined) {
    assert.equal(text, '', `${method} ${path} ${status} has a body`);
    return;
  }
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  assert.ok(reply.content[type], `${method} ${path} ${status} came as ${type}`);
  if (!type.endsWith('json')) return;
  const place = pointer('paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema');
  let validate = compiled.get(place);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `api#${place}` });
    compiled.set(place, validate);
  }
  assert.ok(validate(body), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`);
}
