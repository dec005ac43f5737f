import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectPostgres } from '../../../cloud/adapters/postgres/connectPostgres.ts';
import { openEmbeddedStack } from '../../../cloud/node/embeddedStack.ts';
import { readEmbedded } from '../../../cloud/node/configuration.ts';
import type { Database } from '../../../cloud/ports/database.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import type { IndexJob } from '../../../protocol/api/index.ts';
import { callApi } from '../callApi.ts';
import { freePort } from '../servers/faultyNetwork.ts';
import { foundWithoutLimits, startServices, withServices } from '../stacks.ts';
import { manifestOf, readTree, rootHashOf, syncClient, type Tree } from './syncClient.ts';

const root = path.resolve(import.meta.dirname, '../../..');
/** All of them: CONTEXTKIT_KILLS=50. */
const asked = process.env['CONTEXTKIT_KILLS'];

/** Numbers that are the same in each run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Server {
  process: ChildProcess;
  /** What it has written so far. */
  output(): string;
}

/** The program as it is built. */
async function start(args: readonly string[], env: NodeJS.ProcessEnv, isReady: RegExp): Promise<Server> {
  const child = spawn(process.execPath, ['dist/cloud/cloud.cjs', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (isReady.test(output)) resolve();
    });
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
  await sleep(20);
  return { process: child, output: () => output };
}

