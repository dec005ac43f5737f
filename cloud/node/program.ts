import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { migratePostgres } from '../adapters/postgres/connectPostgres.ts';
import { ApiError } from '../domain/apiError.ts';
import { changePlan, foundOrganization, issueOwnerKey } from '../domain/organizations/manageOrganization.ts';
import { orgId } from '../ports/organization.ts';
import { plan as planSchema, slug as slugSchema, uuid, type Plan } from '../../protocol/api/index.ts';
import { readEmbedded, readMigration, readSelfHosted, type EmbeddedConfiguration } from './configuration.ts';
import { openEmbeddedStack } from './embeddedStack.ts';
import { foundFirst, type FirstKey } from './firstOrganization.ts';
import { jsonLog } from './jsonLog.ts';
import { openSelfHostedStack } from './selfHostedStack.ts';
import { startServer, type RunningServer } from './serve.ts';
import type { Stack } from './stack.ts';

export interface Host {
  version: string;
  env: NodeJS.ProcessEnv;
  cwd: string;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Where the program and its threads lie. */
  programFolder: string;
}

/** Resolves at the first signal to end; a second one ends the program at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}

async function runUntilSignal(server: RunningServer): Promise<void> {
  await untilSignal();
  await server.drain();
}

function toPort(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return text;
}

const one =
  <T>(schema: { safeParse: (text: string) => { success: true; data: T } | { success: false } }, says: string) =>
  (text: string): T => {
    const result = schema.safeParse(text);
    if (!result.success) throw new InvalidArgumentError(says);
    return result.data;
  };

const agreedNumber = (most: number) => z.coerce.number().int().min(1).max(most);

async function runEmbedded(host: Host, options: { data: string; port?: string; verbose?: boolean }): Promise<void> {
  const env = options.port === undefined ? host.env : { ...host.env, PORT: options.port };
  const configuration = readEmbedded(env);
  const dataFolder = path.resolve(host.cwd, options.data);
  const log = jsonLog(host.stderr, options.verbose === true ? 'info' : 'warn');
  const stack = await openEmbeddedStack({ dataFolder, programFolder: host.programFolder, configuration, log });
  let server: RunningServer;
  let first: FirstKey | undefined;
  try {
    first = await foundFirst(stack.database, configuration.CONTEXTKIT_ENVIRONMENT, dataFolder);
    server = await startServer({ stack, configuration, version: host.version, log });
  } catch (error) {
    await stack.close();
    throw error;
  }
  const say = (text: string): boolean => host.stdout.write(`${text}\n`);
  say(`ContextKit cloud on ${server.address} (API: ${server.address}/docs), data in ${dataFolder}`);
  if (first !== undefined) {
    say(`Key of your organization, shown this once:\n\n  ${first.key}\n`);
    say(`Try it: curl -H "Authorization: Bearer ${first.key}" ${server.address}/v1/me`);
    first.wasShown();
  }
  await runUntilSignal(server);
}

async function runSelfHosted(host: Host): Promise<void> {
  const configuration = readSelfHosted(host.env);
  const log = jsonLog(host.stdout);
  const stack = await openSelfHostedStack(configuration, log, host.programFolder);
  await runUntilSignal(await startServer({ stack, configuration, version: host.version, log }));
}

async function runMigrate(host: Host): Promise<void> {
  const { DATABASE_URL: database, MIGRATION_DATABASE_URL: owner } = readMigration(host.env);
  const applied = await migratePostgres({ database, owner });
  host.stdout.write(
    applied.length === 0 ? 'The schema is up to date.\n' : `Applied migrations: ${applied.join(', ')}.\n`,
  );
}

/** Where an operator's command acts: on the data of an embedded platform that is not running, or on the services. */
async function withStack<T>(
  host: Host,
  data: string | undefined,
  work: (stack: Stack, configuration: EmbeddedConfiguration) => Promise<T>,
): Promise<T> {
  const log = jsonLog(host.stderr, 'warn');
  const configuration = data === undefined ? readSelfHosted(host.env) : readEmbedded(host.env);
  const stack =
    data === undefined
      ? await openSelfHostedStack(readSelfHosted(host.env), log, host.programFolder)
      : await openEmbeddedStack({
          dataFolder: path.resolve(host.cwd, data),
          programFolder: host.programFolder,
          configuration,
          log,
        });
  try {
    return await work(stack, configuration);
  } finally {
    await stack.close();
  }
}

interface FoundOptions {
  name: string;
  slug: string;
  owner: string;
  plan: Plan;
  data?: string;
}

