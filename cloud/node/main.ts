#!/usr/bin/env node
import { CommanderError } from 'commander';
import { DataInUse } from '../adapters/pglite/pgliteDatabase.ts';
import { SchemaError } from '../adapters/postgres/migrateDatabase.ts';
import { ApiError } from '../domain/apiError.ts';
import { DatabaseError } from '../ports/database.ts';
import { ConfigurationError } from './configuration.ts';
import { createProgram } from './program.ts';

/** Set by the build. */
declare const programVersion: string;

/** What the operator can do something about: a message without a stack. */
function messageOf(error: unknown): string | undefined {
  const isPlanned =
    error instanceof ConfigurationError ||
    error instanceof DataInUse ||
    error instanceof SchemaError ||
    error instanceof ApiError;
  if (isPlanned) return error.message;
  if (error instanceof DatabaseError) return `The database cannot be used: ${error.message}`;
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return `The port is taken (${(error as Error).message}). Name another one: --port NUMBER or PORT.`;
  }
  return undefined;
}

async function main(): Promise<void> {
  const program = createProgram({
    version: programVersion,
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    programFolder: import.meta.dirname,
  });
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const message = messageOf(error);
    process.stderr.write(`${message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`);
    process.exitCode = 1;
  }
}

void main();
