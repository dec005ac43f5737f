import { z } from 'zod';
import { instant, nextCursor, pageQuery, projectRef, uuid } from './common.ts';
import { branch } from './indexing.ts';

export const createSnapshot = z.strictObject({ project_id: projectRef, branch }).meta({ id: 'CreateSnapshot' });
export type CreateSnapshot = z.infer<typeof createSnapshot>;

export const snapshotQuery = pageQuery.extend({
  project_id: projectRef,
  branch: branch.unwrap().optional().meta({ description: 'Of this branch alone' }),
});
export type SnapshotQuery = z.infer<typeof snapshotQuery>;

export const snapshot = z
  .object({
    id: uuid,
    project_id: uuid,
    branch: z.string(),
    revision: z.int(),
    root_hash: z.string(),
    analysis_version: z.string(),
    embedding_model: z.string().nullable().meta({ description: 'Whose vectors are in it; null: none are' }),
    status: z
      .enum(['queued', 'running', 'ready', 'failed', 'cancelled'])
      .meta({ description: 'ready: it can be downloaded. The others are those of its job.' }),
    job_id: uuid.meta({
      description: 'Of what makes it: `GET /v1/index/status/{job_id}` tells how far it is, and why it failed',
    }),
    files: z.int(),
    chunks: z.int(),
    vectors: z.int().nullable().meta({ description: 'Null until it is ready' }),
    vectors_missing: z.int().nullable().meta({ description: 'Different texts of chunks that had no vector' }),
    bytes: z.int().nullable().meta({ description: 'Of the download' }),
    digest: z.string().nullable().meta({
      description: 'Of what is in it, unpacked: the SHA-256 in 64 hexadecimal digits that its last block ends with',
    }),
    created_at: instant,
    ready_at: instant.nullable(),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof snapshot>;

export const snapshotPage = z
  .object({ snapshots: z.array(snapshot), next_cursor: nextCursor })
  .meta({ id: 'SnapshotPage' });
