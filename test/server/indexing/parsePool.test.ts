import assert from 'node:assert/strict';
import path from 'node:path';
import { createParsePool } from '../../../server/indexing/parsePool.ts';
import type { ParseOutcome, ParseRequest } from '../../../server/indexing/parseProtocol.ts';

const stamp = { size: 1, mtimeMs: 2, inode: 3 };
const requests = (...paths: string[]): ParseRequest[] => paths.map((each) => ({ path: each, stamp, knownHash: null }));

function openPool(options: { graceMs?: number } = {}) {
  const logged: string[] = [];
  const pool = createParsePool({
    assetsDir: path.resolve(import.meta.dirname, '../../fixtures/crashingWorker'),
    root: '/nowhere',
    workers: 2,
    maxFileKb: 1024,
    parseTimeoutMs: 200,
    ...options,
    log: (event) => logged.push(event),
  });
  return { pool, logged };
}

const told = (outcomes: ParseOutcome[]): string[] =>
  outcomes
    .map((outcome) =>
      outcome.kind === 'skipped'
        ? `${outcome.record.path}: ${outcome.record.reason}`
        : outcome.kind === 'same'
          ? outcome.path
          : '?',
    )
    .sort();

describe('createParsePool', function () {
  this.timeout(20_000);

  it('answers for each file of many batches', async () => {
    const { pool } = openPool();
    const batches = await Promise.all([1, 2, 3, 4, 5].map((n) => pool.parse(requests(`a${n}`, `b${n}`))));
    assert.deepEqual(
      batches.map(told),
      [1, 2, 3, 4, 5].map((n) => [`a${n}`, `b${n}`]),
    );
    await pool.close();
  });

  it('quarantines a file that takes its worker down twice, and loses no other', async () => {
    const { pool, logged } = openPool();
    const outcomes = await pool.parse(requests('a', 'crash.ts', 'b', 'throw.ts', 'c'));
    assert.deepEqual(told(outcomes), ['a', 'b', 'c', 'crash.ts: crashed', 'throw.ts: crashed']);
    assert.equal(logged.length, 4);
    await pool.close();
  });

  it('ends a worker that hangs, names the file and goes on', async () => {
    const { pool } = openPool({ graceMs: 300 });
    const hanging = pool.parse(requests('a', 'hang.ts', 'b'));
    const outcomes = await hanging;
    assert.deepEqual(told(outcomes), ['a', 'b', 'hang.ts: timeout']);
    assert.deepEqual(told(await pool.parse(requests('later'))), ['later']);
    await pool.close();
  });

  it('says that its workers cannot start rather than blame the files', async () => {
    const pool = createParsePool({
      assetsDir: '/does/not/exist',
      root: '/nowhere',
      workers: 1,
      maxFileKb: 1,
      parseTimeoutMs: 100,
      log: () => undefined,
    });
    await assert.rejects(pool.parse(requests('a')), { code: 'worker_failed' });
    await pool.close();
  });

  it('rejects what is still waiting when it is closed', async () => {
    const { pool } = openPool();
    const hanging = assert.rejects(pool.parse(requests('hang')), /closed/);
    await pool.close();
    await hanging;
    await assert.rejects(pool.parse(requests('a')), /closed/);
  });
});
