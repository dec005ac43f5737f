import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { environments } from '../domain/keys/keyFormat.ts';

/** What the environment says is not usable; each fault has a line of its own in the message. */
export class ConfigurationError extends Error {
  constructor(faults: readonly string[]) {
    super(`The environment is not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

const url = (...protocols: string[]) =>
  z
    .string()
    .refine((text) => URL.canParse(text), 'must be an address')
    .refine(
      (text) => !URL.canParse(text) || protocols.includes(new URL(text).protocol.slice(0, -1)),
      `must begin with ${protocols.map((each) => `${each}://`).join(' or ')}`,
    );

const common = {
  PORT: z.coerce.number().int().min(0).max(65_535).default(4680),
  HOST: z.string().min(1).default('127.0.0.1'),
  CONTEXTKIT_ENVIRONMENT: z.enum(environments).default('live'),
  GITHUB_API_URL: url('http', 'https').default('https://api.github.com'),
  METRICS_TOKEN: z.string().min(16, 'must have 16 characters or more').optional(),
  MAX_BODY_MB: z.coerce.number().int().min(1).max(1_024).default(32),
  MAX_INDEX_BODY_MB: z.coerce.number().int().min(1).max(1_024).default(64),
  INDEX_WORKERS: z.coerce.number().int().min(0).max(64).default(2),
  ANALYZER_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(Math.min(4, Math.max(1, availableParallelism() - 1))),
  // Threads that answer questions; those that nobody needs are not started.
  CONTEXT_THREADS: z.coerce.number().int().min(1).max(64).default(Math.min(4, availableParallelism())),
  // What indexes of projects, texts and answers may take in memory.
  CONTEXT_MEMORY_MB: z.coerce.number().int().min(64).max(1_048_576).default(1_024),
  GARBAGE_MINUTES: z.coerce.number().min(0).max(10_080).default(60),
  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: url('http', 'https').default('https://api.openai.com/v1'),
  EMBEDDING_MODEL: z.string().min(1).max(100).default('text-embedding-3-small'),
  DRAIN_SECONDS: z.coerce.number().min(0).max(600).default(20),
};

const embedded = z.object(common);
export type EmbeddedConfiguration = z.infer<typeof embedded>;

const selfHosted = z
  .object({
    ...common,
    DATABASE_URL: url('postgres', 'postgresql'),
    DATABASE_CONNECTIONS: z.coerce.number().int().min(1).max(1_000).default(20),
    REDIS_URL: url('redis', 'rediss'),
    // Without it, vectors are kept in the database, by pgvector.
    QDRANT_URL: url('http', 'https').optional(),
    QDRANT_API_KEY: z.string().min(1).optional(),
    // Texts are kept in a bucket, or in a folder that all servers share.
    BLOB_FOLDER: z.string().min(1).optional(),
    S3_ENDPOINT: url('http', 'https').optional(),
    S3_BUCKET: z.string().min(1).optional(),
    S3_REGION: z.string().min(1).default('auto'),
    S3_ACCESS_KEY_ID: z.string().min(1).optional(),
    S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  })
  .superRefine((env, context) => {
    const missing = (name: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (env.BLOB_FOLDER !== undefined) return;
    if (env.S3_ENDPOINT === undefined)
      missing('S3_ENDPOINT', 'is missing (or BLOB_FOLDER, a folder that all servers share)');
    for (const name of ['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const) {
      if (env[name] === undefined) missing(name, 'is missing');
    }
  });
export type SelfHostedConfiguration = z.infer<typeof selfHosted>;

const migration = z.object({
  DATABASE_URL: url('postgres', 'postgresql').refine(
    (text) => !URL.canParse(text) || new URL(text).username !== '',
    'must name the role that the program connects as',
  ),
  MIGRATION_DATABASE_URL: url('postgres', 'postgresql'),
});
export type MigrationConfiguration = z.infer<typeof migration>;

/** Each may come from a file instead, which NAME_FILE names: the environment of a program is seen by many. */
const secrets = [
  'DATABASE_URL',
  'MIGRATION_DATABASE_URL',
  'REDIS_URL',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'QDRANT_API_KEY',
  'OPENAI_API_KEY',
  'METRICS_TOKEN',
] as const;

/** What a file holds, or what is wrong with it. */
function readSecret(file: string): { secret: string } | { fault: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { fault: `names a file that cannot be read (${String((error as NodeJS.ErrnoException).code)})` };
  }
  const secret = text.replace(/\r?\n$/, '');
  return secret === '' ? { fault: 'names a file that is empty' } : { secret };
}

function read<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.infer<Schema> {
  // An empty variable is one that was not set: compose files write them so.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  /** By the variable: what is wrong with the file it was to come from; undefined: nothing. */
  const files = new Map<string, string | undefined>();
  // Not those that are for another command: this one may not be allowed to see them.
  for (const name of secrets.filter((each) => each in schema.shape)) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (given[name] !== undefined) {
      files.set(name, `${name} and ${name}_FILE are both set: only one of them may be`);
      continue;
    }
    const found = readSecret(file);
    if ('secret' in found) given[name] = found.secret;
    files.set(name, 'fault' in found ? `${name}_FILE ${found.fault}` : undefined);
  }
  const result = schema.safeParse(given);
  const faults = [...files.values()].filter((fault) => fault !== undefined);
  if (result.success && faults.length === 0) return result.data;
  for (const { path, message } of result.error?.issues ?? []) {
    const name = path.map(String).join('.');
    // Its file has been named already.
    if (files.get(name) !== undefined) continue;
    // Values are not repeated: they hold passwords.
    const what = given[name] === undefined ? 'is missing' : message.replace(/^Invalid input: /, '');
    faults.push(`${files.has(name) ? `${name}, as its file has it,` : name} ${what}`);
  }
  throw new ConfigurationError(faults);
}

/** @throws {ConfigurationError} that names every fault. */
export const readEmbedded = (env: NodeJS.ProcessEnv): EmbeddedConfiguration => read(embedded, env);
export const readSelfHosted = (env: NodeJS.ProcessEnv): SelfHostedConfiguration => read(selfHosted, env);
export const readMigration = (env: NodeJS.ProcessEnv): MigrationConfiguration => read(migration, env);
