import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { callApi } from '../cloud/callApi.ts';
import { freePort } from '../cloud/servers/faultyNetwork.ts';
import { withPostgres } from '../cloud/servers/postgresServer.ts';
import { startRedis, withRedis, type RedisServer } from '../cloud/servers/redisServer.ts';
import { testPostgres } from '../cloud/stacks.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Instruction {
  name: string;
  rest: string;
}
const instructions: Instruction[] = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    return { name, rest: rest.trim() };
  });
const only = (name: string): string => {
  const found = instructions.filter((each) => each.name === name);
  assert.equal(found.length, 1, name);
  return found[0]!.rest;
};

interface Service {
  image?: string;
  environment?: Record<string, string | number>;
  secrets?: string[];
  read_only?: boolean;
  volumes?: string[];
  stop_grace_period?: string;
}
interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;

describe('The services of docker-compose.yml', () => {
  it('are of versions that are named', () => {
    const images = Object.values(compose.services).flatMap(({ image }) => image ?? []);
    for (const image of [...images, ...instructions.filter(({ name }) => name === 'FROM').map(({ rest }) => rest)]) {
      assert.match(image, /:\$\{CONTEXTKIT_VERSION|:[^:]*\d+\.\d+(\.\d+)?/, image);
    }
  });

  it('are given secrets by files that exist in its list, and none by value', () => {
    for (const [name, { environment = {}, secrets = [] }] of Object.entries(compose.services)) {
      for (const secret of secrets) assert.ok(secret in compose.secrets, `${name}: ${secret}`);
      for (const [variable, value] of Object.entries(environment)) {
        assert.doesNotMatch(`${variable}=${value}`, /(PASSWORD|TOKEN|KEY|SECRET)=.|:\/\/[^/]*:[^/]*@/);
        const file = /^\/run\/secrets\/(.*)$/.exec(String(value))?.[1];
        if (file !== undefined) assert.ok(secrets.includes(file), `${name}: ${file}`);
      }
    }
  });

  it('are let end what runs: longer than they take', () => {
    const drainSeconds = Number(/DRAIN_SECONDS`\s*\|\s*(\d+)/.exec(read('docs/cloud.md'))?.[1]);
    assert.ok(Number.parseInt(compose.services['serve']!.stop_grace_period!) > drainSeconds);
    assert.equal(only('STOPSIGNAL'), 'SIGTERM');
  });
});

const title = 'The image of the platform';
withPostgres(title, () =>
  withRedis(title, () =>
    describe(title, function () {
      this.timeout(180_000);
      const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-image-'));
      const stages = new Map<string, string>();
      let app = '';
      let env: Record<string, string> = {};
      let redis: RedisServer | undefined;
      let server: ChildProcess | undefined;

      /** Does what the engine would: only what COPY names is there. The packages are those of this checkout. */
      function build(): void {
        let stage = '';
        let workDir = '';
        const inStage = (file: string): string =>
          path.resolve(stage, file.startsWith('/') ? `.${file}` : path.join(workDir, file));
        for (const { name, rest } of instructions) {
          if (name === 'FROM') {
            stage = path.join(folder, String(stages.size));
            stages.set(/ AS (\S+)$/.exec(rest)?.[1] ?? 'last', stage);
            env = {};
          } else if (name === 'WORKDIR') {
            workDir = `.${rest}`;
            mkdirSync(inStage('.'), { recursive: true });
          } else if (name === 'ENV') {
            for (const pair of rest.split(/\s+/))
              env[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1);
          } else if (name === 'COPY') {
            const words = rest.split(/\s+/);
            const from = words[0]!.startsWith('--from=') ? stages.get(words.shift()!.slice('--from='.length))! : root;
            const to = words.pop()!;
            for (const source of words) {
              const file = path.join(from, source);
              const target =
                source.endsWith('/') || !to.endsWith('/') ? inStage(to) : path.join(inStage(to), path.basename(source));
              cpSync(file, target, { recursive: true });
            }
          } else if (name === 'RUN') {
            if (rest.startsWith('npm ci ')) symlinkSync(path.join(root, 'node_modules'), inStage('node_modules'));
            else if (rest.startsWith('node ')) {
              const { status, stderr } = spawnSync(process.execPath, rest.split(/\s+/).slice(1), {
                cwd: inStage('.'),
                encoding: 'utf8',
              });
              assert.equal(status, 0, stderr);
            } else assert.match(rest, /^install -d -o 1000 -g 1000 \/\S+$/);
          }
        }
        app = inStage('.');
      }

      const [node, ...entry] = JSON.parse(only('ENTRYPOINT')) as string[];
      const command = JSON.parse(only('CMD')) as string[];
      const start = (args: string[], more: Record<string, string>): ChildProcess => {
        assert.equal(node, 'node');
        return spawn(process.execPath, [...entry, ...args], {
          cwd: app,
          env: { ...env, ...more },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
      };
      async function outputOf(child: ChildProcess): Promise<string> {
        let output = '';
        child.stdout!.on('data', (text: Buffer) => (output += text.toString()));
        const [code] = (await once(child, 'close')) as [number];
        assert.equal(code, 0, output);
        return output;
      }

      before(async () => {
        build();
        redis = await startRedis();
      });
      after(async () => {
        if (server?.exitCode === null) server.kill('SIGKILL');
        await redis?.close();
        rmSync(folder, { recursive: true, force: true });
      });

      it('has all that the platform needs, and no more than its own files', async () => {
        const owner = await (await testPostgres()).createDatabase();
        const secret = path.join(folder, 'database_url');
        writeFileSync(secret, `${owner.replace('postgres@', 'contextkit_login:secret@')}\n`);
        await outputOf(start(['migrate'], { DATABASE_URL_FILE: secret, MIGRATION_DATABASE_URL: owner }));

        const port = await freePort();
        const services = {
          DATABASE_URL_FILE: secret,
          REDIS_URL: `redis://127.0.0.1:${redis!.port}`,
          BLOB_FOLDER: path.join(folder, 'blobs'),
          PORT: String(port),
        };
        const founding = [
          'found',
          '--name',
          'Acme',
          '--slug',
          'acme',
          '--owner',
          'owner@example.com',
          '--plan',
          'team',
        ];
        const key = /ck_live_\w{32}/.exec(await outputOf(start(founding, services)))![0];

        server = start(command, services);
        server.stdout!.resume();
        const address = `http://127.0.0.1:${port}`;
        const isUp = async (): Promise<boolean> =>
          (await fetch(`${address}/readyz`).catch(() => undefined))?.status === 200;
        for (let tries = 0; !(await isUp()); tries++) {
          assert.ok(tries < 600 && server.exitCode === null, 'it does not become ready');
          await sleep(50);
        }
        // As the engine asks.
        const [, probe = ''] = /CMD (\[.*\])$/.exec(only('HEALTHCHECK'))!;
        const [, ...probeArgs] = JSON.parse(probe) as string[];
        const ask = (at: string): number | null => spawnSync(process.execPath, probeArgs, { env: { PORT: at } }).status;
        assert.deepEqual([ask(String(port)), ask('1')], [0, 1]);

        // A grammar, the tokenizer and the threads are there.
        const project = await callApi(address, 'POST', '/v1/projects', { key, body: { name: 'Shop' } });
        const files = [
          {
            path: 'price.ts',
            content: 'export function roundPrice(price: number) {\n  return Math.round(price);\n}\n',
          },
        ];
        const sync = await callApi(address, 'POST', '/v1/index/sync', {
          key,
          body: { project_id: project.body.id as string, files },
        });
        for (let tries = 0, status = ''; status !== 'succeeded'; tries++) {
          ({ status } = (await callApi(address, 'GET', `/v1/index/status/${sync.body.job_id as string}`, { key }))
            .body as { status: string });
          assert.ok(tries < 400 && status !== 'failed', status);
          await sleep(50);
        }
        const query = `/v1/symbols/search?project_id=${project.body.id as string}&query=roundPrice`;
        const found = await callApi(address, 'GET', query, { key });
        assert.equal(found.body.symbols[0].file, 'price.ts');
        const select = { project_id: project.body.id as string, query: 'where are prices rounded', budget: 1000 };
        assert.match(
          (await callApi(address, 'POST', '/v1/context/select', { key, body: select })).body.context as string,
          /Math\.round/,
        );

        const ended = once(server, 'exit');
        server.kill('SIGTERM');
        assert.deepEqual(await ended, [0, null]);
      });
    }),
  ),
);
