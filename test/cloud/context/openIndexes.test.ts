import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../../cloud/domain/apiError.ts';
import type { FileRow, ReadRevision, Revision } from '../../../cloud/domain/context/contextPorts.ts';
import {
  openIndexes,
  type OpenIndexes,
  type OpenIndexParts,
  type VectorPatience,
} from '../../../cloud/domain/context/openIndexes.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';
import { assetsFolder, rowsOf } from './madeProject.ts';

const org = orgId('5c56c793-69f3-4fbf-87e6-c4bf54c28c26');
const scan = new WebAssembly.Module(readFileSync(path.join(assetsFolder, 'vectorScan.wasm')));

const files = {
  'src/door.ts': "import { turn } from './key.ts';\nexport function openDoor(): void {\n  turn(3);\n}\n",
  'src/key.ts': 'export function turn(times: number): number {\n  return times * 2;\n}\n',
  'src/house.ts':
    "import { openDoor } from './door.ts';\nexport class House {\n  enter(): void {\n    openDoor();\n  }\n}\n",
};

/** A project whose revisions a test sets; it says what was read. */
class Project {
  rows: FileRow[] = [];
  revision: Revision;
  vectors = new Map<string, Float32Array>();
  readonly read: { revision: number; rows: number }[] = [];
  vectorReads = 0;
  derived: Uint8Array | undefined;

  constructor(projectId: string, model: string | null = null) {
    this.revision = { projectId, branch: 'main', number: 0, rootHash: '', model, vectorGeneration: 0 };
  }

  /** Makes these the files of the next revision. */
  set(rows: FileRow[]): Revision {
    this.rows = rows;
    this.revision = { ...this.revision, number: this.revision.number + 1 };
    return this.revision;
  }

  digests(): string[] {
    return this.rows.flatMap(({ digests }) =>
      Array.from({ length: digests.length / 16 }, (_, i) =>
        Buffer.from(digests.subarray(16 * i, 16 * i + 16)).toString('hex'),
      ),
    );
  }
}

function open(projects: readonly Project[], options: Partial<OpenIndexParts> = {}): OpenIndexes {
  const find = (id: string): Project => projects.find(({ revision }) => revision.projectId === id)!;
  return openIndexes({
    revisions: {
      current: (_, id) => Promise.resolve(find(id).revision),
      async read(_, id, _branch, known): Promise<ReadRevision> {
        const { revision, rows, read } = find(id);
        await sleep(5);
        const lacking = rows.filter(({ recordKey }) => !known.has(recordKey));
        read.push({ revision: revision.number, rows: lacking.length });
        return { revision, files: rows, rows: lacking };
      },
    },
    vectors: {
      async *read(_, id, digests) {
        const project = find(id);
        project.vectorReads++;
        await sleep(1);
        yield [...project.vectors]
          .filter(([digest]) => digests.has(digest))
          .map(([digest, vector]) => ({ digest, vector }));
      },
    },
    derived: {
      get: (_, id) => Promise.resolve(find(id).derived),
      put: (_, id, _branch, bytes) => {
        find(id).derived = bytes;
        return Promise.resolve();
      },
    },
    thread: { now: () => performance.now(), nextTurn: () => nextTurn() },
    scan,
    maxBytes: 1e9,
    log: () => undefined,
    ...options,
  });
}

const search = (indexes: OpenIndexes, revision: Revision, query: string, vector: Float32Array | null = null) =>
  indexes.use(
    org,
    revision,
    ({ index }) => Promise.resolve(index.search(query, { limit: 10, sources: [], weights: defaultWeights, vector })),
    vector === null ? 'none' : 'a_moment',
  );

