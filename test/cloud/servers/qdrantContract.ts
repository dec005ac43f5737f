/** Qdrant's own description of its interface, as a check of requests and replies: test/fixtures/qdrant/README.md. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

type Json = Record<string, unknown>;

interface Operation {
  parameters?: { name: string; in: string; schema: Json; required?: boolean }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}

export interface QdrantExchange {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

export interface QdrantContract {
  /** What is wrong with a request; empty when it is one that Qdrant documents. */
  checkRequest(exchange: QdrantExchange): string[];
  checkReply(exchange: Pick<QdrantExchange, 'method' | 'path'>, status: number, body: unknown): string[];
}

const file = path.resolve(import.meta.dirname, '../../fixtures/qdrant/contract.json');

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function orNull(schema: Json): Json {
  if (Object.keys(schema).length === 0) return { type: 'null' };
  if (typeof schema['type'] === 'string') {
    const values = Array.isArray(schema['enum']) ? { enum: [...(schema['enum'] as unknown[]), null] } : {};
    return { ...schema, type: [schema['type'], 'null'], ...values };
  }
  return { anyOf: [schema, { type: 'null' }] };
}

/**
 * A schema of OpenAPI 3.0 as JSON Schema, and stricter: an object has no properties but those that are named, or a
 * misspelled one would be taken for one that is not needed. `nullable` alone means null.
 */
function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (!isObject(value)) return value;
  const { nullable, $ref, ...rest } = value;
  const kept = Object.entries(rest).filter(([name]) => name !== 'discriminator');
  const converted = Object.fromEntries(kept.map(([name, each]) => [name, convert(each)]));
  const isPlainObject = converted['type'] === 'object' && isObject(converted['properties']);
  if (isPlainObject && !('additionalProperties' in converted)) converted['additionalProperties'] = false;
  const schema = typeof $ref === 'string' ? { $ref: $ref.replace('#', 'contract#') } : converted;
  return nullable === true ? orNull(schema) : schema;
}

const wholeNumbers = ['uint', 'uint8', 'uint16', 'uint32', 'uint64', 'int32', 'int64'];

function createAjv(components: unknown): Ajv {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  for (const name of wholeNumbers)
    ajv.addFormat(name, {
      type: 'number',
      validate: (value) => Number.isInteger(value) && (value >= 0 || !name.startsWith('u')),
    });
  ajv.addSchema({ $id: 'contract', components }, 'contract');
  return ajv;
}

export function loadQdrantContract(): QdrantContract {
  const contract = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, Operation>>;
    components: unknown;
  };
  const ajv = createAjv(convert(contract.components));
  const validators = new WeakMap<Json, ValidateFunction>();
  const routes = Object.entries(contract.paths).map(([template, operations]) => ({
    pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`),
    operations,
  }));

  function faultsOf(schema: Json, value: unknown, what: string): string[] {
    let validate = validators.get(schema);
    if (validate === undefined) {
      validate = ajv.compile(convert(schema) as Json);
      validators.set(schema, validate);
    }
    return validate(value) ? [] : [`${what}: ${ajv.errorsText(validate.errors).slice(0, 200)}`];
  }

  function operationOf({ method, path: at }: Pick<QdrantExchange, 'method' | 'path'>): Operation | undefined {
    const route = routes.find(({ pattern }) => pattern.test(at));
    return route?.operations[method.toLowerCase()];
  }

  function faultsOfQuery(operation: Operation, query: URLSearchParams): string[] {
    const known = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
    return [...query].flatMap(([name, text]) => {
      const parameter = known.find((each) => each.name === name);
      if (parameter === undefined) return [`query: ${name} is unknown`];
      const value: unknown = /^(true|false|\d+)$/.test(text) ? JSON.parse(text) : text;
      return faultsOf(parameter.schema, value, `query ${name}`);
    });
  }

  return {
    checkRequest({ method, path: at, query, body }) {
      const operation = operationOf({ method, path: at });
      if (operation === undefined) return [`there is no ${method} ${at}`];
      const schema = operation.requestBody?.content['application/json']?.schema;
      const inBody =
        schema === undefined
          ? body === undefined
            ? []
            : ['body: there is none in this request']
          : faultsOf(schema, body, 'body');
      return [...faultsOfQuery(operation, query), ...inBody];
    },
    checkReply(exchange, status, body) {
      const responses = operationOf(exchange)?.responses ?? {};
      const response = responses[String(status)] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses['default'];
      const schema = response?.content?.['application/json']?.schema;
      if (schema === undefined) return [`status ${status} is not documented`];
      return faultsOf(schema, body, `reply ${status}`);
    },
  };
}
