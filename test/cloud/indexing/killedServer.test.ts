import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedStack } from '../../../cloud/node/embeddedStack.ts';
import { readEmbedded } from '../../../cloud/node/configuration.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import type { IndexJob } from '../../../protocol/api/index.ts';
import { callApi } from '../callApi.ts';
import { freePort } from '../servers/faultyNetwork.ts';
import { manifestOf, readTree, rootHashOf, syncClient, type Tree } from './syncClient.ts';

const root = path.resolve(import.meta.dirname, '../../..');
/** All of them: CONTEXTKIT_KILLS=50. */
const kills = Number(process.env['CONTEXTKIT_KILLS'] ?? 12);

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
  /** Shown at the first start alone. */
  key: string | undefined;
}

/** The program as it is built, on its data. */
async function start(folder: string, port: number): Promise<Server> {
  const child = spawn(process.execPath, ['dist/cloud/cloud.cjs', '--data', folder, '--port', String(port)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes('/docs')) resolve();
    });
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });
  await ready;
  await sleep(20);
  return { process: child, key: /\bck_live_\w{32}/.exec(output)?.[0] };
}

async function kill({ process: child }: Server, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

describe('A server that is killed while it syncs', function () {
  this.timeout(60_000 + kills * 20_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-killed-'));
  let server: Server | undefined;
  after(async () => {
    if (server?.process.exitCode === null) await kill(server, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it(`shows no half revision, and finishes every job it had acknowledged (${kills} times)`, async () => {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const next = random(20_260_209);
    server = await start(folder, port);
    const key = server.key!;
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
      await sleep(50 + next() * 2_000);
      await kill(server, 'SIGKILL');
      server = await start(folder, port);
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

    const stack = await openEmbeddedStack({
      dataFolder: folder,
      programFolder: path.join(root, 'dist/cloud'),
      configuration: readEmbedded({}),
      log: () => undefined,
    });
    try {
      const org = orgId(me.body.organization.id as string);
      const { rows } = await stack.database.withOrg(org, (tx) =>
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
      await stack.close();
    }
  });
});
