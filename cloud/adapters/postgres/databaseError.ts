import pg from 'pg';
import { DatabaseError } from '../../ports/database.ts';

/** What a call of pg rejected with, as the port's error; a call that was wrong in itself (TypeError) stays what it is. */
export function databaseError(error: unknown): unknown {
  if (error instanceof DatabaseError || error instanceof TypeError || !(error instanceof Error)) return error;
  if (!(error instanceof pg.DatabaseError)) return new DatabaseError(error.message, { cause: error });
  return new DatabaseError(error.message, {
    ...(error.code === undefined ? {} : { sqlState: error.code }),
    ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
    cause: error,
  });
}

/** The answer to a call of pg. @throws {DatabaseError} */
export async function answerOf<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw databaseError(error);
  }
}
