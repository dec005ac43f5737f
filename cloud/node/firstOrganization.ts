import fs from 'node:fs';
import path from 'node:path';
import { foundOrganization } from '../domain/organizations/manageOrganization.ts';
import type { Environment } from '../domain/keys/keyFormat.ts';
import type { Database } from '../ports/database.ts';

/** Stands beside the data once there is an organization: its key was shown, and cannot be shown again. */
const markFile = 'founded';

/** @returns the key of the first organization, the first time; undefined afterwards. */
export async function foundFirst(
  database: Database,
  environment: Environment,
  dataFolder: string,
): Promise<string | undefined> {
  const mark = path.join(dataFolder, markFile);
  if (fs.existsSync(mark)) return undefined;
  const { organization, key } = await foundOrganization(database, environment, {
    name: 'My organization',
    slug: 'my-organization',
    plan: 'team',
    ownerEmail: 'owner@localhost',
  });
  fs.writeFileSync(mark, `${organization.id}\n`);
  return key.key;
}
