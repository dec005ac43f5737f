import assert from 'node:assert/strict';
import pg from 'pg';
import { checkSchema, migrateDatabase, SchemaError } from '../../../cloud/adapters/postgres/migrateDatabase.ts';
import { connectPostgres } from '../../../cloud/adapters/postgres/connectPostgres.ts';
import { migrations } from '../../../cloud/migrations/index.ts';
import { DatabaseError } from '../../../cloud/ports/database.ts';
import { orgId, type OrgId } from '../../../cloud/ports/organization.ts';
import { withPostgres } from '../servers/postgresServer.ts';
import { migratedDatabase, onEachStack, testPostgres, type Tenant } from '../stacks.ts';

async function asOwner<T>(address: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const rejectsWith = (sqlState: string) => (error: unknown) => {
  assert.ok(error instanceof DatabaseError, String(error));
  assert.equal(error.sqlState, sqlState, error.message);
  return true;
};

withPostgres('The schema', () => {
  describe('The schema', function () {
    this.timeout(60_000);

    it('has row-level security, forced, with a policy, on every table that the program can reach', async () => {
      const { owner } = await migratedDatabase();
      const tables = await asOwner(owner, async (client) => {
        const { rows } = await client.query<{
          name: string;
          enabled: boolean;
          forced: boolean;
          policies: number;
          granted: boolean;
        }>(`
          SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
            (SELECT count(*)::int FROM pg_policy p WHERE p.polrelid = c.oid AND 'contextkit_app'::regrole = ANY (p.polroles)) AS policies,
            EXISTS (SELECT FROM information_schema.role_table_grants g
              WHERE g.table_name = c.relname AND g.table_schema = 'public' AND g.grantee IN ('contextkit_app', 'contextkit_login', 'PUBLIC')) AS granted
          FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')`);
        return rows;
      });
      assert.ok(tables.length >= 11, 'the list of tables is too short to be true');
      // The record of the migrations holds nothing of any organization; the program reads it at its start.
      const ofTenants = tables.filter(({ name }) => name !== 'schema_migrations');
      assert.deepEqual(
        ofTenants.filter(({ enabled, forced, policies }) => !enabled || !forced || policies === 0),
        [],
      );
      assert.deepEqual(
        ofTenants.filter(({ granted }) => !granted).map(({ name }) => name),
        [],
        'a table that the program cannot reach at all',
      );
    });

    it('is owned by nobody who serves: neither the login nor what it becomes', async () => {
      const { owner, login } = await migratedDatabase();
      await asOwner(owner, async (client) => {
        const { rows } = await client.query<{ rolname: string; above: boolean; owns: number }>(`
          SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS above,
            (SELECT count(*)::int FROM pg_class c WHERE c.relowner = r.oid) AS owns
          FROM pg_roles r WHERE rolname IN ('contextkit_app', 'contextkit_login', 'contextkit_gate')`);
        assert.equal(rows.length, 3);
        assert.deepEqual(
          rows.filter(({ above, owns }) => above || owns > 0),
          [],
        );
      });
      await asOwner(login, async (client) => {
        await assert.rejects(client.query('SELECT * FROM projects'), /permission denied/);
        await assert.rejects(client.query('SET ROLE contextkit_gate'), /permission denied/);
        await assert.rejects(client.query('ALTER TABLE projects DISABLE ROW LEVEL SECURITY'), /must be owner/);
      });
    });

    it('is migrated by one program at a time, and once', async () => {
      const owner = await (await testPostgres()).createDatabase();
      const login = { name: 'contextkit_login', password: 'secret' };
      const results = await Promise.all(
        [1, 2, 3].map(() => asOwner(owner, (client) => migrateDatabase(client, { login }))),
      );
      const all = migrations.map(({ number }) => number);
      assert.deepEqual(results.flat(), all);
    });

    it('is migrated step by step on data that are there', async () => {
      const owner = await (await testPostgres()).createDatabase();
      const login = { name: 'contextkit_login' };
      await asOwner(owner, async (client) => {
        await migrateDatabase(client, { login, migrations: migrations.slice(0, 1) });
        await client.query(`INSERT INTO organizations (name, slug) VALUES ('Kept', 'kept')`);
        await migrateDatabase(client, { login });
        const { rows } = await client.query(`SELECT name FROM organizations WHERE slug = 'kept'`);
        assert.deepEqual(rows, [{ name: 'Kept' }]);
      });
    });

    it('is migrated with jobs that wait: they are there, and are taken up', async () => {
      const owner = await (await testPostgres()).createDatabase();
      const login = { name: 'contextkit_login' };
      await asOwner(owner, async (client) => {
        await migrateDatabase(client, { login, migrations: migrations.slice(0, 3) });
        await client.query(`
          WITH o AS (INSERT INTO organizations (name, slug) VALUES ('Kept', 'kept') RETURNING id)
          INSERT INTO index_jobs (org_id, project_id, branch, kind) SELECT id, gen_random_uuid(), 'main', 'sync' FROM o`);
        await migrateDatabase(client, { login });
        const { rows } = await client.query(`SELECT kind, branch FROM gate.claim_job('worker', 20)`);
        assert.deepEqual(rows, [{ kind: 'sync', branch: 'main' }]);
        await assert.rejects(client.query(`UPDATE index_jobs SET kind = 'other'`), /index_jobs_kind_check/);
      });
    });

    it('of a newer version, or one whose steps were changed, is refused', async () => {
      const { owner } = await migratedDatabase();
      const login = { name: 'contextkit_login' };
      await asOwner(owner, async (client) => {
        await client.query(`INSERT INTO schema_migrations (number, name, digest) VALUES (999, 'later', 'x')`);
        await assert.rejects(migrateDatabase(client, { login }), /migration 999, which this version does not know/);
        await client.query('DELETE FROM schema_migrations WHERE number = 999');
        await client.query(`UPDATE schema_migrations SET digest = 'other' WHERE number = 1`);
        await assert.rejects(migrateDatabase(client, { login }), /Migration 1 \(tenants\) was changed/);
      });
    });

    it('a step that fails leaves nothing behind', async () => {
      const owner = await (await testPostgres()).createDatabase();
      const login = { name: 'contextkit_login' };
      const broken = { number: 1, name: 'broken', sql: 'CREATE TABLE half (id int); SELECT nonsense' };
      await asOwner(owner, async (client) => {
        await assert.rejects(migrateDatabase(client, { login, migrations: [broken] }), SchemaError);
        const { rows } = await client.query(`SELECT to_regclass('half') AS half`);
        assert.deepEqual(rows, [{ half: null }]);
      });
    });

    it('serves no login that could see all organizations, and none that is behind', async () => {
      const { owner, login } = await migratedDatabase();
      await assert.rejects(connectPostgres(owner, 1, assert.fail), /would see all organizations/);
      await asOwner(login, checkSchema);
      await asOwner(owner, (client) => client.query('DELETE FROM schema_migrations'));
      await assert.rejects(connectPostgres(login, 1, assert.fail), /migrations behind this version: run/);
      const empty = await (await testPostgres()).createDatabase();
      await assert.rejects(
        connectPostgres(empty.replace('postgres@', 'contextkit_login:secret@'), 1, assert.fail),
        /not set up for the role contextkit_login/,
      );
    });

    it('survives connections that break in the middle of a statement', async () => {
      const { owner, login } = await migratedDatabase();
      const database = await connectPostgres(login, 2, () => undefined);
      const slow = database.withOrg(orgId(crypto.randomUUID()), (tx) => tx.query('SELECT pg_sleep(20)'));
      const ended = assert.rejects(slow, (error: unknown) => error instanceof DatabaseError && error.isUnavailable);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const statement = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'contextkit_login' AND datname = current_database()`;
      await asOwner(owner, (client) => client.query(statement));
      await ended;
      await database.health();
      await database.close();
    });

    it('tells why the work failed, also where its connection broke meanwhile', async () => {
      const { owner, login } = await migratedDatabase();
      const database = await connectPostgres(login, 1, () => undefined);
      const reason = new Error('changed my mind');
      const failing = database.withOrg(orgId(crypto.randomUUID()), async (tx) => {
        const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await asOwner(owner, (client) => client.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]));
        throw reason;
      });
      await assert.rejects(failing, (error: unknown) => error === reason);
      await database.health();
      await database.close();
    });

    it('is away for whoever asks after its end', async () => {
      const { login } = await migratedDatabase();
      const database = await connectPostgres(login, 1, () => undefined);
      await database.close();
      await assert.rejects(
        database.health(),
        (error: unknown) => error instanceof DatabaseError && error.isUnavailable,
      );
    });

    it('that cannot be reached is said to be away', async () => {
      await assert.rejects(connectPostgres('postgres://nobody@127.0.0.1:1/none', 1, assert.fail), (error: unknown) => {
        assert.ok(error instanceof DatabaseError);
        assert.ok(error.isUnavailable);
        return true;
      });
    });
  });
});

onEachStack('withOrg', (platform) => {
  let ours: Tenant;
  let theirs: Tenant;
  let projectOfTheirs: string;
  const database = () => platform().stack.database;
  const addProject = (org: OrgId, as: OrgId, slug: string) =>
    database().withOrg(as, (tx) =>
      tx.query('INSERT INTO projects (org_id, name, slug) VALUES ($1, $2, $2)', [org, slug]),
    );
  const slugs = async (org: OrgId): Promise<string[]> => {
    const { rows } = await database().withOrg(org, (tx) =>
      tx.query<{ slug: string }>('SELECT slug FROM projects ORDER BY slug'),
    );
    return rows.map(({ slug }) => slug);
  };

  before(async () => {
    ours = await platform().found('ours');
    theirs = await platform().found('theirs');
    await addProject(theirs.org, theirs.org, 'theirs');
    const { rows } = await database().withOrg(theirs.org, (tx) => tx.query<{ id: string }>('SELECT id FROM projects'));
    projectOfTheirs = rows[0]!.id;
  });

  it('sees and changes rows of the organization alone, whatever the statement says', async () => {
    assert.deepEqual(await slugs(ours.org), []);
    await assert.rejects(addProject(theirs.org, ours.org, 'planted'), rejectsWith('42501'));
    const { count } = await database().withOrg(ours.org, (tx) => tx.query('DELETE FROM projects'));
    assert.equal(count, 0);
    await database().withOrg(ours.org, (tx) => tx.query(`UPDATE org_members SET role = 'member'`));
    const { rows } = await database().withOrg(theirs.org, (tx) => tx.query('SELECT role FROM org_members'));
    assert.deepEqual(rows, [{ role: 'owner' }]);
    assert.deepEqual(await slugs(theirs.org), ['theirs']);
  });

  it('sees snapshots of the organization alone, and adds none to a project of another', async () => {
    const add = (as: OrgId, org: OrgId) =>
      database().withOrg(as, (tx) =>
        tx.query(
          `INSERT INTO snapshots (org_id, project_id, branch, revision, root_hash, analysis_version, files, chunks, job_id)
           SELECT $1, $2::uuid, 'main', 1, '', '', 0, 0, $2::uuid`,
          [org, projectOfTheirs],
        ),
      );
    await add(theirs.org, theirs.org);
    await assert.rejects(add(ours.org, theirs.org), rejectsWith('42501'));
    await assert.rejects(add(ours.org, ours.org), rejectsWith('23503'));
    for (const statement of ['SELECT FROM snapshots', 'DELETE FROM snapshots']) {
      const { count } = await database().withOrg(ours.org, (tx) => tx.query(statement));
      assert.equal(count, 0);
    }
    const { count } = await database().withOrg(theirs.org, (tx) => tx.query('SELECT FROM snapshots'));
    assert.equal(count, 1);
  });

  it('sees people of the organization alone', async () => {
    const { rows } = await database().withOrg(ours.org, (tx) => tx.query('SELECT email FROM users'));
    assert.deepEqual(rows, [{ email: 'ours@example.com' }]);
  });

  it('lets nobody in for an organization that does not exist', async () => {
    assert.deepEqual(await slugs(orgId(crypto.randomUUID())), []);
  });

  it('takes no text for an organization', async () => {
    const planted = `${ours.org}'; SET LOCAL ROLE contextkit_gate; --` as OrgId;
    await assert.rejects(slugs(planted), TypeError);
  });

  it('cannot change what has happened', async () => {
    for (const statement of [
      'UPDATE audit_log SET action = action',
      'DELETE FROM audit_log',
      'DELETE FROM usage_events',
    ]) {
      await assert.rejects(
        database().withOrg(ours.org, (tx) => tx.query(statement)),
        rejectsWith('42501'),
      );
    }
  });

  it('writes nothing when it is only to read', async () => {
    const work = database().withOrg(
      ours.org,
      (tx) => tx.query(`INSERT INTO projects (org_id, name, slug) VALUES ($1, 'x', 'x')`, [ours.org]),
      { readOnly: true },
    );
    await assert.rejects(work, rejectsWith('25006'));
  });

  it('undoes everything when the work fails, and goes on with the next', async () => {
    const failing = database().withOrg(ours.org, async (tx) => {
      await tx.query(`INSERT INTO projects (org_id, name, slug) VALUES ($1, 'half', 'half')`, [ours.org]);
      throw new Error('changed my mind');
    });
    await assert.rejects(failing, /changed my mind/);
    assert.deepEqual(await slugs(ours.org), []);
  });

  it('passes on what the work throws as it is, also where it sounds like the database', async () => {
    for (const reason of [new Error('the shop is closed: no connection before nine'), new RangeError('timeout')]) {
      const failing = database().withOrg(ours.org, () => Promise.reject(reason));
      await assert.rejects(failing, (error: unknown) => error === reason);
    }
  });

  it('says so when a statement failed and the work went on as if nothing had happened', async () => {
    const work = database().withOrg(ours.org, async (tx) => {
      await tx.query(`INSERT INTO projects (org_id, name, slug) VALUES ($1, 'lost', 'lost')`, [ours.org]);
      await tx.query('SELECT nonsense').catch(() => undefined);
    });
    await assert.rejects(work, rejectsWith('25P02'));
    assert.deepEqual(await slugs(ours.org), []);
  });

  it('gives up on a statement that takes too long, and goes on with the next', async () => {
    const slow = database().withOrg(ours.org, (tx) => tx.query('SELECT pg_sleep(4)'), { timeoutMs: 200 });
    await assert.rejects(slow, (error: unknown) => error instanceof DatabaseError && error.isUnavailable);
    assert.deepEqual(await slugs(theirs.org), ['theirs']);
  });

  it('allows no statement after its end', async () => {
    let late: (() => Promise<unknown>) | undefined;
    await database().withOrg(ours.org, async (tx) => {
      late = () => tx.query('SELECT 1');
    });
    await assert.rejects(late!(), /after the end of its transaction/);
  });

  it('ends with the statement that is said to be the last', async () => {
    const add = `INSERT INTO projects (org_id, name, slug) VALUES ($1, 'last', 'last')`;
    const failing = database().withOrg(theirs.org, (tx) => tx.last('SELECT 1 / $1::integer', [0]));
    await assert.rejects(failing, rejectsWith('22012'));
    const refused = database().withOrg(theirs.org, async (tx) => {
      await tx.last(add, [theirs.org]);
      await tx.query('SELECT 1');
    });
    await assert.rejects(refused, /after the end of its transaction/);
    assert.deepEqual(await slugs(theirs.org), ['last', 'theirs'], 'what it wrote is there');
    await database().withOrg(theirs.org, (tx) => tx.last(`DELETE FROM projects WHERE slug = 'last'`));
    await assert.rejects(
      database().withOrg(ours.org, (tx) => tx.last(add, [ours.org]), { readOnly: true }),
      rejectsWith('25006'),
    );
  });

  it('sees nothing where its transaction cannot begin, and goes on with the next', async () => {
    const never = { timeoutMs: -1 };
    const seen: unknown[] = [];
    const failing = database().withOrg(
      theirs.org,
      async (tx) => {
        seen.push(await tx.query('SELECT slug FROM projects').catch((error: unknown) => (error as Error).message));
        seen.push(await tx.query('SELECT slug FROM projects').catch((error: unknown) => (error as Error).message));
      },
      never,
    );
    await assert.rejects(failing, rejectsWith('22023'));
    for (const message of seen) assert.match(String(message), /outside the valid range/);
    await assert.rejects(
      database().withOrg(theirs.org, (tx) => tx.last('SELECT slug FROM projects'), never),
      rejectsWith('22023'),
    );
    assert.deepEqual(await slugs(theirs.org), ['theirs']);
  });

  it('keeps many organizations apart that ask at the same time', async () => {
    const tenants = await Promise.all(Array.from({ length: 8 }, (_, i) => platform().found(`many-${i}`)));
    await Promise.all(tenants.map(({ org }, i) => addProject(org, org, `only-${i}`)));
    const seen = await Promise.all(
      Array.from({ length: 80 }, async (_, i) => ({ i: i % 8, found: await slugs(tenants[i % 8]!.org) })),
    );
    for (const { i, found } of seen) assert.deepEqual(found, [`only-${i}`]);
  });

  it('opens no gate by a name that is none', async () => {
    await assert.rejects(database().callGate('find_api_keys($1); --', []), TypeError);
  });
});
