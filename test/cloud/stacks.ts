import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migratePostgres } from '../../cloud/adapters/postgres/connectPostgres.ts';
import { changePlan, foundOrganization, type Foundation } from '../../cloud/domain/organizations/manageOrganization.ts';
import { readEmbedded, readSelfHosted } from '../../cloud/node/configuration.ts';
import { openEmbeddedStack } from '../../cloud/node/embeddedStack.ts';
import { openSelfHostedStack } from '../../cloud/node/selfHostedStack.ts';
import { startServer } from '../../cloud/node/serve.ts';
import type { Stack } from '../../cloud/node/stack.ts';
import type { Database } from '../../cloud/ports/database.ts';
import { orgId, type OrgId } from '../../cloud/ports/organization.ts';
import type { LogFields, LogLevel } from '../../cloud/ports/log.ts';
import { startPostgres, withPostgres, type PostgresServer } from './servers/postgresServer.ts';
import { startQdrant, type QdrantServer } from './servers/qdrantServer.ts';
import { startRedis, withRedis, type RedisServer } from './servers/redisServer.ts';
import { startS3Server, type S3Server } from './servers/s3Server.ts';

export interface LogLine {
  level: LogLevel;
  event: string;
  fields: LogFields;
}

export interface Tenant {
  org: OrgId;
  /** Of the owner: may do everything. */
  key: string;
  keyId: string;
  ownerId: string;
}

/** The platform as it serves, on an address of its own. */
export interface TestPlatform {
  address: string;
  stack: Stack;
  log: LogLine[];
  /** The stand-ins of the services, where there are any. */
  s3?: S3Server;
  qdrant?: QdrantServer;
  /** Without a plan in its options, it has one that no test comes to the end of. */
  found(slug: string, options?: Partial<Foundation>): Promise<Tenant>;
  close(): Promise<void>;
}

interface Opened extends Pick<TestPlatform, 's3' | 'qdrant'> {
  stack: Stack;
  close: () => Promise<void>;
}

/** Of the programs of the threads. */
const programFolder = path.resolve(import.meta.dirname, '../../dist/cloud');

const environment = { PORT: '0', DRAIN_SECONDS: '2', METRICS_TOKEN: '' };

async function serve(
  { stack, close, ...services }: Opened,
  log: LogLine[],
  env: Record<string, string>,
): Promise<TestPlatform> {
  const configuration = readEmbedded({ ...environment, ...env });
  const server = await startServer({
    stack,
    configuration,
    version: '0.0.0',
    log: (level, event, fields = {}) => log.push({ level, event, fields }),
  });
  return {
    ...services,
    address: server.address,
    stack,
    log,
    found: (slug, options) => foundWithoutLimits(stack.database, slug, options),
    close: async () => {
      await server.drain();
      await close();
    },
  };
}

/** Without any other service; most tests want `onEachStack`. */
export async function openEmbedded(env: Record<string, string>): Promise<TestPlatform> {
  const log: LogLine[] = [];
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'contextkit-cloud-'));
  const stack = await openEmbeddedStack({
    dataFolder,
    programFolder,
    configuration: readEmbedded({ ...environment, ...env }),
    log: (level, event, fields = {}) => log.push({ level, event, fields }),
  });
  return serve({ stack, close: async () => rmSync(dataFolder, { recursive: true, force: true }) }, log, env);
}

let postgres: PostgresServer | undefined;
let redis: RedisServer | undefined;

/** One server for all test files of this process, a database for each platform. */
export async function testPostgres(): Promise<PostgresServer> {
  postgres ??= await startPostgres();
  return postgres;
}

async function testRedis(): Promise<RedisServer> {
  redis ??= await startRedis();
  return redis;
}

after(async function () {
  // A server that has much to write takes its time to end.
  this.timeout(60_000);
  postgres?.close();
  await redis?.close();
  postgres = undefined;
  redis = undefined;
});

