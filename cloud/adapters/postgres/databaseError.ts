import pg from 'pg';
import { DatabaseError } from '../../ports/database.ts';

/** What pg throws, as the port's error; errors that are not the database's stay what they are. */
export function databaseError(error: unknown): unknown {
  if (error instanceof DatabaseError || !(error instanceof Error)) return error;
  if (error instanceof pg.DatabaseError) {
    return new DatabaseError(error.message, {
      ...(error.code === undefined ? {} : { sqlState: error.code }),
      ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
      cause: error,
    });
  }
  const { code } = error as NodeJS.ErrnoException;
  const isConnection = code?.startsWith('E') === true || /connect|terminated|closed|timeout/i.test(error.message);
  return isConnection ? new DatabaseError(error.message, { cause: error }) : error;
}
