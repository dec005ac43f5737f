import fs from 'node:fs';
import path from 'node:path';
import { ApiError } from '../domain/apiError.ts';
import type { Environment } from '../domain/keys/keyFormat.ts';
import { foundOrganization, issueOwnerKey } from '../domain/organizations/manageOrganization.ts';
import type { Database } from '../ports/database.ts';
import { orgId, type OrgId } from '../ports/organization.ts';

/** Stands beside the data once the key of the first organization was shown: it cannot be shown again. */
const markFile = 'founded';
/** Until then: which organization it is, or is to be. */
const draftFile = 'founding';

export interface FirstKey {
  key: string;
  /** To be called when the user has seen it; a start that ends before gives the next one another key to show. */
  wasShown(): void;
}

/** The same organization at each try, however early the one before ended. */
function chooseOrganization(draft: string): OrgId {
  if (fs.existsSync(draft)) return orgId(fs.readFileSync(draft, 'utf8').trim());
  const id = crypto.randomUUID();
  fs.writeFileSync(`${draft}.new`, `${id}\n`);
  fs.renameSync(`${draft}.new`, draft);
  return orgId(id);
}

/** @returns the key of the first organization until it was shown; undefined afterwards. */
export async function foundFirst(
  database: Database,
  environment: Environment,
  dataFolder: string,
): Promise<FirstKey | undefined> {
  const mark = path.join(dataFolder, markFile);
  if (fs.existsSync(mark)) return undefined;
  const draft = path.join(dataFolder, draftFile);
  const id = chooseOrganization(draft);
  const wasShown = (): void => fs.renameSync(draft, mark);
  try {
    const { key } = await issueOwnerKey(database, environment, id);
    return { key, wasShown };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
  }
  const { key } = await foundOrganization(database, environment, {
    id,
    name: 'My organization',
    slug: 'my-organization',
    plan: 'team',
    ownerEmail: 'owner@localhost',
  });
  return { key: key.key, wasShown };
}
