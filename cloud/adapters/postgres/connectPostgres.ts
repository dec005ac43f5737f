import pg from 'pg';
import type { Database } from '../../ports/database.ts';
import { databaseError } from './databaseError.ts';
import { DatabaseError } from '../../ports/database.ts';
import { checkSchema, migrateDatabase, SchemaError } from './migrateDatabase.ts';
import { postgresDatabase } from './postgresDatabase.ts';

/** No such role, wrong password, no such database. */
const notLetIn = new Set(['28000', '28P01', '3D000']);

/** One connection for one purpose. */
async function withConnection<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw error instanceof SchemaError ? error : databaseError(error);
  } finally {
    await client.end();
  }
}

/**
 * A server of PostgreSQL whose schema is of this version, through a login that can do no more than it should.
 * @throws {SchemaError}
 */
export async function connectPostgres(
  connectionString: string,
  max: number,
  onIdleError: (error: Error) => void,
): Promise<Database> {
  try {
    await withConnection(connectionString, checkSchema);
  } catch (error) {
    const state = error instanceof DatabaseError ? error.sqlState : undefined;
    if (state === undefined || !notLetIn.has(state)) throw error;
    throw new SchemaError(
      `${(error as Error).message}: check DATABASE_URL, or run "contextkit-cloud migrate" with MIGRATION_DATABASE_URL to make the role.`,
    );
  }
  return postgresDatabase({ connectionString, max }, onIdleError);
}

export interface MigrationAddresses {
  /** As the program will connect: names the role and its password. */
  database: string;
  /** As the owner of the tables. */
  owner: string;
}

/** @returns numbers of the migrations that were applied. @throws {SchemaError} */
export async function migratePostgres({ database, owner }: MigrationAddresses): Promise<number[]> {
  const { username, password } = new URL(database);
  const login = {
    name: decodeURIComponent(username),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
  return withConnection(owner, (client) => migrateDatabase(client, { login }));
}
