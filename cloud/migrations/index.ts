import { tenants } from './0001_tenants.ts';
import { vectors, vectorsAreMissing } from './0002_vectors.ts';
import { indexes } from './0003_index.ts';
import { jobQueue } from './0004_job_queue.ts';
import { snapshots } from './0005_snapshots.ts';

/** A step of the schema. Its text is final once it is released: what changes later is a step of its own. */
export interface Migration {
  /** 1, 2, 3, … without gaps. */
  number: number;
  name: string;
  /** Statements in the dialect of PostgreSQL 15, run in one transaction. */
  sql: string;
  /** A question of one row: is what the server could not have at that time still not there? Then it is run again. */
  isOpen?: string;
}

export const migrations: readonly Migration[] = [
  { number: 1, name: 'tenants', sql: tenants },
  { number: 2, name: 'vectors', sql: vectors, isOpen: vectorsAreMissing },
  { number: 3, name: 'index', sql: indexes },
  { number: 4, name: 'job queue', sql: jobQueue },
  { number: 5, name: 'snapshots', sql: snapshots },
];