describe('Indexes of projects in memory', () => {
  it('are read once, however many ask for them at once', async () => {
    const project = new Project('a');
    const revision = project.set(await rowsOf(files));
    const indexes = open([project]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => search(indexes, revision, 'openDoor')));
    assert.deepEqual(project.read, [{ revision: 1, rows: 3 }]);
    assert.equal(answers[0]![0]!.path, 'src/door.ts');
    assert.equal(new Set(answers.map((each) => JSON.stringify(each))).size, 1);
  });

  it('read of a new revision only what is new, and answer like one that was made at once', async () => {
    const project = new Project('a');
    const indexes = open([project]);
    await search(indexes, project.set(await rowsOf(files)), 'door');
    const changed = await rowsOf({
      ...files,
      'src/key.ts': 'export function turnKey(times: number): number {\n  return times;\n}\n',
      'src/window.ts': 'export const windowPane = 1;\n',
    });
    const revision = project.set(changed.filter(({ path: file }) => file !== 'src/house.ts'));
    const fresh = open([project]);
    for (const query of ['door', 'turnKey', 'windowPane', 'House enter'])
      assert.deepEqual(await search(indexes, revision, query), await search(fresh, revision, query), query);
    assert.deepEqual(project.read, [
      { revision: 1, rows: 3 },
      { revision: 2, rows: 2 },
      { revision: 2, rows: 3 },
    ]);
  });

  it('leave a question the revision it began with, and give the next one the new revision', async () => {
    const project = new Project('a');
    const first = project.set(await rowsOf(files));
    const indexes = open([project]);
    let goOn = (): void => undefined;
    const waits = new Promise<void>((resolve) => (goOn = resolve));
    const slow = indexes.use(org, first, async ({ index, revision }) => {
      await waits;
      return [revision.number, index.files.has('src/house.ts')];
    });
    await sleep(20);
    const second = project.set(await rowsOf({ 'src/other.ts': 'export const other = 1;\n' }));
    const now = await indexes.use(org, second, ({ index, revision }) =>
      Promise.resolve([revision.number, index.files.has('src/house.ts')]),
    );
    assert.deepEqual(now, [2, false]);
    // Who comes late with what it saw before is given what is there now.
    assert.equal(await indexes.use(org, first, ({ revision }) => Promise.resolve(revision.number)), 2);
    goOn();
    assert.deepEqual(await slow, [1, true]);
    assert.equal(indexes.size, 1);
  });

  it('take no more memory together than they may; the one asked longest ago goes', async () => {
    const projects = ['a', 'b', 'c'].map((id) => new Project(id));
    const rows = await rowsOf(files);
    for (const project of projects) project.set(rows);
    const [a, b, c] = projects as [Project, Project, Project];
    const measure = open(projects);
    await search(measure, a.revision, 'door');
    const indexes = open(projects, { maxBytes: Math.floor(measure.bytes * 2.5) });
    for (const { revision } of [a, b, a, c]) await search(indexes, revision, 'door');
    assert.equal(indexes.size, 2);
    assert.ok(indexes.bytes <= measure.bytes * 2.5);
    await search(indexes, a.revision, 'door');
    assert.equal(a.read.length, 2, 'once to measure, once here');
    await search(indexes, b.revision, 'door');
    assert.equal(b.read.length, 2, 'it had to go');
    // One that is larger than all of it still answers.
    const tiny = open(projects, { maxBytes: 1 });
    assert.equal((await search(tiny, a.revision, 'openDoor'))[0]!.path, 'src/door.ts');
    assert.equal(tiny.size, 1);
  });

  it('see vectors that come later, and take those they have along to the next revision', async () => {
    const project = new Project('a', 'test/4');
    const rows = await rowsOf(files);
    const first = project.set(rows);
    const indexes = open([project]);
    const vector = (i: number): Float32Array => Float32Array.from({ length: 4 }, (_, at) => (at === i ? 1 : 0));
    assert.deepEqual(await search(indexes, first, 'zzz', vector(0)), []);
    project.digests().forEach((digest, i) => project.vectors.set(digest, vector(i)));
    const later = { ...first, vectorGeneration: 1 };
    assert.equal((await search(indexes, later, 'zzz', vector(0)))[0]!.path, 'src/door.ts');
    const reads = project.vectorReads;
    await search(indexes, later, 'zzz', vector(1));
    assert.equal(project.vectorReads, reads, 'nothing new was there to be read');
    project.vectors.clear();
    project.revision = later;
    const second = project.set([...rows].reverse());
    assert.equal((await search(indexes, second, 'zzz', vector(1)))[0]!.path, 'src/key.ts');
  });

  it('answer by words before their vectors are read, and wait for them but a moment', async () => {
    const project = new Project('a', 'test/4');
    const revision = project.set(await rowsOf(files));
    const vector = Float32Array.of(1, 0, 0, 0);
    let give = (): void => undefined;
    const given = new Promise<void>((resolve) => (give = resolve));
    const indexes = open([project], {
      vectors: {
        async *read() {
          project.vectorReads++;
          await given;
          yield project.digests().map((digest) => ({ digest, vector }));
        },
      },
    });
    const look = (query: string, patience: VectorPatience) =>
      indexes.use(
        org,
        revision,
        ({ index, vectors, revision: { vectorGeneration } }) => {
          const found = index.search(query, { limit: 10, sources: [], weights: defaultWeights, vector });
          return Promise.resolve({ vectors, vectorGeneration, found: found.map(({ path: file }) => file) });
        },
        patience,
      );
    const words = await look('openDoor', 'none');
    assert.deepEqual([words.vectors, words.vectorGeneration, words.found[0]], ['being_read', -1, 'src/door.ts']);
    const started = performance.now();
    assert.equal((await look('openDoor', 'a_moment')).vectors, 'being_read');
    assert.ok(performance.now() - started > 1_500);
    const whole = look('zzz', 'until_read');
    give();
    const { vectors, vectorGeneration, found } = await whole;
    assert.deepEqual([vectors, vectorGeneration, found.length], ['here', 0, 3]);
    assert.equal(project.vectorReads, 1);
  });

  it('answer by words while the store of vectors does not answer, and ask it again later', async () => {
    const project = new Project('a', 'test/4');
    const revision = project.set(await rowsOf(files));
    let now = 1_000;
    let fails = true;
    const told: unknown[] = [];
    const indexes = open([project], {
      thread: { now: () => now, nextTurn: () => nextTurn() },
      log: (...entry) => told.push(entry),
      vectors: {
        async *read() {
          project.vectorReads++;
          await sleep(1);
          if (fails) throw new Error('no connection');
        },
      },
    });
    const state = () => indexes.use(org, revision, ({ vectors }) => Promise.resolve(vectors), 'a_moment');
    assert.equal(await state(), 'unavailable');
    assert.match(JSON.stringify(told), /context\.vectors_unreadable.*no connection/);
    fails = false;
    assert.equal(await state(), 'unavailable');
    assert.equal(project.vectorReads, 1, 'it is left alone for a while');
    now += 10_001;
    assert.equal(await state(), 'unavailable', 'it is asked, and not waited for');
    while ((await state()) !== 'here') await sleep(1);
    assert.equal(project.vectorReads, 2);
  });

  it('read no further vectors of a project that is forgotten', async () => {
    const project = new Project('a', 'test/4');
    const revision = project.set(await rowsOf(files));
    let pages = 0;
    const indexes = open([project], {
      vectors: {
        async *read() {
          for (; pages < 100; pages++) {
            await sleep(1);
            yield [];
          }
        },
      },
    });
    await search(indexes, revision, 'door');
    indexes.forget(org, 'a');
    await sleep(100);
    assert.ok(pages < 10, String(pages));
  });

  it('begin anew with vectors where the project has another model', async () => {
    const project = new Project('a', 'test/4');
    const first = project.set(await rowsOf(files));
    project.digests().forEach((digest) => project.vectors.set(digest, Float32Array.of(1, 0, 0, 0)));
    const indexes = open([project]);
    await search(indexes, first, 'door', Float32Array.of(1, 0, 0, 0));
    project.revision = { ...first, model: 'other/2' };
    project.digests().forEach((digest) => project.vectors.set(digest, Float32Array.of(0, 1)));
    const found = await search(indexes, project.revision, 'zzz', Float32Array.of(0, 1));
    assert.equal(found.length, 3);
  });

  it('keep which files use which for the next server, and do without where it is damaged', async () => {
    const project = new Project('a');
    const revision = project.set(await rowsOf(files));
    const links = (indexes: OpenIndexes) =>
      indexes.use(org, revision, ({ index }) =>
        Promise.resolve([...index.links.files].map(([file, { uses }]) => [file, uses])),
      );
    const first = await links(open([project]));
    assert.ok(project.derived !== undefined && project.derived.length > 0);
    assert.deepEqual(first.find(([file]) => file === 'src/house.ts')![1], [
      { path: 'src/door.ts', imported: true, calls: 1 },
    ]);
    const kept = project.derived;
    assert.deepEqual(await links(open([project])), first);
    assert.equal(project.derived, kept, 'it was made again');
    for (const damaged of [kept.subarray(0, kept.length - 3), Uint8Array.of(99, 1, 2), Uint8Array.of()]) {
      project.derived = damaged;
      assert.deepEqual(await links(open([project])), first);
    }
  });

  it('say that a branch is gone, and forget a project', async () => {
    const project = new Project('a');
    const revision = project.set(await rowsOf(files));
    const gone = open([project], {
      revisions: { current: () => Promise.resolve(undefined), read: () => Promise.resolve(undefined) },
    });
    await assert.rejects(
      search(gone, revision, 'door'),
      (error) => error instanceof ApiError && error.code === 'not_found',
    );
    const indexes = open([project]);
    await search(indexes, revision, 'door');
    indexes.forget(org, 'b');
    assert.equal(indexes.size, 1);
    indexes.forget(org, 'a');
    assert.equal(indexes.size, 0);
    await search(indexes, revision, 'door');
    indexes.forget(org);
    assert.equal(indexes.size, 0);
  });

  it('try again after a read that failed', async () => {
    const project = new Project('a');
    const revision = project.set(await rowsOf(files));
    const rows = project.rows;
    let fails = true;
    const indexes = open([project], {
      revisions: {
        current: () => Promise.resolve(revision),
        read: () =>
          fails ? Promise.reject(new Error('no connection')) : Promise.resolve({ revision, files: rows, rows }),
      },
    });
    await assert.rejects(search(indexes, revision, 'door'), /no connection/);
    fails = false;
    assert.equal((await search(indexes, revision, 'openDoor'))[0]!.path, 'src/door.ts');
  });
});
