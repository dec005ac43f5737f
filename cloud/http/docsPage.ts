import type { ApiDocument } from './openApi.ts';

/** JSON Schema as far as the document has it. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  anyOf?: Schema[];
  allOf?: Schema[];
  description?: string;
  default?: unknown;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
}

type Contents = Record<string, { schema?: Schema }>;

interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { content: Contents };
  responses: Record<string, { description?: string; content?: Contents }>;
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (each) => escapes[each]!);

/** `code` of Markdown, the only part of it in our texts. */
const prose = (text: string): string =>
  escape(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll('\n\n', '<br>');

const refName = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/** `string (uuid)`, `Project[]`, `"live" | "test"` */
function typeOf(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  if (schema.$ref !== undefined) {
    const name = escape(refName(schema.$ref));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.enum !== undefined) return schema.enum.map((each) => escape(JSON.stringify(each))).join(' | ');
  if (schema.const !== undefined) return escape(JSON.stringify(schema.const));
  const united = schema.anyOf ?? schema.allOf;
  if (united !== undefined) return united.map(typeOf).join(schema.anyOf === undefined ? ' and ' : ' | ');
  if (schema.type === 'array') return `${typeOf(schema.items)}[]`;
  const name = [schema.type ?? 'any'].flat().join(' | ');
  return escape(schema.format === undefined ? name : `${name} (${schema.format})`);
}

const row = (name: string, schema: Schema | undefined, isRequired: boolean): string =>
  `<tr><td><code>${escape(name)}</code>${isRequired ? '' : ' <small>optional</small>'}</td><td>${typeOf(schema)}</td>` +
  `<td>${prose(schema?.description ?? '')}${schema?.default === undefined ? '' : ` Default: <code>${escape(JSON.stringify(schema.default))}</code>.`}</td></tr>`;

const table = (rows: string[]): string =>
  rows.length === 0 ? '' : `<div class="wide"><table>${rows.join('')}</table></div>`;

function contentOf(contents: Contents | undefined): string {
  return Object.entries(contents ?? {})
    .map(([type, { schema }]) => `${typeOf(schema)} <small>${escape(type)}</small>`)
    .join(', ');
}

function operationOf(method: string, path: string, operation: Operation): string {
  const { summary = '', description = '', parameters = [], requestBody, responses } = operation;
  const inputs = parameters.map(({ name, in: where, required = false, schema }) =>
    row(`${name}`, { ...schema, description: `${schema?.description ?? ''} (${where})` }, required),
  );
  const replies = Object.entries(responses).map(
    ([status, { description: says = '', content }]) =>
      `<tr><td><code>${status}</code></td><td>${prose(says)}</td><td>${contentOf(content)}</td></tr>`,
  );
  return `<section id="${escape(operation.operationId ?? '')}">
<h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${escape(path)}</code></h3>
<p><strong>${prose(summary)}.</strong> ${prose(description)}${operation.security?.length === 0 ? ' Needs no key.' : ''}</p>
${table(inputs)}
${requestBody === undefined ? '' : `<p>Body: ${contentOf(requestBody.content)}</p>`}
<details><summary>Replies</summary>${table(replies)}</details></section>`;
}

function schemaOf([name, schema]: [string, Schema]): string {
  const properties = Object.entries(schema.properties ?? {});
  const rows = properties.map(([key, value]) => row(key, value, schema.required?.includes(key) === true));
  return `<section id="schema-${escape(name)}"><h3>${escape(name)}</h3>
<p>${prose(schema.description ?? '')}</p>${rows.length === 0 ? `<p>${typeOf(schema)}</p>` : table(rows)}</section>`;
}

const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin:2rem 0 .3rem;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace;background:var(--soft);padding:.1em .3em;border-radius:.25em}
table{border-collapse:collapse;width:100%;font-size:.92em}td{border-top:1px solid var(--line);padding:.35em .6em .35em 0;vertical-align:top}
.wide{overflow-x:auto}small{opacity:.7}nav a{margin-right:1rem;white-space:nowrap}
.method{font:700 .75em ui-monospace,monospace;padding:.25em .5em;border-radius:.3em;color:#fff;background:#57606a}
.get{background:#0969da}.post{background:#1a7f37}.patch,.put{background:#9a6700}.delete{background:#cf222e}
summary{cursor:pointer}pre{background:var(--soft);padding:.8em;overflow-x:auto;border-radius:.4em}`;

/** The document for people: one page that loads nothing from anywhere and runs no script. */
export function docsPage(document: ApiDocument): string {
  const paths = Object.entries((document.paths ?? {}) as Record<string, Partial<Record<string, Operation>>>);
  const operations = paths.flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
  const tags = document.tags ?? [];
  const chapters = tags.map(({ name, description = '' }) => {
    const own = operations.filter(({ operation }) => operation.tags?.includes(name));
    const sections = own.map(({ method, path, operation }) => operationOf(method, path, operation));
    return `<h2 id="${escape(name)}">${escape(name)}</h2><p>${prose(description)}.</p>${sections.join('\n')}`;
  });
  const schemas = Object.entries((document.components?.schemas ?? {}) as Record<string, Schema>).map(schemaOf);
  const { title, version, description = '' } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)} API</title><style>${style}</style></head><body>
<h1>${escape(title)} API <small>${escape(version)}</small></h1>
<p>${prose(description)}</p>
<pre>curl -H "Authorization: Bearer $CONTEXTKIT_KEY" http://127.0.0.1:4680/v1/me</pre>
<p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
<nav>${tags.map(({ name }) => `<a href="#${escape(name)}">${escape(name)}</a>`).join('')}<a href="#schemas">Schemas</a></nav>
${chapters.join('\n')}
<h2 id="schemas">Schemas</h2>${schemas.join('\n')}
</body></html>`;
}
