import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pgliteDatabase } from '../../../cloud/adapters/pglite/pgliteDatabase.ts';
import type { Database } from '../../../cloud/ports/database.ts';
import { orgId } from '../../../cloud/ports/organization.ts';

const workerFile = path.resolve(import.meta.dirname, '../../../dist/cloud/pgliteWorker.cjs');
const org = orgId('00000000-0000-4000-8000-000000000000');
const megabyte = 1e6;

describe('PGlite in a thread', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-pglite-'));
  const errors: Error[] = [];
  let database: Database;

  before(async () => {
    database = await pgliteDatabase({ folder, workerFile, onError: (error) => errors.push(error) });
  });
  after(async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
    assert.deepEqual(errors, []);
  });

  const ask = async (letter: string): Promise<void> => {
    const { rows } = await database.withOrg(org, (tx) =>
      tx.query<{ text: string }>('SELECT repeat($1, $2::int) AS text', [letter, megabyte]),
    );
    assert.equal(rows[0]!.text, letter.repeat(megabyte));
  };

  it('gives answers of a megabyte, and keeps none of them', async () => {
    for (let i = 0; i < 50; i++) await ask('a');
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 400; i++) await ask(i % 2 === 0 ? 'b' : 'c');
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 200 * megabyte, `400 answers of a megabyte took ${Math.round(grown / megabyte)} MB`);
  });
});
