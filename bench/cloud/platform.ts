import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../../test/cloud/servers/postgresServer.ts';
import { startQdrant } from '../../test/cloud/servers/qdrantServer.ts';
import { startRedis } from '../../test/cloud/servers/redisServer.ts';
import { cpuSecondsOf, peakMbOf } from '../processTimes.ts';

export type StackName = 'embedded' | 'selfhosted';

/** The platform as its program starts it, with an organization that may ask as much as it likes. */
export interface Platform {
  address: string;
  key: string;
  /** What it runs on, in words. */
  services: string;
  /** Processor time so far: of the server, and of the services beside it (but for stand-ins). */
  cpuSeconds(): { server: number; services: number };
  /** Threads that have opened a project with its vectors so far, that of each project counted. */
  openings(): number;
  /** Of the server's process. */
  peakMb(): number;
  stop(): Promise<void>;
}

interface Services {
  env: Record<string, string>;
  /** The options that lead to the data of the embedded stack. */
  data: string[];
  command: string[];
  /** Process ids of what is measured beside the server. */
  pids: number[];
  words: string;
  close(): Promise<void>;
}

const program = path.resolve(import.meta.dirname, '../../dist/cloud/cloud.cjs');

/** Runs a command of the program to its end. */
function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${String(status)}: ${stderr}`);
  return stdout;
}

async function hasPgvector(database: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const { rowCount } = await client.query(`SELECT FROM pg_available_extensions WHERE name = 'vector'`);
  await client.end();
  return rowCount === 1;
}

async function startServices(scratch: string): Promise<Services> {
  // With the care for power cuts that a server has by default.
  const postgres = await startPostgres('-c fsync=on -c synchronous_commit=on -c shared_buffers=256MB');
  const redis = await startRedis();
  const owner = await postgres.createDatabase();
  const qdrant = (await hasPgvector(owner)) ? undefined : await startQdrant({ isChecked: false });
  return {
    env: {
      DATABASE_URL: owner.replace('postgres@', 'contextkit_login:secret@'),
      MIGRATION_DATABASE_URL: owner,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      BLOB_FOLDER: path.join(scratch, 'blobs'),
      ...(qdrant === undefined ? {} : { QDRANT_URL: qdrant.url }),
    },
    data: [],
    command: ['serve'],
    pids: [postgres.pid(), redis.pid()],
    words: `PostgreSQL, Redis, ${qdrant === undefined ? 'pgvector' : "Qdrant's stand-in"}`,
    close: async () => {
      await qdrant?.close();
      await redis.close();
      postgres.close();
    },
  };
}

function embeddedServices(scratch: string): Promise<Services> {
  const data = ['--data', path.join(scratch, 'data')];
  return Promise.resolve({
    env: {},
    data,
    command: ['embedded', ...data, '--verbose'],
    pids: [],
    words: 'PGlite, pgvector',
    close: () => Promise.resolve(),
  });
}

/** An organization that no limit stops; its key. */
function found(data: readonly string[], env: NodeJS.ProcessEnv): string {
  const names = ['--name', 'Bench', '--slug', 'bench', '--owner', 'owner@localhost'];
  const text = runProgram(['found', ...names, ...data], env);
  const id = /^Organization (\S+)/.exec(text)?.[1];
  const key = /\b(ck_live_\w+)/.exec(text)?.[1];
  if (id === undefined || key === undefined) throw new Error(`no key in what "found" says: ${text}`);
  runProgram(['plan', id, 'enterprise', '--requests-per-minute', '100000', ...data], env);
  return key;
}

async function addressIn(logFile: string, child: ChildProcess): Promise<string> {
  for (;;) {
    const text = readFileSync(logFile, 'utf8');
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (address !== undefined) return address;
    if (child.exitCode !== null) throw new Error(`the server did not start: ${text}`);
    await sleep(50);
  }
}

export interface PlatformOptions {
  stack: StackName;
  scratch: string;
  /** Of the provider of embeddings. */
  embeddings: string;
  /** Options of Node for the server. */
  execArgv: readonly string[];
}

export async function startPlatform({ stack, scratch, embeddings, execArgv }: PlatformOptions): Promise<Platform> {
  mkdirSync(scratch, { recursive: true });
  const services = await (stack === 'embedded' ? embeddedServices(scratch) : startServices(scratch));
  const given = Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|LANG|NODE_|CONTEXT_)/.test(name));
  const env = {
    ...Object.fromEntries(given),
    ...services.env,
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: embeddings,
    PORT: '0',
  };
  if (stack === 'selfhosted') runProgram(['migrate'], env);
  const key = found(services.data, env);
  const logFile = path.join(scratch, 'server.log');
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [...execArgv, program, ...services.command], {
    env,
    cwd: scratch,
    stdio: ['ignore', log, log],
  });
  const address = await addressIn(logFile, child);
  return {
    address,
    key,
    services: services.words,
    cpuSeconds: () => ({
      server: cpuSecondsOf(child.pid!),
      services: services.pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    }),
    openings: () => readFileSync(logFile, 'utf8').split('"context.vectors_read"').length - 1,
    peakMb: () => peakMbOf(child.pid!),
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await services.close();
    },
  };
}
