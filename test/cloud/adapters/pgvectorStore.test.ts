import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import pg from 'pg';
import { pgliteDatabase } from '../../../cloud/adapters/pglite/pgliteDatabase.ts';
import { pgvectorStore } from '../../../cloud/adapters/pgvectorStore/pgvectorStore.ts';
import { connectPostgres, migratePostgres } from '../../../cloud/adapters/postgres/connectPostgres.ts';
import { ApiError } from '../../../cloud/domain/apiError.ts';
import { storeVectors } from '../../../cloud/domain/indexing/storedContents.ts';
import type { Database } from '../../../cloud/ports/database.ts';
import { orgId, type OrgId } from '../../../cloud/ports/organization.ts';
import { VectorStoreError, type VectorStore } from '../../../cloud/ports/vectorStore.ts';
import { digestOf, vectorOf, vectorStoreContract } from '../contracts/vectorStoreContract.ts';
import { startFaultyNetwork } from '../servers/faultyNetwork.ts';
import { startPostgres, withPostgres, type PostgresServer } from '../servers/postgresServer.ts';

const workerFile = path.resolve(import.meta.dirname, '../../../dist/cloud/pgliteWorker.cjs');

async function newOrg(database: Database): Promise<OrgId> {
  const org = orgId(randomUUID());
  await database.withOrg(org, (tx) =>
    tx.query('INSERT INTO organizations (id, name, slug) VALUES ($1, $2, $3)', [org, 'Acme', `acme-${org}`]),
  );
  return org;
}

async function newProject(database: Database, org: OrgId): Promise<string> {
  const project = randomUUID();
  await database.withOrg(org, (tx) =>
    tx.query('INSERT INTO projects (id, org_id, name, slug) VALUES ($1, $2, $3, $4)', [project, org, 'Web', project]),
  );
  return project;
}

async function openPglite(): Promise<{ database: Database; close: () => Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-vectors-'));
  const errors: Error[] = [];
  const database = await pgliteDatabase({ folder, workerFile, onError: (error) => errors.push(error) });
  return {
    database,
    async close() {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
      assert.deepEqual(errors, []);
    },
  };
}

const rejection = async (work: Promise<unknown>): Promise<VectorStoreError> => {
  const [outcome] = await Promise.allSettled([work]);
  assert.equal(outcome.status, 'rejected');
  const { reason } = outcome as { reason: unknown };
  assert.ok(reason instanceof VectorStoreError, String(reason));
  return reason;
};

/** One for all tests here: it takes its time to start. */
let opened: ReturnType<typeof openPglite> | undefined;
const pglite = async (): Promise<Database> => (await (opened ??= openPglite())).database;
after(async function () {
  this.timeout(60_000);
  await (await opened)?.close();
});

vectorStoreContract('pgvector in PGlite', {
  isRemote: false,
  async start() {
    const database = await pglite();
    return {
      store: pgvectorStore({ database }),
      newOrg: () => newOrg(database),
      newProject: (org) => newProject(database, org),
      close: async () => undefined,
    };
  },
});

const { CONTEXTKIT_TEST_PGVECTOR_URL: ownerOfPgvector } = process.env;
if (ownerOfPgvector !== undefined)
  vectorStoreContract('pgvector in a server of PostgreSQL', {
    isRemote: false,
    async start() {
      const login = new URL(ownerOfPgvector);
      login.username = 'contextkit_login';
      login.password = 'secret';
      await migratePostgres({ owner: ownerOfPgvector, database: login.href });
      const database = await connectPostgres(login.href, 8, (error) => console.log(error.message));
      return {
        store: pgvectorStore({ database }),
        newOrg: () => newOrg(database),
        newProject: (org) => newProject(database, org),
        close: () => database.close(),
      };
    },
  });
else
  console.log(
    'not run: vectors in a server of PostgreSQL (name the owner of a database where pgvector is installed in CONTEXTKIT_TEST_PGVECTOR_URL)',
  );