/** A new database with the schema of this version, and the address of a login that may do no more than it should. */
export async function migratedDatabase(): Promise<{ owner: string; login: string }> {
  const server = await testPostgres();
  const owner = await server.createDatabase();
  const login = owner.replace('postgres@', 'contextkit_login:secret@');
  await migratePostgres({ owner, database: login });
  return { owner, login };
}

export interface Services {
  /** What the program has to know of them. */
  env: Record<string, string>;
  /** Of the database. */
  owner: string;
  s3: S3Server;
  qdrant: QdrantServer;
  readonly close: () => Promise<void>;
}

/** Real PostgreSQL, with a new database, and Redis; the stand-ins of the others. */
export async function startServices(): Promise<Services> {
  const { owner, login } = await migratedDatabase();
  const qdrant = await startQdrant();
  const bucket = { bucket: 'contextkit', region: 'auto', accessKeyId: 'id', secretAccessKey: 'secret' };
  const s3 = await startS3Server(bucket);
  return {
    env: {
      DATABASE_URL: login,
      REDIS_URL: `redis://127.0.0.1:${(await testRedis()).port}`,
      QDRANT_URL: qdrant.url,
      S3_ENDPOINT: s3.endpoint,
      S3_BUCKET: bucket.bucket,
      S3_ACCESS_KEY_ID: bucket.accessKeyId,
      S3_SECRET_ACCESS_KEY: bucket.secretAccessKey,
    },
    owner,
    s3,
    qdrant,
    close: async () => {
      await qdrant.close();
      await s3.close();
    },
  };
}

/** Does this where the services are on this machine; elsewhere it says what is left out. */
export function withServices(title: string, register: () => void): void {
  withPostgres(title, () => withRedis(title, register));
}

/** An organization that no test comes to the end of. */
export async function foundWithoutLimits(
  database: Database,
  slug: string,
  options: Partial<Foundation> = {},
): Promise<Tenant> {
  const { organization, key } = await foundOrganization(database, 'live', {
    name: slug,
    slug,
    plan: 'enterprise',
    ownerEmail: `${slug}@example.com`,
    ...options,
  });
  if (options.plan === undefined) {
    // Tests make more requests than a minute of any plan allows.
    const agreed = { plan: 'enterprise', requestsPerMinute: 100_000, queriesPerMonth: null } as const;
    await changePlan(database, orgId(organization.id), agreed);
  }
  return { org: orgId(organization.id), key: key.key, keyId: key.id, ownerId: key.user_id! };
}

/** On real PostgreSQL and Redis, and the stand-ins of the other services; `env` may name others of either. */
export async function openSelfHosted(env: Record<string, string>): Promise<TestPlatform> {
  const log: LogLine[] = [];
  const { env: services, s3, qdrant, close } = await startServices();
  const stack = await openSelfHostedStack(
    readSelfHosted({ ...environment, ...services, ...env }),
    (level, event, fields = {}) => log.push({ level, event, fields }),
    programFolder,
  );
  return serve({ stack, close, s3, qdrant }, log, env);
}

/**
 * The same chapter of tests on each stack that can run here: embedded, and on real PostgreSQL and Redis.
 * @param env variables of the environment, besides those of the services.
 */
export function onEachStack(
  title: string,
  register: (platform: () => TestPlatform) => void,
  env: Record<string, string> = {},
): void {
  const chapter = (name: string, open: (env: Record<string, string>) => Promise<TestPlatform>): void => {
    describe(`${title} (${name})`, function () {
      this.timeout(60_000);
      let opened: TestPlatform | undefined;
      before(async () => {
        opened = await open(env);
      });
      // A fault inside the platform comes to the test as a status alone.
      afterEach(() => {
        const faults = opened?.log.splice(0).filter(({ level }) => level === 'error') ?? [];
        for (const { event, fields } of faults) console.log(`${event}: ${JSON.stringify(fields)}`);
      });
      after(() => opened?.close());
      register(() => opened!);
    });
  };
  chapter('embedded', openEmbedded);
  withServices(`${title} (PostgreSQL and Redis)`, () => chapter('PostgreSQL and Redis', openSelfHosted));
}