async function kill({ process: child }: Server, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** What is killed, and what outlives it. */
interface Site {
  start(port: number): Promise<Server>;
  /** Of an organization that may ask as often as it likes. */
  key(first: Server): string;
  /** Before it is started again. */
  afterKill(): Promise<void>;
  /** While nothing runs. */
  openDatabase(): Promise<{ database: Database; close: () => Promise<void> }>;
  close(): Promise<void>;
}

function embeddedSite(): Promise<Site> {
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-killed-'));
  return Promise.resolve({
    start: (port) => start(['--data', folder, '--port', String(port)], {}, /\/docs/),
    // Shown at the first start alone.
    key: (first) => /\bck_live_\w{32}/.exec(first.output())![0],
    afterKill: () => Promise.resolve(),
    openDatabase: async () => {
      const stack = await openEmbeddedStack({
        dataFolder: folder,
        programFolder: path.join(root, 'dist/cloud'),
        configuration: readEmbedded({}),
        log: () => undefined,
      });
      return { database: stack.database, close: () => stack.close() };
    },
    close: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}

async function servicesSite(): Promise<Site> {
  const { env, owner, close } = await startServices();
  const connect = (): Promise<Database> => connectPostgres(env['DATABASE_URL']!, 1, () => undefined);
  const database = await connect();
  const { key } = await foundWithoutLimits(database, 'killed');
  await database.close();
  const client = new pg.Client({ connectionString: owner });
  await client.connect();
  return {
    start: (port) => start(['serve'], { ...env, PORT: String(port) }, /"server\.start"/),
    key: () => key,
    // Other servers take a job up when the one that had it has not been heard of for a while: that is over at once here.
    afterKill: async () => {
      await client.query(`UPDATE index_jobs SET lease_until = now() WHERE status = 'running'`);
    },
    openDatabase: async () => {
      const opened = await connect();
      return { database: opened, close: () => opened.close() };
    },
    close: async () => {
      await client.end();
      await close();
    },
  };
}

function killedServer(title: string, open: () => Promise<Site>, kills: number): void {
  describe(title, function () {
    this.timeout(60_000 + kills * 20_000);
    let site: Site | undefined;
    let server: Server | undefined;
    after(async () => {
      if (server?.process.exitCode === null && server.process.signalCode === null) await kill(server, 'SIGKILL');
      await site?.close();
    });

    it(`shows no half revision, and finishes every job it had acknowledged (${kills} times)`, async () => {
      site = await open();
      const port = await freePort();
      const address = `http://127.0.0.1:${port}`;
      const next = random(20_260_209);
      server = await site.start(port);
      const key = site.key(server);
      const me = await callApi(address, 'GET', '/v1/me', { key });
      const project = await callApi(address, 'POST', '/v1/projects', { key, body: { name: 'Killed' } });
      const id = project.body.id as string;
      const client = syncClient(address, key, id);

      const base = [...readTree(path.join(root, 'core'))].slice(0, 40);
      const trees = new Map<string, Tree>();
      /** A working copy in which some files have changed, some are gone and some are new. */
      const nextTree = (): Tree => {
        const tree = new Map(base.filter(() => next() > 0.1));
        for (const [file, text] of base) if (next() < 0.3) tree.set(file, `${text}\n// ${trees.size}\n`);
        tree.set(`new${trees.size}.ts`, `export const n${trees.size} = 1;\n`);
        trees.set(rootHashOf(tree), tree);
        return tree;
      };

      /** What was answered with 202. */
      const acknowledged: string[] = [];
      let isOver = false;
      /** Syncs one tree after the other, whatever becomes of the server. */
      const writer = (async () => {
        while (!isOver) {
          const tree = nextTree();
          try {
            const { base_revision } = await client.send(tree);
            const body = { project_id: id, base_revision, manifest: manifestOf(tree), root_hash: rootHashOf(tree) };
            const reply = await client.call('POST', '/v1/index/sync', { body });
            if (reply.status === 202) acknowledged.push(reply.body.job_id as string);
            else await sleep(50);
          } catch (error) {
            // No connection, or one that broke; anything else is a fault of the platform.
            if (!(error instanceof TypeError)) throw error;
            await sleep(50);
          }
        }
      })();
      writer.catch(() => undefined);

      /** What can be seen is one of the trees that were sent, and all of it. */
      const checkVisible = async (): Promise<number> => {
        for (;;) {
          const ask = { project_id: id, root_hash: '0'.repeat(64) };
          const { body: state } = await client.call('POST', '/v1/index/sync', { body: ask });
          if (state.revision === 0) return 0;
          const tree = trees.get(state.root_hash as string);
          assert.ok(tree !== undefined, `revision ${state.revision} is none of the trees that were sent`);
          const { body: diff } = await client.call('POST', '/v1/index/diff', {
            body: { project_id: id, manifest: manifestOf(tree) },
          });
          // The branch moved on in between.
          if (diff.base_revision !== state.revision) continue;
          assert.deepEqual([diff.changed, diff.deleted, state.files], [0, 0, tree.size]);
          return state.revision as number;
        }
      };

      for (let count = 0; count < kills; count++) {
        // By turns at any moment, and soon after a job was acknowledged: however slow the machine is, some are.
        const before = acknowledged.length;
        const until = performance.now() + (count % 2 === 0 ? 0 : 30_000);
        while (acknowledged.length === before && performance.now() < until) await sleep(10);
        await sleep(next() * (count % 2 === 0 ? 2_000 : 700));
        await kill(server, 'SIGKILL');
        await site.afterKill();
        server = await site.start(port);
        await checkVisible();
      }
      isOver = true;
      await writer;

      const jobs: IndexJob[] = [];
      for (const job of acknowledged) jobs.push(await client.ended(job));
      const ended = jobs.filter(({ status, error }) => status !== 'succeeded' && error?.code !== 'conflict');
      assert.deepEqual(ended, [], 'jobs that did not finish');
      const done = jobs.filter(({ status }) => status === 'succeeded');
      assert.ok(done.length > 1, `only ${done.length} of ${jobs.length} jobs succeeded`);
      const revision = await checkVisible();
      console.log(`      ${jobs.length} jobs acknowledged, ${done.length} succeeded, revision ${revision}`);
      // A job may have been made without its answer coming through.
      assert.ok(revision >= done.length);
      await kill(server, 'SIGTERM');
      assert.equal(server.process.exitCode, 0);

      const { database, close } = await site.openDatabase();
      try {
        const org = orgId(me.body.organization.id as string);
        const { rows } = await database.withOrg(org, (tx) =>
          tx.query<{ events: number; succeeded: number; changes: number }>(
            `SELECT (SELECT count(*) FROM usage_events WHERE event_type = 'index') AS events,
             (SELECT count(*) FROM index_jobs WHERE kind = 'sync' AND status = 'succeeded') AS succeeded,
             (SELECT count(*) FROM index_job_changes) AS changes`,
          ),
        );
        assert.deepEqual(
          rows,
          [{ events: revision, succeeded: revision, changes: 0 }],
          'usage is neither lost nor doubled',
        );
      } finally {
        await close();
      }
    });
  });
}

killedServer('A server that is killed while it syncs (embedded)', embeddedSite, Number(asked ?? 12));
const title = 'A server that is killed while it syncs (PostgreSQL and Redis)';
withServices(title, () => killedServer(title, servicesSite, Number(asked ?? 8)));