describe('The vector store in PostgreSQL', function () {
  this.timeout(30_000);
  let database: Database;
  let store: VectorStore;
  let org: OrgId;
  let project: string;
  const stored = (text: string, seed: number, projectId = project) => ({
    projectId,
    digest: digestOf(text),
    vector: vectorOf(seed),
  });

  before(async () => {
    database = await pglite();
    store = pgvectorStore({ database });
  });
  beforeEach(async () => {
    org = await newOrg(database);
    project = await newProject(database, org);
  });

  it('refuses vectors for a project that is not there, or is of another organization', async () => {
    const theirs = await newProject(database, await newOrg(database));
    for (const projectId of [randomUUID(), theirs]) {
      const error = await rejection(store.upsert(org, [stored('a', 1), stored('b', 2, projectId)]));
      assert.match(error.message, /no such project/);
      assert.deepEqual([error.isUnavailable, error.isProjectMissing], [false, true]);
    }
    assert.equal(await store.count(org), 0, 'nothing is written by halves');
  });

  it('whoever sends vectors of a project that is deleted meanwhile is told so', async () => {
    const deletes: VectorStore = {
      ...store,
      async ensure(of) {
        await store.ensure(of);
        await database.withOrg(org, (tx) => tx.query('DELETE FROM projects WHERE org_id = $1', [org]));
      },
    };
    const added = [{ digest: digestOf('a'), vector: vectorOf(1) }];
    await assert.rejects(
      storeVectors({ database, vectors: deletes }, { org, projectId: project }, added),
      (error: unknown) => error instanceof ApiError && error.code === 'not_found' && /deleted/.test(error.message),
    );
  });

  it('the rows of an organization are seen by no statement of another', async () => {
    await store.upsert(org, [stored('a', 1)]);
    const other = await newOrg(database);
    const count = async (of: OrgId): Promise<unknown> =>
      database.withOrg(of, async (tx) => (await tx.query('SELECT count(*) AS n FROM project_vectors')).rows[0]);
    assert.deepEqual([await count(org), await count(other)], [{ n: 1 }, { n: 0 }]);
    await database.withOrg(other, (tx) => tx.query('DELETE FROM project_vectors'));
    assert.deepEqual(await count(org), { n: 1 });
    const forged = database.withOrg(other, (tx) =>
      tx.query('UPDATE project_vectors SET org_id = $1; ', [org]).then(({ count }) => assert.equal(count, 0)),
    );
    await forged;
    await assert.rejects(
      database.withOrg(other, (tx) =>
        tx.query('INSERT INTO project_vectors SELECT $1, $2, $3::uuid, $4::vector', [
          org,
          project,
          digestOf('b'),
          `[${Array.from(vectorOf(1)).join(',')}]`,
        ]),
      ),
      /row-level security/,
    );
  });

  it('vectors go with their project', async () => {
    await store.upsert(org, [stored('a', 1)]);
    await database.withOrg(org, (tx) => tx.query('DELETE FROM projects WHERE id = $1', [project]));
    assert.equal(await store.count(org), 0);
  });

  it('what is the same already is not written again', async () => {
    const versions = (): Promise<unknown> =>
      database.withOrg(org, async (tx) => {
        const { rows } = await tx.query('SELECT digest, xmin::text AS version FROM project_vectors ORDER BY digest');
        return rows;
      });
    const all = [stored('a', 1), stored('b', 2)];
    await store.upsert(org, all);
    const before = await versions();
    await store.upsert(org, all);
    assert.deepEqual(await versions(), before);
    await store.upsert(org, [stored('a', 1), stored('b', 3)]);
    assert.notDeepEqual(await versions(), before);
  });

  it('makes vectors length 1', async () => {
    await store.upsert(org, [{ ...stored('a', 1), vector: vectorOf(1).map((value) => value * 7) }]);
    const query = vectorOf(1).map((value) => value * 0.01);
    const [found] = await store.nearest(org, { projectId: project, vector: query, limit: 1 });
    assert.ok(Math.abs(found!.similarity - 1) < 1e-5);
  });

  it('a table of other dimensions is an error', async () => {
    const error = await rejection(pgvectorStore({ database, dimensions: 768 }).ensure(org));
    assert.match(error.message, /768 dimensions/);
  });
});

