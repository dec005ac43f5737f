import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexJob } from '../../../protocol/api/index.ts';
import { callApi, type ApiReply, type CallOptions } from '../callApi.ts';

/** Files of a working copy by their paths. */
export type Tree = ReadonlyMap<string, string | Uint8Array>;

export const hashOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** By a way of its own, so that it can disagree with the platform's. */
export function rootHashOf(tree: Tree): string {
  const lines = [...tree].map(([file, content]) => Buffer.from(`${file}\0${hashOf(content)}\n`));
  return createHash('sha256')
    .update(Buffer.concat(lines.sort((a, b) => Buffer.compare(a, b))))
    .digest('hex');
}

export function readTree(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file).split(path.sep).join('/'), readFileSync(file, 'utf8')];
    }),
  );
}

export const manifestOf = (tree: Tree): { path: string; hash: string }[] =>
  [...tree].map(([file, content]) => ({ path: file, hash: hashOf(content) }));

export interface SyncClient {
  readonly call: (method: string, path: string, options?: Omit<CallOptions, 'key'>) => Promise<ApiReply>;
  /** Sends the contents that are lacking. @returns what the difference was. */
  readonly send: (tree: Tree) => Promise<ApiReply['body']>;
  /** The whole way; resolves when the job has ended. */
  sync(tree: Tree): Promise<IndexJob>;
  /** Polls until the job has ended. */
  readonly ended: (jobId: string) => Promise<IndexJob>;
}

const bytesAtOnce = 2_000_000;

/** A client of the index service for one project, as an editor or a program would be one. */
export function syncClient(address: string, key: string, projectId: string, branch = 'main'): SyncClient {
  const call: SyncClient['call'] = (method, where, options = {}) =>
    callApi(address, method, where, { key, ...options });

  const post = async (where: string, body: unknown, expected: number): Promise<ApiReply> => {
    const reply = await call('POST', where, { body });
    assert.equal(reply.status, expected, reply.text);
    return reply;
  };

  const ended = async (jobId: string): Promise<IndexJob> => {
    for (;;) {
      const { status, body, text } = await call('GET', `/v1/index/status/${jobId}`);
      assert.equal(status, 200, text);
      const job = body as IndexJob;
      if (!['queued', 'running'].includes(job.status)) return job;
      await sleep(50);
    }
  };

  const send = async (tree: Tree): Promise<ApiReply['body']> => {
    const diff = await post('/v1/index/diff', { project_id: projectId, branch, manifest: manifestOf(tree) }, 200);
    const lacking = new Set(diff.body.contents as string[]);
    let batch: { hash: string; content: string; encoding: string }[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await post('/v1/index/contents', { project_id: projectId, contents: batch }, 200);
      batch = [];
      bytes = 0;
    };
    for (const content of tree.values()) {
      const hash = hashOf(content);
      if (!lacking.delete(hash)) continue;
      const isText = typeof content === 'string';
      batch.push({
        hash,
        content: isText ? content : Buffer.from(content).toString('base64'),
        encoding: isText ? 'utf-8' : 'base64',
      });
      bytes += content.length;
      if (bytes > bytesAtOnce) await flush();
    }
    await flush();
    return diff.body;
  };

  return {
    call,
    send,
    ended,
    sync: async (tree) => {
      const { base_revision } = await send(tree);
      const body = {
        project_id: projectId,
        branch,
        base_revision,
        manifest: manifestOf(tree),
        root_hash: rootHashOf(tree),
      };
      const { body: job } = await post('/v1/index/sync', body, 202);
      return ended(job.job_id as string);
    },
  };
}
