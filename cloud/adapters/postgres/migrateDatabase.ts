import { createHash } from 'node:crypto';
import type pg from 'pg';
import { migrations as allMigrations, type Migration } from '../../migrations/index.ts';

/** Names the lock that one migrating program has: any number, the same for all. */
const lockNumber = 7_266_174_511;

export interface MigrateOptions {
  /** The role that the program connects as. It is made, with this password, where there is none. */
  login: { name: string; password?: string };
  /** Default: all. Tests stop earlier, to put data of an older version in between. */
  migrations?: readonly Migration[];
}

/** The schema is not what this program can work with; the message says what to do. */
export class SchemaError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaError';
  }
}

const digestOf = ({ sql }: Migration): string => createHash('sha256').update(sql).digest('hex');

/** Roles belong to the whole server: another database of it may be migrated at the same moment. */
const roles = `
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['contextkit_app', 'contextkit_gate'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
      END IF;
      IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
        EXECUTE format('GRANT %I TO %I', name, current_user);
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;
CREATE SCHEMA IF NOT EXISTS gate AUTHORIZATION contextkit_gate;
CREATE TABLE IF NOT EXISTS schema_migrations (
  number integer PRIMARY KEY,
  name text NOT NULL,
  digest text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA public TO contextkit_app, contextkit_gate;
`;

/** Quotes for what takes no parameters. */
async function run(client: pg.ClientBase, template: string, values: readonly string[]): Promise<void> {
  const places = values.map((_, index) => `, $${index + 2}::text`).join('');
  const { rows } = await client.query<{ text: string }>(`SELECT format($1${places}) AS text`, [template, ...values]);
  await client.query(rows[0]!.text);
}

async function prepareLogin(client: pg.ClientBase, { name, password }: MigrateOptions['login']): Promise<void> {
  const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  if (rows.length === 0) {
    const attributes = 'LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE';
    try {
      if (password === undefined) await run(client, `CREATE ROLE %I ${attributes}`, [name]);
      else await run(client, `CREATE ROLE %I ${attributes} PASSWORD %L`, [name, password]);
    } catch (error) {
      // Made by somebody else at this moment.
      if (!['42710', '23505'].includes((error as pg.DatabaseError).code ?? '')) throw error;
    }
  }
  await run(client, 'GRANT contextkit_app TO %I', [name]);
  await run(client, 'GRANT USAGE ON SCHEMA gate TO %I', [name]);
  await run(client, 'GRANT SELECT ON schema_migrations TO %I', [name]);
  await client.query('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC');
  await run(client, 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA gate TO %I', [name]);
}

interface Applied {
  number: number;
  digest: string;
}

/** @throws {SchemaError} for a database of a newer program, or one whose steps were others than ours. */
function checkApplied(applied: readonly Applied[], known: readonly Migration[]): void {
  for (const { number, digest } of applied) {
    const migration = known.find((each) => each.number === number);
    if (migration === undefined) {
      throw new SchemaError(
        `The database has migration ${number}, which this version does not know: use the version that made it, or a newer one.`,
      );
    }
    if (digestOf(migration) !== digest) {
      throw new SchemaError(
        `Migration ${number} (${migration.name}) was changed after it had been applied: restore its text, and put the change into a migration of its own.`,
      );
    }
  }
}

const readApplied = async (client: pg.ClientBase): Promise<Applied[]> =>
  (await client.query<Applied>('SELECT number, digest FROM schema_migrations ORDER BY number')).rows;

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    const record = 'INSERT INTO schema_migrations (number, name, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING';
    await client.query(record, [migration.number, migration.name, digestOf(migration)]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new SchemaError(`Migration ${migration.number} (${migration.name}) failed: ${(error as Error).message}`);
  }
}

async function isOpen(client: pg.ClientBase, { isOpen: question }: Migration): Promise<boolean> {
  if (question === undefined) return false;
  return (await client.query<{ is_open: boolean }>(question)).rows[0]!.is_open;
}

/** Steps that were applied without something that the server did not have. */
async function applyOpen(client: pg.ClientBase, steps: readonly Migration[]): Promise<number[]> {
  const mended: number[] = [];
  for (const step of steps) {
    if (!(await isOpen(client, step))) continue;
    await apply(client, step);
    if (!(await isOpen(client, step))) mended.push(step.number);
  }
  return mended;
}

/**
 * Brings the schema up to date. The connection is that of a role which owns the tables and may create roles. One
 * program migrates at a time, the others wait; each step is whole or not there at all.
 * @returns numbers of the steps that were applied.
 * @throws {SchemaError} besides the errors of pg
 */
export async function migrateDatabase(client: pg.ClientBase, options: MigrateOptions): Promise<number[]> {
  const known = options.migrations ?? allMigrations;
  await client.query('SELECT pg_advisory_lock($1)', [lockNumber]);
  try {
    await client.query(roles);
    const applied = await readApplied(client);
    checkApplied(applied, allMigrations);
    const done = new Set(applied.map(({ number }) => number));
    const mended = await applyOpen(
      client,
      known.filter(({ number }) => done.has(number)),
    );
    const open = known.filter(({ number }) => !done.has(number));
    for (const migration of open) await apply(client, migration);
    await prepareLogin(client, options.login);
    return [...mended, ...open.map(({ number }) => number)];
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [lockNumber]);
  }
}

/**
 * Before the program serves: is the schema of this version, and can the login do no more than it should?
 * @throws {SchemaError}
 */
export async function checkSchema(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{
    name: string;
    is_above: boolean;
    owns: boolean;
    is_member: boolean;
    has_schema: boolean;
  }>(`
    SELECT rolname AS name, rolsuper OR rolbypassrls OR rolcreaterole AS is_above,
      EXISTS (SELECT FROM pg_tables WHERE schemaname IN ('public', 'gate') AND tableowner = current_user) AS owns,
      EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid AND g.rolname = 'contextkit_app') AS is_member,
      to_regclass('public.schema_migrations') IS NOT NULL AS has_schema
    FROM pg_roles r WHERE rolname = current_user`);
  const role = rows[0]!;
  const migrate = 'run "contextkit-cloud migrate" with MIGRATION_DATABASE_URL';
  if (role.is_above || role.owns) {
    throw new SchemaError(
      `The role ${role.name} of DATABASE_URL ${role.owns ? 'owns tables' : 'is above row-level security or may create roles'}: it would see all organizations. Use a role of its own; ${migrate} to make it.`,
    );
  }
  if (!role.has_schema || !role.is_member)
    throw new SchemaError(`The database is not set up for the role ${role.name}: ${migrate}.`);
  const applied = await readApplied(client);
  checkApplied(applied, allMigrations);
  const behind = allMigrations.length - applied.length;
  if (behind > 0) throw new SchemaError(`The schema is ${behind} migrations behind this version: ${migrate}.`);
}