async function runFound(host: Host, { name, slug, owner, plan, data }: FoundOptions): Promise<void> {
  const { organization, key } = await withStack(host, data, ({ database }, { CONTEXTKIT_ENVIRONMENT: environment }) =>
    foundOrganization(database, environment, { name, slug, plan, ownerEmail: owner }),
  );
  host.stdout.write(`Organization ${organization.id} (${slug}).\nKey of its owner, shown this once:\n\n  ${key.key}\n`);
}

async function runKey(host: Host, organization: string, { data }: { data?: string }): Promise<void> {
  const { key } = await withStack(host, data, ({ database }, { CONTEXTKIT_ENVIRONMENT: environment }) =>
    issueOwnerKey(database, environment, orgId(organization)),
  );
  host.stdout.write(`Further key of the owner, shown this once:\n\n  ${key}\n`);
}

interface PlanOptions {
  requestsPerMinute?: number;
  queriesPerMonth?: number;
  data?: string;
}

async function runPlan(host: Host, organization: string, plan: Plan, options: PlanOptions): Promise<void> {
  const { requestsPerMinute = null, queriesPerMonth = null, data } = options;
  if (plan !== 'enterprise' && (requestsPerMinute ?? queriesPerMonth) !== null) {
    throw new ApiError(
      'invalid_input',
      'Only an enterprise has limits of its own; the other plans say what theirs are.',
    );
  }
  const changed = await withStack(host, data, ({ database }) =>
    changePlan(database, orgId(organization), { plan, requestsPerMinute, queriesPerMonth }),
  );
  const { requests_per_minute: requests, queries_per_month: queries } = changed.limits;
  host.stdout.write(
    `${changed.slug}: ${plan}, ${requests} requests a minute, ${queries ?? 'unlimited'} queries a month.\n`,
  );
}

/** The command line of the platform. */
export function createProgram(host: Host): Command {
  const program = new Command('contextkit-cloud')
    .description('The platform that a team syncs its code to and asks for context.')
    .version(host.version)
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
    })
    .exitOverride();
  program
    .command('embedded', { isDefault: true })
    .description('Run everything in this process, without any other service.')
    .option('--data <folder>', 'where everything is kept', '.contextkit-cloud')
    .option('--port <number>', 'port on 127.0.0.1; 0: a free one (default: PORT, else 4680)', toPort)
    .option('--verbose', 'log each request')
    .action((options: { data: string; port?: string; verbose?: boolean }) => runEmbedded(host, options));
  program
    .command('serve')
    .description('Run on PostgreSQL and Redis, named by DATABASE_URL and REDIS_URL.')
    .action(() => runSelfHosted(host));
  program
    .command('migrate')
    .description(
      'Bring the schema up to date, as the role of MIGRATION_DATABASE_URL, and make the role of DATABASE_URL.',
    )
    .action(() => runMigrate(host));
  program
    .command('found')
    .description('Found an organization, and print the key of its owner.')
    .requiredOption('--name <name>', 'shown to people')
    .requiredOption('--slug <slug>', 'stands in addresses', one(slugSchema, 'Lower case letters, digits and hyphens.'))
    .requiredOption('--owner <email>', 'address of the owner: who proves it at a sign-in is the owner')
    .option('--plan <plan>', 'free, pro, team or enterprise', one(planSchema, 'free, pro, team or enterprise.'), 'free')
    .option('--data <folder>', 'of an embedded platform that is not running, instead of the services')
    .action((options: FoundOptions) => runFound(host, options));
  program
    .command('key')
    .description('Make a further key of the owner of an organization, who has lost theirs. The others stay valid.')
    .argument('<organization>', 'its id', one(uuid, 'An id, as "found" prints it.'))
    .option('--data <folder>', 'of an embedded platform that is not running, instead of the services')
    .action((organization: string, options: { data?: string }) => runKey(host, organization, options));
  program
    .command('plan')
    .description('Change the plan of an organization; it acts from the next request on.')
    .argument('<organization>', 'its id', one(uuid, 'An id, as "found" prints it.'))
    .argument('<plan>', 'free, pro, team or enterprise', one(planSchema, 'free, pro, team or enterprise.'))
    .option(
      '--requests-per-minute <number>',
      'of an enterprise',
      one(agreedNumber(100_000), 'A number from 1 to 100000.'),
    )
    .option('--queries-per-month <number>', 'of an enterprise', one(agreedNumber(2_000_000_000), 'A number from 1 on.'))
    .option('--data <folder>', 'of an embedded platform that is not running, instead of the services')
    .action((organization: string, plan: Plan, options: PlanOptions) => runPlan(host, organization, plan, options));
  return program;
}
