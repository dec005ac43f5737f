import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callApi } from '../cloud/callApi.ts';
import { syncClient } from '../cloud/indexing/syncClient.ts';
import { withPostgres } from '../cloud/servers/postgresServer.ts';
import { startRedis, withRedis } from '../cloud/servers/redisServer.ts';
import { testPostgres } from '../cloud/stacks.ts';

const program = path.resolve(import.meta.dirname, '../../dist/cloud/cloud.cjs');

interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

const running = new Set<ChildProcess>();

function run(args: string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Waits until the program has said something of this form. */
async function said({ stdout, stderr, child }: Run, pattern: RegExp): Promise<string> {
  for (let waited = 0; waited < 600; waited++) {
    const match = pattern.exec(stdout());
    if (match !== null) return match[1] ?? match[0];
    assert.equal(child.exitCode, null, `ended too early: ${stdout()}${stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never said ${pattern}: ${stdout()}${stderr()}`);
}

const address = /(http:\/\/127\.0\.0\.1:\d+)/;
const key = /(ck_live_[A-Za-z0-9]{32})/;

/** A module that shifts the clock of the program that loads it. */
function shiftedClock(days: number): string {
  const code = `
    const Real = Date;
    const shift = ${days * 86_400_000};
    globalThis.Date = class extends Real {
      constructor(...args) { if (args.length === 0) super(Real.now() + shift); else super(...args); }
      static now() { return Real.now() + shift; }
    };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

describe('contextkit-cloud', function () {
  this.timeout(90_000);
  let folder: string;
  const stops: (() => Promise<void>)[] = [];

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'contextkit-cloud-'));
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs with nothing else: prints the key once, keeps its data, is alone on them, ends in order', async () => {
    const args = ['--data', path.join(folder, 'data'), '--port', '0'];
    const first = run(args);
    const url = await said(first, address);
    const text = await said(first, key);
    const made = await callApi(url, 'POST', '/v1/projects', { key: text, body: { name: 'Kept' } });
    assert.equal(made.status, 201, made.text);
    const idleSeconds = Number(/timeout=(\d+)/.exec(made.headers.get('keep-alive') ?? '')?.[1]);
    assert.ok(idleSeconds > 60, 'load balancers keep idle connections for a minute');

    const second = run(args);
    assert.equal(await second.ended, 1);
    assert.match(second.stderr(), new RegExp(`are in use by process ${String(first.child.pid)}`));

    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0, first.stderr());

    const third = run(args);
    const again = await said(third, address);
    assert.equal((await callApi(again, 'GET', `/v1/projects/${made.body.id}`, { key: text })).body.name, 'Kept');
    assert.doesNotMatch(third.stdout(), key);
    third.child.kill('SIGKILL');
    await third.ended;

    const fourth = run(args);
    assert.equal((await callApi(await said(fourth, address), 'GET', '/v1/projects/kept', { key: text })).status, 200);
    fourth.child.kill('SIGTERM');
    assert.equal(await fourth.ended, 0);
  });

  it('founds a further organization on data that are not in use', async () => {
    const found = run([
      'found',
      '--data',
      path.join(folder, 'data'),
      '--name',
      'Second',
      '--slug',
      'second',
      '--owner',
      'second@example.com',
    ]);
    assert.equal(await found.ended, 0, found.stderr());
    assert.match(found.stdout(), key);
    const id = /Organization (\S+)/.exec(found.stdout())![1]!;
    const changed = run(['plan', id, 'pro', '--data', path.join(folder, 'data')]);
    assert.equal(await changed.ended, 0, changed.stderr());
    assert.match(changed.stdout(), /second: pro, 100 requests a minute, 50000 queries a month/);
    const taken = run([
      'found',
      '--data',
      path.join(folder, 'data'),
      '--name',
      'Second',
      '--slug',
      'second',
      '--owner',
      'second@example.com',
    ]);
    assert.equal(await taken.ended, 1);
    assert.match(taken.stderr(), /There is an organization with the slug second/);

    const further = run(['key', id, '--data', path.join(folder, 'data')]);
    assert.equal(await further.ended, 0, further.stderr());
    assert.notEqual(key.exec(further.stdout())![1], key.exec(found.stdout())![1]);
    const nobody = run(['key', crypto.randomUUID(), '--data', path.join(folder, 'data')]);
    assert.equal(await nobody.ended, 1);
    assert.match(nobody.stderr(), /There is no such organization/);
  });

  it('shows the first key at the next start when the first one ended before', async () => {
    const data = path.join(folder, 'unlucky');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const first = run(['--data', data, '--port', String(port)]);
    assert.equal(await first.ended, 1, 'the port is taken');
    assert.doesNotMatch(first.stdout(), key);
    taken.close();

    const keys: string[] = [];
    for (let start = 0; start < 2; start++) {
      const next = run(['--data', data, '--port', '0']);
      const url = await said(next, address);
      keys.push(await said(next, key));
      await said(next, /Try it/);
      const me = await callApi(url, 'GET', '/v1/me', { key: keys.at(-1)! });
      assert.equal(me.body.organization.slug, 'my-organization', me.text);
      next.child.kill('SIGTERM');
      assert.equal(await next.ended, 0);
      // As if it had been killed before it could note that the key was shown.
      if (start === 0) renameSync(path.join(data, 'founded'), path.join(data, 'founding'));
    }
    assert.equal(new Set(keys).size, 2);
  });

  it('names every fault of its environment, and no value', async () => {
    const { ended, stderr } = run(['serve'], {
      DATABASE_URL: 'mysql://u:hush@h/d',
      PORT: '99999',
      METRICS_TOKEN: 'short',
    });
    assert.equal(await ended, 1);
    for (const name of [
      'DATABASE_URL must begin with postgres',
      'REDIS_URL is missing',
      'PORT',
      'METRICS_TOKEN must have 16',
    ]) {
      assert.ok(stderr().includes(name), `${name}: ${stderr()}`);
    }
    assert.ok(!stderr().includes('hush'));
  });

  it('says what is wrong with its arguments', async () => {
    for (const args of [['--port', 'x'], ['found'], ['plan', 'x', 'free'], ['nonsense']]) {
      const { ended, stderr } = run(args);
      assert.equal(await ended, 2, stderr());
      assert.ok(stderr().length > 10);
    }
  });

  const title = 'contextkit-cloud on PostgreSQL and Redis';
  withPostgres(title, () =>
    withRedis(title, () => {
      it('migrates, founds and serves, two servers side by side', async () => {
        const redis = await startRedis();
        stops.push(() => redis.close());
        const owner = await (await testPostgres()).createDatabase();
        const env = {
          DATABASE_URL: owner.replace('postgres@', 'contextkit_login:secret@'),
          MIGRATION_DATABASE_URL: owner,
          REDIS_URL: `redis://127.0.0.1:${redis.port}`,
          BLOB_FOLDER: path.join(folder, 'blobs'),
          PORT: '0',
        };
        const early = run(['serve'], env);
        assert.equal(await early.ended, 1);
        assert.match(early.stderr(), /run "contextkit-cloud migrate"/);
        assert.equal(await run(['migrate'], env).ended, 0);
        const again = run(['migrate'], env);
        assert.equal(await again.ended, 0);
        assert.match(again.stdout(), /up to date/);
        const found = run(['found', '--name', 'A', '--slug', 'a', '--owner', 'a@example.com'], env);
        assert.equal(await found.ended, 0, found.stderr());
        const text = key.exec(found.stdout())![1]!;

        const servers = [run(['serve'], env), run(['serve'], env)];
        const urls = await Promise.all(servers.map((server) => said(server, address)));
        const made = await callApi(urls[0]!, 'POST', '/v1/projects', { key: text, body: { name: 'Shared' } });
        assert.equal(
          (await callApi(urls[1]!, 'GET', `/v1/projects/${made.body.id}`, { key: text })).body.name,
          'Shared',
        );
        // Both count on the same limit: the plan of the organization is free.
        const replies = await Promise.all(
          Array.from({ length: 30 }, (_, i) => callApi(urls[i % 2]!, 'GET', '/v1/me', { key: text })),
        );
        assert.equal(replies.filter(({ status }) => status === 200).length, 18);

        for (const { child } of servers) child.kill('SIGTERM');
        assert.deepEqual(await Promise.all(servers.map(({ ended }) => ended)), [0, 0]);

        const plan = run(['plan', /Organization (\S+)/.exec(found.stdout())![1]!, 'team'], env);
        assert.equal(await plan.ended, 0, plan.stderr());
        // Clocks of servers differ, by days in the worst case: what counts is that of the database.
        const skewed = [2, -2].map((days) =>
          run(['serve'], { ...env, NODE_OPTIONS: `--import=${shiftedClock(days)}` }),
        );
        const [ahead, behind] = await Promise.all(skewed.map((server) => said(server, address)));
        const expires = (hours: number): object => ({
          name: 'For an hour',
          scopes: ['project:read'],
          expires_at: new Date(Date.now() + hours * 3_600_000).toISOString(),
        });
        const late = await callApi(ahead!, 'POST', '/v1/api-keys', { key: text, body: expires(1) });
        assert.equal(late.status, 201, late.text);
        assert.equal((await callApi(ahead!, 'GET', '/v1/me', { key: late.body.key })).status, 200);
        const past = await callApi(behind!, 'POST', '/v1/api-keys', { key: text, body: expires(-1) });
        assert.equal(past.status, 400, past.text);
        for (const [at, url] of [ahead!, behind!, ahead!, behind!].entries()) {
          const body = { project_id: made.body.id, files: [{ path: 'a.ts', content: `export const at${at} = 1;\n` }] };
          const sent = await callApi(url, 'POST', '/v1/index/sync', { key: text, body });
          assert.equal(sent.status, 202, sent.text);
          const job = await syncClient(url, text, made.body.id).ended(sent.body.job_id);
          assert.deepEqual([job.status, job.revision], ['succeeded', at + 1]);
        }
        const usage = (await callApi(behind!, 'GET', '/v1/usage', { key: text })).body;
        assert.equal(usage.month, new Date().toISOString().slice(0, 7));
        for (const { child } of skewed) child.kill('SIGTERM');
        assert.deepEqual(await Promise.all(skewed.map(({ ended }) => ended)), [0, 0]);
      });
    }),
  );
});
