import { z } from 'zod';
import { instant, projectRef, uuid } from './common.ts';

/** How much one request may hold. */
export const indexLimits = {
  manifestFiles: 200_000,
  /** Files or contents that come with their texts. */
  contents: 5_000,
  vectors: 5_000,
  digests: 100_000,
  /** Of the text of one file. */
  fileBytes: 10 * 1024 * 1024,
} as const;

const contentHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower case hexadecimal digits')
  .meta({ description: 'SHA-256 of the bytes of the file' });

const rootHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower case hexadecimal digits')
  .meta({
    description:
      'SHA-256 over the lines `path NUL content-hash LF` of all files, in the order of the UTF-8 bytes of their paths',
  });

const digest = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 lower case hexadecimal digits')
  .meta({ description: 'Of the text of a chunk, as the engine makes it: by it a vector is known' });

export const branch = z
  .string()
  .min(1)
  .max(255)

  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must not hold control characters')
  .default('main');

/** What a path must be is said by the domain, which names each fault by its path. */
const filePath = z.string().max(8_192).meta({ description: 'Relative to the root, `/` between its parts' });

const manifest = z
  .array(z.strictObject({ path: filePath, hash: contentHash }))
  .max(indexLimits.manifestFiles)
  .meta({ description: 'All files of the working copy' });

const target = { project_id: projectRef, branch };

/** Texts, or bytes that are none as base64. */
const content = z.string().meta({ description: 'The text, or its bytes as base64 where `encoding` says so' });
const encoding = z.enum(['utf-8', 'base64']).default('utf-8');

export const embeddingModel = z
  .string()
  .regex(/^[\w.:@/-]{1,200}$/, 'must be 1 to 200 letters, digits and . _ : @ / -')
  .meta({ description: 'Name and dimensions', examples: ['gte-small/384'] });

export const indexDiff = z
  .strictObject({
    ...target,
    manifest,
    digests: z
      .array(digest)
      .max(indexLimits.digests)
      .default([])
      .meta({ description: 'Chunks whose vectors the client has' }),
  })
  .meta({ id: 'IndexDiff' });
export type IndexDiff = z.infer<typeof indexDiff>;

export const indexDiffReply = z
  .object({
    base_revision: z.int().meta({ description: 'What a sync is to be made for; 0: nothing is indexed yet' }),
    root_hash: z.string().nullable().meta({ description: 'Of that revision' }),
    changed: z.int().meta({ description: 'Files that are new or have another content' }),
    deleted: z.int(),
    contents: z.array(z.string()).meta({ description: 'Hashes of the contents that are lacking' }),
    embedding_model: z
      .string()
      .nullable()
      .meta({ description: 'Of the vectors of this project; null: the first that come decide' }),
    vectors: z.array(z.string()).meta({ description: 'Those of the digests whose vectors are lacking' }),
  })
  .meta({ id: 'IndexDiffReply' });
export type IndexDiffReply = z.infer<typeof indexDiffReply>;

const vector = z
  .union([
    z.string().max(100_000).meta({ description: '32-bit floats, little endian, as base64' }),
    z.array(z.number()).max(8_192),
  ])
  .meta({ description: 'Of length 1' });

export const indexContents = z
  .strictObject({
    project_id: projectRef,
    contents: z
      .array(z.strictObject({ hash: contentHash, content, encoding }))
      .max(indexLimits.contents)
      .default([]),
    embedding_model: embeddingModel.optional().meta({ description: 'What made the vectors; needed with them' }),
    vectors: z.array(z.strictObject({ digest, vector })).max(indexLimits.vectors).default([]),
  })
  .meta({ id: 'IndexContents' });
export type IndexContents = z.infer<typeof indexContents>;

export const indexContentsReply = z
  .object({ contents_stored: z.int(), vectors_stored: z.int() })
  .meta({ id: 'IndexContentsReply' });

export const indexSync = z
  .strictObject({
    ...target,
    root_hash: rootHash.optional(),
    base_revision: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .optional()
      .meta({ description: 'The revision this was made from; needed with a manifest' }),
    manifest: manifest.optional(),
    files: z
      .array(
        z.strictObject({
          path: filePath,
          content: content.optional(),
          encoding,
          hash: contentHash.optional().meta({ description: 'Of a content that was sent before' }),
        }),
      )
      .max(indexLimits.contents)
      .optional()
      .meta({ description: 'New and changed files, each with its content or the hash of one' }),
    deletions: z.array(filePath).max(indexLimits.manifestFiles).optional().meta({ description: 'Files that are gone' }),
  })
  .meta({ id: 'IndexSync' });
export type IndexSync = z.infer<typeof indexSync>;

export const indexState = z
  .object({
    status: z.enum(['unchanged', 'outdated']).meta({ description: 'outdated: the cloud has another root hash' }),
    revision: z.int(),
    root_hash: z.string().nullable(),
    files: z.int(),
    chunks: z.int(),
    indexed_at: instant.nullable(),
  })
  .meta({ id: 'IndexState' });
export type IndexState = z.infer<typeof indexState>;

export const indexJob = z
  .object({
    job_id: uuid,
    project_id: uuid,
    branch: z.string(),
    status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    progress: z.object({ files_total: z.int(), files_processed: z.int(), chunks_created: z.int() }),
    revision: z.int().nullable().meta({ description: 'What it came to; null while it has not succeeded' }),
    error: z
      .object({ code: z.string(), detail: z.string() })
      .nullable()
      .meta({ description: 'Why it failed, or why it waits to be tried again' }),
    created_at: instant,
    started_at: instant.nullable(),
    finished_at: instant.nullable(),
  })
  .meta({ id: 'IndexJob' });
export type IndexJob = z.infer<typeof indexJob>;

export const projectIndex = z
  .object({
    status: z.enum(['empty', 'indexing', 'ready', 'failed']),
    branch: z.string().nullable().meta({ description: 'The one that was indexed last' }),
    revision: z.int(),
    files: z.int(),
    skipped: z.int().meta({ description: 'Of the files, those that are no text worth searching' }),
    chunks: z.int(),
    indexed_at: instant.nullable(),
  })
  .meta({ id: 'ProjectIndex' });
export type ProjectIndex = z.infer<typeof projectIndex>;
