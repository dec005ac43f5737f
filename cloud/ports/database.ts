import type { OrgId } from './organization.ts';

export type SqlValue = string | number | boolean | null | Date | Uint8Array | readonly string[] | readonly number[];

export interface QueryResult<Row> {
  rows: Row[];
  /** Rows that were read or changed. */
  count: number;
}

/** A text alone, or one with a name that no other text has: it is planned once a connection instead of each time. */
export type Statement = string | { name: string; text: string };

export type Query = <Row = Record<string, unknown>>(
  statement: Statement,
  values?: readonly SqlValue[],
) => Promise<QueryResult<Row>>;

export interface Transaction {
  /** One statement; values are always parameters (`$1`), never part of the text. */
  readonly query: Query;
  /**
   * The last statement: what ends the transaction is sent along with it, and it has ended when this resolves. What is
   * thrown afterwards undoes nothing.
   */
  readonly last: Query;
}

export interface TransactionOptions {
  /** A write in it is an error. */
  readOnly?: boolean;
  /** Default 10,000. What takes longer is ended by the database or, where it cannot, is given up on. */
  timeoutMs?: number;
}

/**
 * SQL in the dialect of PostgreSQL 15. `bigint` comes back as a number (counts and bytes stay far below 2^53),
 * `timestamptz` as Date, `jsonb` as a value, `bytea` as Uint8Array.
 */
export interface Database {
  /**
   * The only way to the data of an organization: a transaction that sees and changes rows of `org` alone, whatever its
   * statements say. It is committed when `work` resolves and rolled back when it rejects. Where the database ends it in
   * favour of another one, all of `work` is done again: it does nothing outside of its statements.
   * @throws {DatabaseError} for what the database refuses; anything that `work` throws goes through.
   */
  withOrg<T>(org: OrgId, work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /**
   * Calls one of the gate functions of the migrations, which look across organizations before one is known. Without
   * an organization there is no other access.
   */
  callGate<Row = Record<string, unknown>>(name: string, values: readonly SqlValue[]): Promise<Row[]>;

  /** Resolves when the database answers. */
  readonly health: () => Promise<void>;
  /** Transactions that run now, those that wait for a connection, and how many can run at once. */
  readonly load: () => { active: number; waiting: number; max: number };
  /** Waits for running transactions. */
  close(): Promise<void>;
}

/** What the database said no to, or that it cannot be reached. */
export class DatabaseError extends Error {
  /** SQLSTATE, five characters; undefined where there was no answer. */
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;

  constructor(message: string, options: { sqlState?: string; constraint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DatabaseError';
    this.sqlState = options.sqlState;
    this.constraint = options.constraint;
  }

  /** A row of that key exists. */
  get isDuplicate(): boolean {
    return this.sqlState === '23505';
  }

  /** Another transaction was in the way, again and again. */
  get isConflict(): boolean {
    return this.sqlState === '40001' || this.sqlState === '40P01' || this.sqlState === '55P03';
  }

  /** There is no answer, or none now: no connection, too many, shutting down, out of time or space. */
  get isUnavailable(): boolean {
    return this.sqlState === undefined || /^(08|53|57)/.test(this.sqlState);
  }
}