describe('The table of vectors', function () {
  this.timeout(60_000);

  it('is made by a later migration where pgvector came after the first', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-vectors-'));
    const open = (): Promise<Database> =>
      pgliteDatabase({ folder, workerFile, onError: (error) => assert.fail(error) });
    try {
      await (await open()).close();
      // As it is after a migration without the extension.
      const raw = await PGlite.create({ dataDir: path.join(folder, 'postgres'), extensions: { vector } });
      await raw.exec('DROP TABLE project_vectors; DROP EXTENSION vector');
      const { rows: applied } = await raw.query('SELECT number, digest FROM schema_migrations ORDER BY number');
      await raw.close();

      const database = await open();
      const org = await newOrg(database);
      const store = pgvectorStore({ database });
      await store.ensure(org);
      const projectId = await newProject(database, org);
      await store.upsert(org, [{ projectId, digest: digestOf('a'), vector: vectorOf(1) }]);
      assert.equal(await store.count(org), 1);
      const other = await newOrg(database);
      assert.equal(await store.count(other, projectId), 0);
      await database.close();

      const after = await PGlite.create({ dataDir: path.join(folder, 'postgres'), extensions: { vector } });
      const { rows } = await after.query('SELECT number, digest FROM schema_migrations ORDER BY number');
      await after.close();
      assert.deepEqual(rows, applied);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

withPostgres('vectors beside PostgreSQL', () => {
  describe('The vector store on a server of PostgreSQL', function () {
    this.timeout(60_000);
    let server: PostgresServer;
    let owner: string;
    let login: string;
    let hasPgvector: boolean;

    before(async () => {
      server = await startPostgres();
      owner = await server.createDatabase();
      login = owner.replace('postgres@', 'contextkit_login:secret@');
      await migratePostgres({ owner, database: login });
      const client = new pg.Client({ connectionString: owner });
      await client.connect();
      const { rowCount } = await client.query("SELECT FROM pg_available_extensions WHERE name = 'vector'");
      await client.end();
      hasPgvector = rowCount === 1;
    });
    after(() => server.close());

    it('says so where pgvector is not installed, and works where it is', async () => {
      const database = await connectPostgres(login, 4, () => undefined);
      const store = pgvectorStore({ database });
      const org = await newOrg(database);
      const projectId = await newProject(database, org);
      const vector = { projectId, digest: digestOf('a'), vector: vectorOf(1) };
      try {
        if (hasPgvector) {
          await store.ensure(org);
          await store.upsert(org, [vector]);
          assert.equal(await store.count(org), 1);
          return;
        }
        for (const work of [() => store.ensure(org), () => store.upsert(org, [vector]), () => store.count(org)]) {
          const error = await rejection(work());
          assert.match(error.message, /install pgvector, then run "contextkit-cloud migrate" again/);
          assert.equal(error.isUnavailable, false);
        }
      } finally {
        await database.close();
      }
    });

    it('is unavailable while the line is down or silent, and works again afterwards', async () => {
      const network = await startFaultyNetwork(Number(new URL(login).port));
      const address = new URL(login);
      address.port = String(network.port);
      const database = await connectPostgres(address.href, 2, () => undefined);
      const store = pgvectorStore({ database });
      try {
        await store.health();
        await network.set('down');
        // The pool drops what was idle and is cut off.
        await sleep(100);
        assert.equal((await rejection(store.health())).isUnavailable, true);
        await network.set('fine');
        await store.health();
        await network.set('silent');
        assert.equal((await rejection(store.health())).isUnavailable, true);
        await network.set('fine');
        await store.health();
      } finally {
        await database.close();
        await network.close();
      }
    });
  });
});
