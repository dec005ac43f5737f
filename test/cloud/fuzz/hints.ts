import fc from 'fast-check';
import { dereference, type Operation, type Schema } from './operations.ts';
import { Known, type KnownKind, type ThingKind } from './known.ts';
import type { Hint } from './schemaValues.ts';

const idsByName: Record<string, ThingKind> = {
  project: 'project',
  project_id: 'project',
  project_ids: 'projectId',
  job_id: 'job',
  snapshot_id: 'snapshot',
  user_id: 'member',
};

/** What a plain `id` is of says the part of the path before it. */
const idsByPath: Record<string, ThingKind> = { 'api-keys': 'key', invitations: 'invitation' };

/** What an id of a request is of; undefined for what is no id of a thing that we know. */
export function kindOfId({ path }: Operation, name: string): ThingKind | undefined {
  const before = new RegExp(`([^/]+)/\\{${name}\\}`).exec(path)?.[1];
  return idsByName[name] ?? (before === undefined ? undefined : idsByPath[before]);
}

/** Ids of the operation that nobody has said how to find: parameters of its path, and UUIDs anywhere else. */
export function unknownIds(operation: Operation): string[] {
  const uuids = (name: string, schema: Schema): string[] => {
    const shape = dereference(schema);
    return [
      ...(shape.format === 'uuid' ? [name] : []),
      ...(shape.items === undefined ? [] : uuids(name, shape.items)),
      ...Object.entries(shape.properties ?? {}).flatMap(([inner, each]) => uuids(inner, each)),
    ];
  };
  const names = [
    ...operation.parameters.flatMap(({ name, in: where, schema }) => (where === 'path' ? [name] : uuids(name, schema))),
    ...uuids('body', operation.body ?? {}),
  ];
  return names.filter((name) => kindOfId(operation, name) === undefined);
}

const known = (kind: KnownKind): fc.Arbitrary<Known> => fc.nat(1_000).map((index) => new Known(kind, index));

/** A model, and vectors as it would make them, in both ways of writing them. */
const model = 'tiny/384';
const unit = (at: number): number[] => Array.from({ length: 384 }, (_, index) => (index === at ? 1 : 0));
const vectors = [unit(0), Buffer.from(new Float32Array(unit(5)).buffer).toString('base64')];
const vector = fc.record(
  { digest: fc.stringMatching(/^[0-9a-f]{32}$/), vector: fc.constantFrom<unknown>(...vectors) },
  { noNullPrototype: true },
);

/** By the names of values: texts that mean something to the platform. */
const texts: Record<string, fc.Arbitrary<unknown>> = {
  name: known('name'),
  description: known('name'),
  device: known('name'),
  email: known('email'),
  access_token: known('session'),
  organization: known('organization'),
  query: known('word'),
  symbol: known('word'),
  path: known('path'),
  deletions: known('path'),
  hash: known('hash'),
  contents: known('content'),
  files: known('source'),
  content: fc.constantFrom('export const a = 1;\n', 'def b():\n    return a()\n', '', '\0'),
  embedding_model: fc.constantFrom<unknown>(model),
  vectors: vector,
  branch: fc.constantFrom('main', 'main', 'main', 'next'),
  base_revision: fc.nat(3),
  month: fc.constantFrom('2026-02', '2099-12', '2000-01'),
  expires_at: fc.constantFrom('2099-01-01T00:00:00Z', '2031-05-06T07:08:09.123Z'),
  include: fc.constantFrom('*.ts', 'src/**', '!a'),
  exclude: fc.constantFrom('*.py', '/b', 'c/'),
  sources: fc.constantFrom('src', '!src', '**/*.py'),
};

const record = (values: Record<string, fc.Arbitrary<unknown>>, ...required: string[]): fc.Arbitrary<unknown> =>
  fc.record(values, { requiredKeys: required, noNullPrototype: true });

const { branch } = texts as { branch: fc.Arbitrary<unknown> };
const project_id = known('project');
const some = (of: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> =>
  fc.uniqueArray(of, { minLength: 1, maxLength: 3, selector: String });

/** Whole bodies, where more is asked of them than their schema says. */
const bodies: Record<string, fc.Arbitrary<unknown>> = {
  syncIndex: fc.oneof(
    record({ project_id, branch, files: some(known('source')) }, 'project_id', 'files'),
    record({ project_id, branch, deletions: some(known('path')) }, 'project_id', 'deletions'),
    record({ project_id, branch, root_hash: known('hash') }, 'project_id', 'root_hash'),
    fc.nat(3).chain((base_revision) =>
      record(
        {
          project_id,
          branch,
          base_revision: fc.constant(base_revision),
          manifest: fc.uniqueArray(known('entry'), { maxLength: 3, selector: String }),
        },
        'project_id',
        'base_revision',
        'manifest',
      ),
    ),
    record({ project_id, files: known('hash').map((hash) => [{ path: 'by-hash.ts', hash }]) }, 'project_id', 'files'),
  ),
  diffIndex: record(
    { project_id, branch, manifest: fc.uniqueArray(known('entry'), { maxLength: 3, selector: String }) },
    'project_id',
    'manifest',
  ),
  sendContents: record(
    {
      project_id,
      contents: fc.array(known('content'), { maxLength: 3 }),
      embedding_model: fc.constant(model),
      vectors: fc.array(vector, { maxLength: 2 }),
    },
    'project_id',
    'embedding_model',
  ),
  createApiKey: record(
    {
      name: known('name'),
      scopes: fc.subarray(['project:read', 'project:write', 'usage:read'], { minLength: 1 }),
      project_ids: some(known('projectId')),
      expires_at: fc.constant('2099-01-01T00:00:00Z'),
    },
    'name',
    'scopes',
    'project_ids',
  ),
};

/**
 * For requests that get deep.
 * @param isSound nothing but what the platform can do something with; otherwise other values of the schema now and then.
 */
export function hintsFor(operation: Operation, isSound: boolean): Hint {
  return (name, schema) => {
    const whole = name === 'body' ? bodies[operation.id] : undefined;
    if (whole !== undefined) return { values: whole, only: isSound };
    if (dereference(schema).type === 'array') return undefined;
    const kind = kindOfId(operation, name);
    if (kind !== undefined) return { values: known(kind), only: true };
    if (name === 'cursor') {
      return { values: fc.nat(1_000).map((index) => new Known('cursor', index, operation.path)), only: isSound };
    }
    const values = texts[name];
    return values === undefined ? undefined : { values, only: isSound };
  };
}
