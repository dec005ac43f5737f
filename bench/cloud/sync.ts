import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexDiffReply, IndexJob, IndexState } from '../../protocol/api/index.ts';
import type { Platform } from './platform.ts';
import { rootHashOf, type Repository } from './repository.ts';
import { asBase64, vectorFor } from './syntheticVectors.ts';

export interface SyncTimes {
  /** Until the revision is visible. */
  ms: number;
  diffMs: number;
  contentsMs: number;
  vectorsMs: number;
  jobMs: number;
  requests: number;
  jobId: string;
  /** The same again, some times: one request each. */
  repeatMs: number[];
}

const textBytesAtOnce = 4_000_000;
const vectorsAtOnce = 2_000;
const repeats = 10;

function* batches<T>(all: Iterable<T>, isFull: (batch: readonly T[]) => boolean): Generator<T[]> {
  let batch: T[] = [];
  for (const each of all) {
    batch.push(each);
    if (!isFull(batch)) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Syncs a repository, as a client with vectors of its own does, into a project; then once more. */
export async function syncRepository(
  { address, key }: Pick<Platform, 'address' | 'key'>,
  projectId: string,
  repository: Repository,
  model: string,
): Promise<SyncTimes> {
  let requests = 0;
  async function call<T>(method: 'GET' | 'POST', path: string, content?: object): Promise<T> {
    requests++;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const body = content === undefined ? null : JSON.stringify(content);
    const reply = await fetch(`${address}${path}`, { method, headers, body });
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as T;
  }

  async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
    const started = performance.now();
    const result = await work();
    return [performance.now() - started, result];
  }

  const manifest = repository.files.map(({ path, hash }) => ({ path, hash }));
  const rootHash = rootHashOf(repository);
  const texts = new Map(repository.files.map(({ hash, text }) => [hash, text]));
  // They are there before a client syncs.
  const vectors = new Map(
    repository.files.flatMap(({ digests }) => digests.map((digest) => [digest, asBase64(vectorFor(digest))] as const)),
  );
  const askUnchanged = (): Promise<IndexState> =>
    call('POST', '/v1/index/sync', { project_id: projectId, root_hash: rootHash });

  async function sendTexts(hashes: readonly string[]): Promise<void> {
    const contents = hashes.map((hash) => ({ hash, content: texts.get(hash)! }));
    const isFull = (batch: readonly { content: string }[]): boolean =>
      batch.reduce((sum, { content }) => sum + content.length, 0) > textBytesAtOnce;
    for (const batch of batches(contents, isFull))
      await call('POST', '/v1/index/contents', { project_id: projectId, contents: batch });
  }

  async function sendVectors(digests: readonly string[]): Promise<void> {
    for (const batch of batches(digests, ({ length }) => length === vectorsAtOnce)) {
      const sent = batch.map((digest) => ({ digest, vector: vectors.get(digest)! }));
      await call('POST', '/v1/index/contents', { project_id: projectId, embedding_model: model, vectors: sent });
    }
  }

  async function ended({ job_id: id }: IndexJob): Promise<IndexJob> {
    for (;;) {
      const job = await call<IndexJob>('GET', `/v1/index/status/${id}`);
      if (job.status !== 'queued' && job.status !== 'running') return job;
      await sleep(100);
    }
  }

  const started = performance.now();
  await askUnchanged();
  const [diffMs, diff] = await timed(async () => {
    const replies: IndexDiffReply[] = [];
    const all = batches(vectors.keys(), ({ length }) => length === 100_000);
    for (const digests of all)
      replies.push(await call('POST', '/v1/index/diff', { project_id: projectId, manifest, digests }));
    return { ...replies[0]!, vectors: replies.flatMap((reply) => reply.vectors) };
  });
  const [contentsMs] = await timed(() => sendTexts(diff.contents));
  const [vectorsMs] = await timed(() => sendVectors(diff.vectors));
  const [jobMs, jobId] = await timed(async () => {
    const wish = { project_id: projectId, base_revision: diff.base_revision, manifest, root_hash: rootHash };
    const job = await ended(await call('POST', '/v1/index/sync', wish));
    if (job.status !== 'succeeded') throw new Error(`the sync ${job.status}: ${JSON.stringify(job.error)}`);
    return job.job_id;
  });
  const ms = performance.now() - started;
  const all = requests;
  const repeatMs: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [took, state] = await timed(askUnchanged);
    if (state.status !== 'unchanged') throw new Error('the same tree is not unchanged');
    repeatMs.push(took);
  }
  return { ms, diffMs, contentsMs, vectorsMs, jobMs, jobId, requests: all, repeatMs };
}
