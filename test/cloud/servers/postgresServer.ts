import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { freePort } from './faultyNetwork.ts';

const debianFolder = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs: the newest of Debian's packages, else where the PATH leads. */
function findPrograms(): string | undefined {
  if (existsSync(debianFolder)) {
    const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a));
    const folder = versions
      .map((version) => path.join(debianFolder, version, 'bin'))
      .find((bin) => existsSync(path.join(bin, 'initdb')));
    if (folder !== undefined) return folder;
  }
  const found = (process.env['PATH'] ?? '').split(path.delimiter).find((bin) => existsSync(path.join(bin, 'initdb')));
  return found;
}

const programs = findPrograms();

/** Does this where PostgreSQL is on this machine; elsewhere it says what is left out. */
export function withPostgres(title: string, register: () => void): void {
  if (programs !== undefined) register();
  else console.log(`not run: ${title} (needs PostgreSQL's initdb and postgres: Debian's package postgresql)`);
}

export interface PostgresServer {
  /** A new database of it, as its owner. */
  createDatabase(): Promise<string>;
  /** As kill -9 does to all of it. */
  crash(): void;
  start(): void;
  /** Of the process that all of its others are below. */
  pid(): number;
  close(): void;
}

/** PostgreSQL refuses to run as root. */
function asOther(folder: string): { uid?: number; gid?: number } {
  if (userInfo().uid !== 0) return {};
  const nobody = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
  const group = Number(spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).stdout);
  chmodSync(folder, 0o755);
  chownSync(folder, nobody, group);
  return { uid: nobody, gid: group };
}

/** Without the care for power cuts, which costs time. */
const careless = '-c fsync=off -c synchronous_commit=off';

/** A server of its own in a temporary folder. */
export async function startPostgres(care = careless): Promise<PostgresServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'contextkit-postgres-'));
  const user = asOther(folder);
  const data = path.join(folder, 'data');
  const port = await freePort();
  const run = (program: string, args: string[]): void => {
    const result = spawnSync(path.join(programs!, program), args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...user,
    });
    if (result.status !== 0) throw new Error(`${program} failed: ${result.stderr}`);
  };
  const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c max_connections=60 ${care}`;
  const start = (): void => run('pg_ctl', ['-D', data, '-l', path.join(folder, 'log'), '-w', '-o', settings, 'start']);
  const stop = (mode: string): void => run('pg_ctl', ['-D', data, '-m', mode, '-w', 'stop']);
  run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--encoding=UTF8', '--locale=C']);
  start();
  let databases = 0;
  return {
    createDatabase: async () => {
      const name = `test_${++databases}`;
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    crash: () => stop('immediate'),
    start,
    pid: () => Number(readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]),
    close: () => {
      stop('immediate');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
