import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contextThread, type ContextThreadOptions } from '../../../cloud/adapters/contextThread/contextThread.ts';
import { contextThreads } from '../../../cloud/adapters/contextThread/contextThreads.ts';
import { ApiError } from '../../../cloud/domain/apiError.ts';
import type { ContextEngine } from '../../../cloud/domain/context/contextEngine.ts';
import type { FileRow, Revision } from '../../../cloud/domain/context/contextPorts.ts';
import type { SelectWishes } from '../../../cloud/domain/context/selectFromIndex.ts';
import { BlobStoreError } from '../../../cloud/ports/blobStore.ts';
import { DatabaseError } from '../../../cloud/ports/database.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import { assetsFolder, rowsOf } from './madeProject.ts';

const org = orgId('5c56c793-69f3-4fbf-87e6-c4bf54c28c26');
const revision: Revision = {
  projectId: 'p',
  branch: 'main',
  number: 1,
  rootHash: 'r',
  model: 'test/4',
  vectorGeneration: 1,
};
const files: Record<string, string> = {
  'src/door.ts': "import { turn } from './key.ts';\nexport function openDoor(): void {\n  turn(3);\n}\n",
  'src/key.ts': 'export function turn(times: number): number {\n  return times * 2;\n}\n',
};
const wishes: SelectWishes = {
  query: 'openDoor',
  budget: 1_000,
  mode: 'full',
  format: 'plain',
  includeImports: true,
  sources: [],
  vector: null,
};

async function* noVectors(): AsyncGenerator<never> {
  await Promise.resolve();
}

