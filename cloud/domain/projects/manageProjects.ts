import type { CreateProject, Project, ProjectSettings, UpdateProject } from '../../../protocol/api/index.ts';
import { slug as slugSchema } from '../../../protocol/api/index.ts';
import { DatabaseError, type Database, type Transaction } from '../../ports/database.ts';
import { isUuid, type OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { writeAudit } from '../audit/auditLog.ts';
import type { Caller } from '../caller.ts';
import { schedulePurge } from '../indexing/collectGarbage.ts';
import { readProjectIndexes } from '../indexing/projectIndexes.ts';
import { decodeCursor, toPage, type Page, type PageRequest } from '../paging.ts';
import { modelAfter } from './changeModel.ts';
import { slugFor } from './slugFor.ts';

interface ProjectRow {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  settings: ProjectSettings;
  created_at: Date;
  updated_at: Date;
}

const columns = 'id, name, slug, description, settings, created_at, updated_at';

async function toProjects(tx: Transaction, org: OrgId, rows: readonly ProjectRow[]): Promise<Project[]> {
  const indexes = await readProjectIndexes(
    tx,
    org,
    rows.map(({ id }) => id),
  );
  return rows.map(({ created_at, updated_at, ...rest }) => ({
    ...rest,
    index: indexes.get(rest.id)!,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  }));
}

const toProject = async (tx: Transaction, org: OrgId, row: ProjectRow): Promise<Project> =>
  (await toProjects(tx, org, [row]))[0]!;

/**
 * A project that was found, as far as the caller may see it.
 * @throws {ApiError} not_found; project_not_allowed for another project of the organization than the key is for.
 */
export function visibleTo<Row extends { id: string }>(caller: Caller, row: Row | undefined): Row {
  if (row === undefined) {
    throw new ApiError('not_found', 'There is no such project in this organization.', {
      hint: 'GET /v1/projects lists those this key can see.',
    });
  }
  if (caller.projectIds.length > 0 && !caller.projectIds.includes(row.id)) {
    throw new ApiError('project_not_allowed', 'This key is limited to other projects.', {
      hint: 'GET /v1/me shows which ones.',
    });
  }
  return row;
}

/** The condition of a project by its id or slug, as the second parameter. */
export const byRef = (ref: string): 'id = $2::uuid' | 'slug = $2' => (isUuid(ref) ? 'id = $2::uuid' : 'slug = $2');

/** A project by its id or slug. @throws {ApiError} not_found, project_not_allowed */
export async function findProject(
  tx: Transaction,
  caller: Caller,
  ref: string,
  lock: '' | 'FOR UPDATE' | 'FOR NO KEY UPDATE' = '',
): Promise<ProjectRow> {
  const condition = `${byRef(ref)} ${lock}`;
  const { rows } = await tx.query<ProjectRow>(
    { name: `project ${condition}`, text: `SELECT ${columns} FROM projects WHERE org_id = $1 AND ${condition}` },
    [caller.org, ref],
  );
  return visibleTo(caller, rows[0]);
}

export async function getProject(database: Database, caller: Caller, ref: string): Promise<Project> {
  return database.withOrg(caller.org, async (tx) => toProject(tx, caller.org, await findProject(tx, caller, ref)), {
    readOnly: true,
  });
}

/** In the order of their slugs; those the key is for. */
export async function listProjects(database: Database, caller: Caller, page: PageRequest): Promise<Page<Project>> {
  const after = decodeCursor('projects', page.cursor, (text) => slugSchema.safeParse(text).success);
  const { limit } = page;
  const { rows, projects } = await database.withOrg(
    caller.org,
    async (tx) => {
      const { rows: found } = await tx.query<ProjectRow>(
        `SELECT ${columns} FROM projects
         WHERE org_id = $1 AND ($2::text IS NULL OR slug COLLATE "C" > $2) AND (cardinality($3::uuid[]) = 0 OR id = ANY($3::uuid[]))
         ORDER BY slug COLLATE "C" LIMIT $4`,
        [caller.org, after, [...caller.projectIds], limit + 1],
      );
      return { rows: found, projects: await toProjects(tx, caller.org, found) };
    },
    { readOnly: true },
  );
  const byId = new Map(projects.map((project) => [project.id, project]));
  return toPage(
    'projects',
    rows,
    limit,
    ({ slug }) => slug,
    ({ id }) => byId.get(id)!,
  );
}

function slugTaken(error: unknown, slug: string): unknown {
  if (!(error instanceof DatabaseError) || !error.isDuplicate) return error;
  return new ApiError('conflict', `There is a project with the slug ${slug}.`, {
    hint: 'Choose another slug.',
    faults: [{ path: 'body.slug', message: 'is taken' }],
    cause: error,
  });
}

/** A slug that is free, made from the name. */
async function freeSlug(tx: Transaction, org: OrgId, name: string): Promise<string> {
  const { rows } = await tx.query<{ slug: string }>('SELECT slug FROM projects WHERE org_id = $1', [org]);
  return slugFor(name, new Set(rows.map(({ slug }) => slug)));
}

/** @throws {ApiError} conflict where the slug is taken. */
export async function createProject(database: Database, caller: Caller, content: CreateProject): Promise<Project> {
  return database.withOrg(caller.org, async (tx) => {
    const slug = content.slug ?? (await freeSlug(tx, caller.org, content.name));
    try {
      const { rows } = await tx.query<ProjectRow>(
        `INSERT INTO projects (org_id, name, slug, description, settings) VALUES ($1, $2, $3, $4, $5)
         RETURNING ${columns}`,
        [caller.org, content.name, slug, content.description ?? null, JSON.stringify(content.settings ?? {})],
      );
      const project = await toProject(tx, caller.org, rows[0]!);
      await writeAudit(tx, caller.org, caller, 'project.create', `project:${project.id}`, { slug });
      return project;
    } catch (error) {
      throw slugTaken(error, slug);
    }
  });
}

/**
 * Changes what `change` names. `isCurrent` sees the project as it is, locked: a change that was made from an older
 * state is refused.
 * @throws {ApiError} conflict where the slug is taken; precondition_failed
 */
export async function updateProject(
  database: Database,
  caller: Caller,
  ref: string,
  change: UpdateProject,
  isCurrent: (project: Project) => Promise<boolean>,
): Promise<Project> {
  return database.withOrg(caller.org, async (tx) => {
    const before = await findProject(tx, caller, ref, 'FOR UPDATE');
    if (!(await isCurrent(await toProject(tx, caller.org, before)))) {
      throw new ApiError('precondition_failed', 'The project was changed since it was read.', {
        hint: 'Read it again, and send the change with its new ETag.',
      });
    }
    const after = {
      name: change.name ?? before.name,
      slug: change.slug ?? before.slug,
      description: change.description === undefined ? before.description : change.description,
      settings:
        change.settings === undefined
          ? before.settings
          : await modelAfter(tx, caller.org, before.id, before.settings, change.settings),
    };
    try {
      const { rows } = await tx.query<ProjectRow>(
        `UPDATE projects SET name = $3, slug = $4, description = $5, settings = $6, updated_at = now()
         WHERE org_id = $1 AND id = $2 RETURNING ${columns}`,
        [caller.org, before.id, after.name, after.slug, after.description, JSON.stringify(after.settings)],
      );
      await writeAudit(tx, caller.org, caller, 'project.update', `project:${before.id}`, {
        changed: Object.keys(change),
      });
      return await toProject(tx, caller.org, rows[0]!);
    } catch (error) {
      throw slugTaken(error, after.slug);
    }
  });
}

/** Rows of a large index go with the project. */
const patient = { timeoutMs: 120_000 };

/** Removes the project and all that belongs to it: its rows at once, texts and vectors by a job. */
export async function deleteProject(database: Database, caller: Caller, ref: string): Promise<void> {
  await database.withOrg(
    caller.org,
    async (tx) => {
      const { id, slug } = await findProject(tx, caller, ref, 'FOR UPDATE');
      await tx.query('DELETE FROM projects WHERE org_id = $1 AND id = $2', [caller.org, id]);
      await schedulePurge(tx, caller.org, id);
      await writeAudit(tx, caller.org, caller, 'project.delete', `project:${id}`, { slug });
    },
    patient,
  );
}
