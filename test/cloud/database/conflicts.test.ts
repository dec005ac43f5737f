import assert from 'node:assert/strict';
import { connectPostgres } from '../../../cloud/adapters/postgres/connectPostgres.ts';
import { foundOrganization } from '../../../cloud/domain/organizations/manageOrganization.ts';
import { DatabaseError } from '../../../cloud/ports/database.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import { withPostgres } from '../servers/postgresServer.ts';
import { migratedDatabase } from '../stacks.ts';

const title = 'Transactions that wait for each other';

withPostgres(title, () => {
  describe(title, function () {
    this.timeout(30_000);

    it('are both done: the one that the database ends is begun anew', async () => {
      const { login } = await migratedDatabase();
      const database = await connectPostgres(login, 2, assert.fail);
      const { organization } = await foundOrganization(database, 'live', {
        name: 'Both',
        slug: 'both',
        plan: 'free',
        ownerEmail: 'both@example.com',
      });
      const org = orgId(organization.id);
      await database.withOrg(org, (tx) =>
        tx.query(`INSERT INTO projects (org_id, name, slug) VALUES ($1, '', 'a'), ($1, '', 'b')`, [org]),
      );
      let begun = 0;
      let proceed = (): void => undefined;
      const bothBegan = new Promise<void>((resolve) => (proceed = resolve));
      const change = (first: string, second: string): Promise<void> =>
        database.withOrg(org, async (tx) => {
          const add = (slug: string) =>
            tx.query(`UPDATE projects SET name = name || $1 WHERE slug = $2`, [first, slug]);
          await add(first);
          if (++begun === 2) proceed();
          await bothBegan;
          await add(second);
        });
      await Promise.all([change('a', 'b'), change('b', 'a')]);
      assert.ok(begun > 2, 'one of them was begun again');
      const { rows } = await database.withOrg(org, (tx) =>
        tx.query<{ name: string }>('SELECT name FROM projects ORDER BY slug'),
      );
      for (const { name } of rows) assert.deepEqual([...name].sort(), ['a', 'b'], 'each has changed each once');
      await database.close();
    });

    it('are given up after a few times, and for other faults at once', async () => {
      const { login } = await migratedDatabase();
      const database = await connectPostgres(login, 1, assert.fail);
      for (const [sqlState, expected] of [
        ['40P01', 5],
        ['40001', 5],
        ['23505', 1],
      ] as const) {
        let tries = 0;
        const failing = database.withOrg(orgId(crypto.randomUUID()), async (tx) => {
          tries++;
          await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlState}'; END $$`);
        });
        await assert.rejects(
          failing,
          (error: unknown) => error instanceof DatabaseError && error.sqlState === sqlState,
        );
        assert.equal(tries, expected, sqlState);
      }
      await database.health();
      await database.close();
    });
  });
});