describe('The engine in a thread of its own', function () {
  this.timeout(20_000);
  let rows: FileRow[];
  let engine: ContextEngine | undefined;
  const events: string[] = [];

  const open = (changes: Partial<ContextThreadOptions> = {}): ContextEngine =>
    (engine = contextThread({
      workerFile: path.join(assetsFolder, 'cloud/contextWorker.cjs'),
      assetsFolder,
      maxBytes: 1e8,
      maxTextBytes: 1e7,
      revisions: {
        current: () => Promise.resolve(revision),
        // As a database gives them: parts of something larger.
        read: () =>
          Promise.resolve({
            revision,
            files: rows,
            rows: rows.map((row) => ({
              ...row,
              chunks: new Uint8Array(Buffer.concat([Buffer.alloc(100), row.chunks])).subarray(100),
            })),
          }),
      },
      vectors: {
        async *read(_, _project, digests) {
          await sleep(1);
          for (const digest of digests) yield [{ digest, vector: Float32Array.of(0, 1, 0, 0) }];
        },
      },
      texts: {
        read: (_, _project, hash) => {
          const row = rows.find(({ contentHash }) => contentHash === hash)!;
          return Promise.resolve(files[row.path]);
        },
      },
      derived: { get: () => Promise.resolve(undefined), put: () => Promise.resolve() },
      log: (_, event) => events.push(event),
      ...changes,
    }));

  before(async () => {
    rows = await rowsOf(files);
  });
  afterEach(() => engine?.close());

  it('answers every kind of question', async () => {
    const thread = open();
    const { answer } = await thread.select(org, revision, wishes);
    assert.match(answer.context, /function openDoor/);
    assert.match(answer.context, /function turn/);
    assert.deepEqual(answer.chunks[0]!.symbols, ['openDoor']);
    const near = await thread.select(org, revision, { ...wishes, query: 'zzz', vector: Float32Array.of(0, 1, 0, 0) });
    assert.equal(near.answer.byMeaning, true);
    assert.equal(near.answer.chunks.length, 2);
    const symbols = await thread.symbols(org, revision, { name: 'turn', match: 'exact', limit: 5 });
    assert.deepEqual(
      symbols.answer.map(({ path: file, line }) => [file, line]),
      [['src/key.ts', 1]],
    );
    const graph = await thread.graph(org, revision, { symbol: 'turn', depth: 1, direction: 'callers', limit: 5 });
    assert.equal(graph.answer.definitions[0]!.callers[0]!.caller!.name, 'openDoor');
    await thread.forget(org);
    assert.ok(events.includes('context.index_opened'));
  });

  it('leaves out, and says so, what has no text any more', async () => {
    const thread = open({ texts: { read: () => Promise.resolve(undefined) } });
    const { answer } = await thread.select(org, revision, wishes);
    assert.equal(answer.chunks.length, 0);
    assert.ok(answer.unreadable > 0);
  });

  it('gives back the very errors of what it asked', async () => {
    const down = new DatabaseError('no connection');
    await assert.rejects(
      open({ revisions: { current: () => Promise.reject(down), read: () => Promise.reject(down) } }).select(
        org,
        revision,
        wishes,
      ),
      (error) => error === down,
    );
    await engine!.close();
    const full = new BlobStoreError('full', { isUnavailable: true });
    const thread = open({ texts: { read: () => Promise.reject(full) } });
    await assert.rejects(thread.select(org, revision, wishes), (error) => error === full);
    await engine!.close();
    const gone = open({
      revisions: { current: () => Promise.resolve(undefined), read: () => Promise.resolve(undefined) },
    });
    await assert.rejects(
      gone.select(org, revision, wishes),
      (error) => error instanceof ApiError && error.code === 'not_found' && error.hint !== undefined,
    );
  });

  it('says what is damaged as a fault of ours', async () => {
    const damaged = rows.map((row) => ({ ...row, words: row.words.subarray(0, 3) }));
    const thread = open({
      revisions: {
        current: () => Promise.resolve(revision),
        read: () => Promise.resolve({ revision, files: damaged, rows: damaged }),
      },
    });
    await assert.rejects(thread.select(org, revision, wishes), (error) => !(error instanceof ApiError));
  });

  it('takes up a second thread when one is not enough, and gives the same answers there', async () => {
    const options = {
      workerFile: path.join(assetsFolder, 'cloud/contextWorker.cjs'),
      assetsFolder,
      maxBytes: 1e8,
      maxTextBytes: 1e7,
      vectors: { read: noVectors },
      texts: {
        read: (_: unknown, _project: unknown, hash: string) =>
          Promise.resolve(files[rows.find(({ contentHash }) => contentHash === hash)!.path]),
      },
      derived: { get: () => Promise.resolve(undefined), put: () => Promise.resolve() },
      log: (_: unknown, event: string) => events.push(event),
    };
    let opened = 0;
    const revisions = {
      current: () => Promise.resolve(revision),
      read: () => {
        opened++;
        return Promise.resolve({ revision, files: rows, rows });
      },
    };
    engine = contextThreads({ ...options, revisions, threads: 3 });
    await engine.select(org, revision, wishes);
    await engine.select(org, revision, wishes);
    assert.equal(opened, 1);
    const many = await Promise.all(Array.from({ length: 7 }, () => engine!.select(org, revision, wishes)));
    while (opened < 2) await sleep(5);
    many.push(...(await Promise.all(Array.from({ length: 7 }, () => engine!.select(org, revision, wishes)))));
    await engine.forget(org);
    assert.equal(new Set(many.map(({ answer }) => answer.context)).size, 1);
  });

  it('lets many questions in one after the other, and those about other projects beside them', async () => {
    engine = contextThreads({
      workerFile: path.resolve(import.meta.dirname, '../../fixtures/slowContextWorker.cjs'),
      assetsFolder,
      maxBytes: 1e8,
      maxTextBytes: 1e7,
      revisions: { current: () => Promise.resolve(revision), read: () => Promise.resolve(undefined) },
      vectors: { read: noVectors },
      texts: { read: () => Promise.resolve(undefined) },
      derived: { get: () => Promise.resolve(undefined), put: () => Promise.resolve() },
      log: (_, event) => events.push(event),
      threads: 2,
    });
    const ended: number[] = [];
    const atOnce = async (number: number, projectId: string): Promise<number> => {
      const { answer } = await engine!.select(org, { ...revision, projectId }, wishes);
      ended.push(number);
      return (answer as unknown as { running: number }).running;
    };
    // On a busy machine a thread takes long to start, and its first questions would be overtaken by those of the other.
    await Promise.all([atOnce(0, 'p'), atOnce(0, 'q')]);
    ended.length = 0;
    const many = Array.from({ length: 30 }, (_, number) => atOnce(number, 'p'));
    const other = atOnce(100, 'q');
    assert.ok((await other) <= 4);
    assert.ok(ended.length <= 10, `${ended.length} questions were answered before the one about another project`);
    const most = Math.max(...(await Promise.all(many)));
    assert.ok(most <= 4, `a thread was at ${most} questions at once`);
    const late = ended.filter((number) => number !== 100).map((number, at) => Math.abs(number - at));
    assert.ok(Math.max(...late) < 6, `they were answered in the order ${ended.join(' ')}`);
  });

  it('fails the questions of a thread that dies, and answers the next ones in another', async () => {
    for (const query of ['die', 'throw']) {
      const thread = open({ workerFile: path.resolve(import.meta.dirname, '../../fixtures/dyingContextWorker.cjs') });
      const waits = thread.select(org, revision, { ...wishes, query: 'wait' });
      const isUnavailable = (error: unknown): boolean => error instanceof ApiError && error.code === 'unavailable';
      await Promise.all([
        assert.rejects(waits, isUnavailable),
        assert.rejects(thread.select(org, revision, { ...wishes, query }), isUnavailable),
      ]);
      assert.equal(await thread.select(org, revision, wishes), 'select answered');
      assert.ok(events.includes('context.thread_died'));
      await thread.close();
      await assert.rejects(thread.select(org, revision, wishes), isUnavailable);
    }
  });
});
