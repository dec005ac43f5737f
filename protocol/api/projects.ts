import { z } from 'zod';
import { displayName, instant, nextCursor, slug, uuid } from './common.ts';
import { embeddingModel, projectIndex } from './indexing.ts';

const patterns = z.array(z.string().min(1).max(200)).max(100);

export const projectSettings = z
  .strictObject({
    sources: patterns.optional().meta({ description: 'Folders to index, relative to the root; none: everything.' }),
    include: patterns.optional().meta({ description: 'Patterns in the syntax of .gitignore.' }),
    exclude: patterns.optional(),
    max_file_kb: z.int().min(1).max(10_240).optional(),
    embedding_model: embeddingModel
      .nullable()
      .optional()
      .meta({
        description:
          'What the vectors of this project are made by; null: it is searched by words alone. Where it is left out, the ' +
          'first vectors decide. It can be changed while there are none: set it to null first, which removes them.',
      }),
  })
  .meta({ id: 'ProjectSettings' });
export type ProjectSettings = z.infer<typeof projectSettings>;

export const project = z
  .object({
    id: uuid,
    name: z.string(),
    slug: z.string(),
    description: z.string().nullable(),
    settings: projectSettings,
    index: projectIndex,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Project' });
export type Project = z.infer<typeof project>;

export const projectPage = z
  .object({ projects: z.array(project), next_cursor: nextCursor })
  .meta({ id: 'ProjectPage' });

const description = z.string().trim().max(2_000).nullable();

export const createProject = z
  .strictObject({
    name: displayName,
    slug: slug.optional().meta({ description: 'Made from the name where it is left out.' }),
    description: description.optional(),
    settings: projectSettings.optional(),
  })
  .meta({ id: 'CreateProject' });
export type CreateProject = z.infer<typeof createProject>;

export const updateProject = z
  .strictObject({
    name: displayName.optional(),
    slug: slug.optional(),
    description: description.optional(),
    settings: projectSettings.optional().meta({ description: 'Replaces the settings as a whole.' }),
  })
  .meta({ id: 'UpdateProject' });
export type UpdateProject = z.infer<typeof updateProject>;
