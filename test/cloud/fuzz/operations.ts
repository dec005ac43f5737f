import { apiDocument } from '../../../cloud/node/apiDocument.ts';

/** JSON Schema as far as requests of the document have it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  parameters: Parameter[];
  /** Of the JSON that it takes. */
  body: Schema | undefined;
  needsKey: boolean;
}

interface DocumentedOperation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  security: unknown[];
}

const document = JSON.parse(JSON.stringify(apiDocument('0.0.0'))) as {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Schema> };
};

function bodyOf({ operationId, requestBody }: DocumentedOperation): Schema | undefined {
  if (requestBody === undefined) return undefined;
  const [[type, { schema }] = ['nothing', { schema: {} }], ...others] = Object.entries(requestBody.content);
  if (type !== 'application/json' || others.length > 0) {
    throw new Error(`${operationId} takes ${type}: requests of that kind cannot be made yet`);
  }
  return schema;
}

/** All that the document has, whatever is added to it. */
export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    parameters: operation.parameters ?? [],
    body: bodyOf(operation),
    needsKey: operation.security.length > 0,
  })),
);

/** The schema itself, where it is only named. */
export function dereference(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = document.components.schemas[schema.$ref.replace('#/components/schemas/', '')];
  if (found === undefined) throw new Error(`${schema.$ref} is not in the document`);
  return found;
}
