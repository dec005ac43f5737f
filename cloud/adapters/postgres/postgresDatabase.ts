import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseError, type Database, type SqlValue, type Statement, type Transaction } from '../../ports/database.ts';
import { isUuid, type OrgId } from '../../ports/organization.ts';
import { answerOf } from './databaseError.ts';

/** Counts and bytes stay far below 2^53; pg gives 64-bit numbers as texts by itself. */
const int8 = 20;
const date = 1082;
const types = new pg.TypeOverrides();
types.setTypeParser(int8, Number);
// A day has no time zone: as a Date it would be another day elsewhere.
types.setTypeParser(date, (text: string) => text);

const defaultTimeoutMs = 10_000;
/** The database itself ends what takes too long; one that cannot is given up on so much later. */
const graceMs = 1_000;

export type PoolOptions = Pick<pg.PoolConfig, 'connectionString' | 'max' | 'stream' | 'user' | 'database'>;

/** @throws {TypeError} for what is no organization: the text becomes part of a statement. */
function begin(org: OrgId, readOnly: boolean, timeoutMs: number): string {
  if (!isUuid(org)) throw new TypeError('an organization has a UUID');
  // One message instead of four. SET takes no parameters, hence the check above.
  return (
    `BEGIN${readOnly ? ' READ ONLY' : ''}; SET LOCAL ROLE contextkit_app; SET LOCAL app.current_org_id = '${org}'; ` +
    `SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}`
  );
}

/** Rejects where an answer takes so long; the connection is of no use then. */
async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseError(`no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A transaction that the database ends in favour of another one is begun so often. */
const mostTries = 5;
/**
 * Before the second time; twice as long before each further one. Begun anew at once, it takes the row again before the
 * other one has woken up.
 */
const firstPauseMs = 25;

async function againOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || !error.isConflict || tries === mostTries) throw error;
      await sleep(firstPauseMs * 2 ** (tries - 1) * (0.5 + Math.random() / 2));
    }
  }
}

/** The connection cannot be used again: it broke, or nobody knows what it is doing. */
const isBroken = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.sqlState === undefined || /^(08|57P)/.test(error.sqlState));

/** What is sent in this turn of the thread goes out as one message. */
function gather({ connection: { stream } }: pg.PoolClient): void {
  stream.cork();
  process.nextTick(() => stream.uncork());
}

const send = (client: pg.PoolClient, statement: Statement, values: readonly SqlValue[]): Promise<pg.QueryResult> => {
  const named = typeof statement === 'string' ? { text: statement } : statement;
  return answerOf(client.query({ ...named, values: values as SqlValue[] }));
};

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await answerOf(client.query('COMMIT'));
  // A statement had failed and `work` went on: nothing was written.
  if (command === 'ROLLBACK') throw new DatabaseError('the transaction had failed', { sqlState: '25P02' });
}

/** A connection for as long as somebody needs it. */
interface Lent {
  client: pg.PoolClient;
  /** It is of no use any more. */
  giveUp: () => void;
}

/**
 * Statements are sent without waiting for the answer to those before them: that to what begins the transaction is waited
 * for along with the answer to the first. Should it not begin, the first one fails for want of any right.
 */
async function runIn<T>(
  { client, giveUp }: Lent,
  start: string,
  timeoutMs: number,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const patience = timeoutMs + graceMs;
  gather(client);
  const begun = answerOf(client.query(start));
  begun.catch(() => undefined); // whoever waits for an answer hears of it
  let isOver = false;
  let ended: Promise<void> | undefined;
  const ask = async <Row>(statement: Statement, values: readonly SqlValue[], isLast: boolean) => {
    if (isOver) throw new Error('a statement after the end of its transaction');
    isOver = isLast;
    if (isLast) gather(client);
    const answer = send(client, statement, values);
    if (isLast) ended = commit(client);
    const [, { rows, rowCount }] = await withDeadline(Promise.all([begun, answer, ended]), patience);
    return { rows: rows as Row[], count: rowCount ?? 0 };
  };
  try {
    const result = await work({
      query: (statement, values = []) => ask(statement, values, false),
      last: (statement, values = []) => ask(statement, values, true),
    });
    isOver = true;
    await withDeadline(Promise.all([begun, ended ?? commit(client)]), patience);
    return result;
  } catch (error) {
    isOver = true;
    // Without its connection it is rolled back all the same; why the work failed is what the caller has to know.
    if (ended === undefined && !isBroken(error)) await withDeadline(client.query('ROLLBACK'), graceMs).catch(giveUp);
    throw error;
  }
}

/**
 * A pool of connections as the port wants it. Also for PGlite, which speaks the same protocol (`stream`).
 * Connections that are idle may break at any time: `onIdleError` hears of it, the pool replaces them.
 */
export function postgresDatabase(options: PoolOptions, onIdleError: (error: Error) => void): Database {
  const max = options.max ?? 10;
  const pool = new pg.Pool({ connectionTimeoutMillis: 5_000, ...options, max, types, pipeline: true });
  pool.on('error', onIdleError);

  const withClient = async <T>(work: (lent: Lent) => Promise<T>): Promise<T> => {
    const client = await answerOf(pool.connect());
    let broken = false;
    const giveUp = (): void => {
      broken = true;
    };
    // A connection that breaks tells its listeners besides the statement that waits for it; with none it ends the process.
    client.on('error', giveUp);
    try {
      return await work({ client, giveUp });
    } catch (error) {
      broken ||= isBroken(error);
      throw error;
    } finally {
      client.off('error', giveUp);
      client.release(broken);
      // It would be kept until everything that was sent has its answer.
      if (broken) client.connection.stream.destroy();
    }
  };

  return {
    withOrg: async (org, work, { readOnly = false, timeoutMs = defaultTimeoutMs } = {}) => {
      const start = begin(org, readOnly, timeoutMs);
      return againOnConflict(() => withClient((lent) => runIn(lent, start, timeoutMs, work)));
    },
    callGate: async <Row>(name: string, values: readonly SqlValue[]) => {
      if (!/^[a-z_]+$/.test(name)) throw new TypeError('a gate has a plain name');
      const places = values.map((_, index) => `$${index + 1}`).join(', ');
      const gate = { name: `gate.${name}`, text: `SELECT * FROM gate.${name}(${places})` };
      return withClient(async ({ client }) => {
        const { rows } = await withDeadline(send(client, gate, values), defaultTimeoutMs);
        return rows as Row[];
      });
    },
    health: async () => {
      await withClient(({ client }) => withDeadline(answerOf(client.query('SELECT 1')), 2_000));
    },
    load: () => ({ active: pool.totalCount - pool.idleCount, waiting: pool.waitingCount, max }),
    close: () => pool.end(),
  };
}
