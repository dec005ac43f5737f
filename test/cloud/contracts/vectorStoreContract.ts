import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import type { OrgId } from '../../../cloud/ports/organization.ts';
import {
  VectorStoreError,
  type Neighbour,
  type StoredVector,
  type VectorStore,
} from '../../../cloud/ports/vectorStore.ts';
import type { FaultyNetwork } from '../servers/faultyNetwork.ts';

export interface VectorBackend {
  /** Of 384 dimensions. */
  store: VectorStore;
  /** An organization that may have vectors: where they have to be known to the store, this makes one known. */
  newOrg(): Promise<OrgId>;
  /** A project of it, likewise. */
  newProject(org: OrgId): Promise<string>;
  /** A store on another machine: the line to it, and one more that soon loses its patience. */
  remote?: { network: FaultyNetwork; hasty: VectorStore };
  /** Looks for what must not have happened, after each test. */
  check?(): void;
  close(): Promise<void>;
}

export interface VectorContractOptions {
  isRemote: boolean;
  start: () => Promise<VectorBackend>;
}

const dimensions = 384;

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Anywhere on the sphere, the same for the same seed. */
export function vectorOf(seed: number): Float32Array {
  let state = (seed * 2_654_435_761 + 0x9e3779b9) >>> 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  for (let i = 0; i < 8; i++) next();
  return normalised(Float32Array.from({ length: dimensions }, next));
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** What holds for every vector store. */
export function vectorStoreContract(name: string, { isRemote, start }: VectorContractOptions): void {
  describe(`A vector store: ${name}`, function () {
    this.timeout(60_000);
    let backend: VectorBackend;
    let store: VectorStore;
    let org: OrgId;
    let project: string;

    before(async () => {
      backend = await start();
      store = backend.store;
    });
    beforeEach(async () => {
      org = await backend.newOrg();
      project = await backend.newProject(org);
      await store.ensure(org);
    });
    afterEach(async () => {
      await store.drop(org);
      backend.check?.();
    });
    after(() => backend?.close());

    const stored = (text: string, vector: Float32Array, projectId = project): StoredVector => ({
      projectId,
      digest: digestOf(text),
      vector,
    });
    const many = (count: number, from = 0, projectId = project): StoredVector[] =>
      Array.from({ length: count }, (_, i) => stored(`text ${from + i}`, vectorOf(from + i), projectId));
    const nearest = (vector: Float32Array, limit = 10, projectId = project, of = org): Promise<Neighbour[]> =>
      store.nearest(of, { projectId, vector, limit });
    const digests = (found: readonly { digest: string }[]): string[] => found.map(({ digest }) => digest);

    async function readAll(projectId: string, limit: number, of = org): Promise<StoredVector[]> {
      const all: StoredVector[] = [];
      let after: string | undefined;
      for (let pages = 0; pages < 1_000; pages++) {
        const page = await store.read(of, projectId, { limit, ...(after === undefined ? {} : { after }) });
        assert.ok(page.vectors.length <= limit);
        all.push(...page.vectors);
        if (page.next === null) return all;
        assert.ok(page.vectors.length > 0);
        after = page.next;
      }
      throw new Error('there is no end of pages');
    }

    it('has the dimensions it was made for', () => assert.equal(store.dimensions, dimensions));

    it('finds what was written at once, and gives its similarity', async () => {
      const all = many(5);
      await store.upsert(org, all);
      for (const { digest, vector } of all) {
        const [first, second] = await nearest(vector, 5);
        assert.equal(first!.digest, digest);
        assert.ok(Math.abs(first!.similarity - 1) < 1e-5, String(first!.similarity));
        assert.ok(second!.similarity < 0.5);
      }
      const opposite = await nearest(
        all[0]!.vector.map((value) => -value),
        5,
      );
      assert.equal(opposite.at(-1)!.digest, all[0]!.digest);
      assert.ok(Math.abs(opposite.at(-1)!.similarity + 1) < 1e-5);
    });

    it('finds exactly the nearest, among those of the project alone', async () => {
      const other = await backend.newProject(org);
      const mine = many(700);
      await store.upsert(org, mine);
      await store.upsert(org, many(700, 10_000, other));
      for (const [seed, limit] of [
        [90_001, 1],
        [90_002, 20],
        [90_003, 100],
        [10_005, 50],
        [90_004, 1_000],
      ] as const) {
        const query = vectorOf(seed);
        const found = await nearest(query, limit);
        const expected = mine
          .map(({ digest, vector }) => ({ digest, similarity: cosine(query, vector) }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, limit);
        assert.equal(found.length, expected.length);
        for (const [i, { digest, similarity }] of found.entries()) {
          assert.ok(Math.abs(similarity - expected[i]!.similarity) < 1e-5);
          // Two that are as near as a rounding may change places.
          const own = mine.find((each) => each.digest === digest);
          assert.ok(Math.abs(cosine(query, own!.vector) - expected[i]!.similarity) < 1e-5);
        }
        assert.equal(new Set(digests(found)).size, found.length);
      }
    });

    it('gives equally near ones in the order of their digests, also at the edge of the limit', async () => {
      const same = vectorOf(1);
      const texts = Array.from({ length: 60 }, (_, i) => `same ${i}`);
      await store.upsert(org, [...texts.map((text) => stored(text, same)), stored('nearer', vectorOf(2))]);
      const sorted = texts.map(digestOf).sort();
      for (const limit of [1, 7, 20, 60]) {
        assert.deepEqual(digests(await nearest(same, limit)), sorted.slice(0, limit), `${limit}`);
        const behind = await nearest(vectorOf(2), limit + 1);
        assert.deepEqual(digests(behind), [digestOf('nearer'), ...sorted.slice(0, limit)]);
      }
    });

    it('replaces the vector of a text, and takes the last of several in one call', async () => {
      await store.upsert(org, [stored('a', vectorOf(1)), stored('b', vectorOf(2))]);
      await store.upsert(org, [stored('a', vectorOf(3)), stored('a', vectorOf(4))]);
      assert.equal(await store.count(org, project), 2);
      const [first] = await nearest(vectorOf(4), 1);
      assert.equal(first!.digest, digestOf('a'));
      assert.ok(first!.similarity > 0.999);
      assert.ok((await nearest(vectorOf(1), 2)).every(({ similarity }) => similarity < 0.5));
    });

    it('is empty for an organization or a project that has none', async () => {
      const stranger = await backend.newOrg();
      const theirs = await backend.newProject(stranger);
      for (const [of, projectId] of [
        [stranger, theirs],
        [org, project],
      ] as const) {
        assert.deepEqual(await nearest(vectorOf(1), 10, projectId, of), []);
        assert.deepEqual(await store.read(of, projectId), { vectors: [], next: null });
        assert.deepEqual(await store.find(of, projectId, [digestOf('a')]), []);
        assert.equal(await store.count(of), 0);
        assert.equal(await store.count(of, projectId), 0);
        await store.delete(of, projectId, [digestOf('a')]);
        await store.deleteProject(of, projectId);
      }
      await store.drop(stranger);
    });

    it('makes room once, however often and by however many it is asked', async () => {
      const fresh = await backend.newOrg();
      const theirs = await backend.newProject(fresh);
      await Promise.all(Array.from({ length: 8 }, () => store.ensure(fresh)));
      await store.upsert(fresh, [stored('a', vectorOf(1), theirs)]);
      await store.ensure(fresh);
      assert.equal(await store.count(fresh), 1);
      await store.drop(fresh);
    });

    it('two organizations never find, read, count, change or delete what the other has', async () => {
      const other = await backend.newOrg();
      await store.ensure(other);
      const theirs = await backend.newProject(other);
      await store.upsert(org, many(20));
      await store.upsert(other, [stored('secret', vectorOf(5), theirs), stored('text 3', vectorOf(99), theirs)]);
      // Asked for the project of the other, an organization gets nothing.
      for (const [of, projectId] of [
        [org, theirs],
        [other, project],
      ] as const) {
        assert.deepEqual(await nearest(vectorOf(5), 100, projectId, of), []);
        assert.deepEqual(await store.read(of, projectId), { vectors: [], next: null });
        assert.deepEqual(await store.find(of, projectId, [digestOf('secret'), digestOf('text 3')]), []);
        assert.equal(await store.count(of, projectId), 0);
        await store.delete(of, projectId, [digestOf('secret'), digestOf('text 3')]);
        await store.deleteProject(of, projectId);
      }
      assert.equal(await store.count(org), 20);
      assert.equal(await store.count(other), 2);
      const [mine] = await nearest(vectorOf(3), 1);
      assert.ok(mine!.similarity > 0.999, 'the same text of another organization has another vector');
      await store.drop(other);
      assert.equal(await store.count(other), 0);
      assert.equal(await store.count(org), 20);
    });

    it('reads all vectors of a project page by page, as they were written', async () => {
      const other = await backend.newProject(org);
      const mine = many(25);
      await store.upsert(org, [...mine, ...many(9, 500, other)]);
      for (const limit of [1, 7, 24, 25, 26, 1_000]) {
        const read = await readAll(project, limit);
        assert.deepEqual(digests(read).sort(), digests(mine).sort());
        for (const { projectId, digest, vector } of read) {
          assert.equal(projectId, project);
          const written = mine.find((each) => each.digest === digest)!.vector;
          assert.ok(vector instanceof Float32Array && vector.length === dimensions);
          assert.ok(vector.every((value, i) => Math.abs(value - written[i]!) < 1e-6));
        }
      }
      assert.deepEqual(digests(await readAll(project, 4)), digests(await readAll(project, 9)));
    });

    it('finds the vectors of texts, those of other projects and unknown ones left out', async () => {
      const other = await backend.newProject(org);
      const mine = many(1_000);
      await store.upsert(org, [...mine, stored('theirs', vectorOf(7), other)]);
      assert.deepEqual(await store.find(org, project, []), []);
      const asked = [digestOf('text 3'), digestOf('theirs'), digestOf('unknown'), digestOf('text 999')];
      const found = await store.find(org, project, asked);
      assert.deepEqual(digests(found).sort(), [digestOf('text 3'), digestOf('text 999')].sort());
      for (const { projectId, digest, vector } of found) {
        assert.equal(projectId, project);
        const written = mine.find((each) => each.digest === digest)!.vector;
        assert.ok(vector instanceof Float32Array && vector.length === dimensions);
        assert.ok(vector.every((value, i) => Math.abs(value - written[i]!) < 1e-6));
      }
      assert.equal((await store.find(org, project, digests(mine))).length, 1_000);
      await assert.rejects(store.find(org, project, [...digests(mine), digestOf('one more')]), RangeError);
    });

    it('reads on behind a page whose vectors are gone by then', async () => {
      await store.upsert(org, many(10));
      const all = await readAll(project, 1_000);
      const first = await store.read(org, project, { limit: 4 });
      await store.delete(org, project, digests(first.vectors));
      const rest = await store.read(org, project, { after: first.next! });
      assert.deepEqual(digests(rest.vectors), digests(all.slice(4)));
    });

    it('deletes what it is told and nothing else, visibly at once', async () => {
      const other = await backend.newProject(org);
      await store.upsert(org, [...many(10), ...many(10, 0, other)]);
      await store.delete(org, project, [digestOf('text 1'), digestOf('text 2'), digestOf('unknown')]);
      assert.equal(await store.count(org, project), 8);
      assert.ok((await nearest(vectorOf(1), 10)).every(({ similarity }) => similarity < 0.5));
      assert.equal((await nearest(vectorOf(1), 1, other))[0]!.digest, digestOf('text 1'));
      await store.deleteProject(org, project);
      assert.deepEqual(await nearest(vectorOf(5)), []);
      assert.deepEqual([await store.count(org, project), await store.count(org)], [0, 10]);
      await store.upsert(org, many(1));
      assert.equal(await store.count(org, project), 1);
    });

    it('drops all that an organization has, and makes new room for it', async () => {
      await store.upsert(org, many(10));
      await store.drop(org);
      assert.equal(await store.count(org), 0);
      assert.deepEqual(await nearest(vectorOf(1)), []);
      await store.drop(org);
      await store.ensure(org);
      assert.equal(await store.count(org), 0);
      await store.upsert(org, many(2));
      assert.equal(await store.count(org), 2);
    });

    it('takes thousands in one call', async () => {
      const all = many(2_600);
      await store.upsert(org, all);
      assert.equal(await store.count(org, project), 2_600);
      assert.equal((await nearest(vectorOf(2_599), 1))[0]!.digest, digestOf('text 2599'));
      await store.delete(org, project, digests(all.slice(0, 2_599)));
      assert.equal(await store.count(org, project), 1);
    });

    it('nothing to do is nothing done', async () => {
      await store.upsert(org, []);
      await store.delete(org, project, []);
      assert.equal(await store.count(org), 0);
    });

    it('refuses what is no vector, before anything is written', async () => {
      const fine = stored('fine', vectorOf(1));
      const withNumber = (value: number): Float32Array => vectorOf(2).fill(value, 7, 8);
      const wrong: Partial<StoredVector>[] = [
        { vector: new Float32Array(383).fill(0.05) },
        { vector: new Float32Array(385).fill(0.05) },
        { vector: new Float32Array() },
        { vector: withNumber(NaN) },
        { vector: withNumber(Infinity) },
        { vector: withNumber(-Infinity) },
        { vector: new Float32Array(dimensions) },
        ...['', 'a', 'g'.repeat(32), 'A'.repeat(32), `${digestOf('a')}0`, `${digestOf('a').slice(1)}'`].map(
          (digest) => ({
            digest,
          }),
        ),
        ...['', 'p', '*', "' OR '1'='1", `${randomUUID()}\0`, randomUUID().toUpperCase()].map((projectId) => ({
          projectId,
        })),
      ];
      for (const change of wrong) {
        const bad = { ...fine, ...change };
        const says = JSON.stringify({ ...change, vector: change.vector?.length });
        await assert.rejects(store.upsert(org, [fine, bad]), RangeError, says);
        if (change.digest === undefined)
          await assert.rejects(store.nearest(org, { ...bad, limit: 1 }), RangeError, says);
        if (change.digest !== undefined)
          for (const method of ['delete', 'find'] as const)
            await assert.rejects(store[method](org, project, [fine.digest, change.digest]), RangeError, says);
        if (change.projectId !== undefined) {
          await assert.rejects(store.read(org, change.projectId), RangeError, says);
          await assert.rejects(store.find(org, change.projectId, [fine.digest]), RangeError, says);
          await assert.rejects(store.count(org, change.projectId), RangeError, says);
          await assert.rejects(store.deleteProject(org, change.projectId), RangeError, says);
          await assert.rejects(store.delete(org, change.projectId, []), RangeError, says);
        }
      }
      for (const limit of [0, -1, 1.5, NaN, 1_001]) {
        await assert.rejects(nearest(vectorOf(1), limit), RangeError);
        await assert.rejects(store.read(org, project, { limit }), RangeError);
      }
      for (const after of ['', 'x', "'; DROP TABLE vectors", '-1'])
        await assert.rejects(store.read(org, project, { after }), RangeError, after);
      assert.equal(await store.count(org), 0);
    });

    it('200 writes at once, many of the same texts, end in one vector a text', async () => {
      const writes = Array.from({ length: 200 }, (_, i) => store.upsert(org, many(3, (i * 2) % 50)));
      await Promise.all(writes);
      // From 0 to 48 in steps of 2, each with the two after it.
      assert.equal(await store.count(org, project), 51);
      assert.equal((await nearest(vectorOf(30), 1))[0]!.digest, digestOf('text 30'));
    });

    it('writes, searches and deletions at once do not disturb each other', async () => {
      const other = await backend.newProject(org);
      await store.upsert(org, many(50));
      await Promise.all(
        Array.from({ length: 30 }, async (_, i) => {
          await store.upsert(org, many(2, i * 2, other));
          assert.equal((await nearest(vectorOf(i), 1))[0]!.digest, digestOf(`text ${i}`));
          if (i % 5 === 0) await store.deleteProject(org, other);
        }),
      );
      assert.equal(await store.count(org, project), 50);
    });

    it('is healthy', () => store.health());

    if (isRemote) {
      const everything = (hasty: VectorStore): [string, () => Promise<unknown>][] => [
        ['ensure', () => hasty.ensure(org)],
        ['upsert', () => hasty.upsert(org, many(1))],
        ['nearest', () => hasty.nearest(org, { projectId: project, vector: vectorOf(1), limit: 1 })],
        ['read', () => hasty.read(org, project)],
        ['find', () => hasty.find(org, project, [digestOf('a')])],
        ['count', () => hasty.count(org)],
        ['delete', () => hasty.delete(org, project, [digestOf('a')])],
        ['deleteProject', () => hasty.deleteProject(org, project)],
        ['drop', () => hasty.drop(org)],
        ['health', () => hasty.health()],
      ];

      for (const state of ['down', 'silent', 'garbage'] as const)
        it(`is unavailable while the line is ${state}, and works again afterwards`, async () => {
          const { network, hasty } = backend.remote!;
          await store.upsert(org, many(3));
          await network.set(state);
          try {
            const operations = everything(hasty);
            const outcomes = await Promise.allSettled(operations.map(([, work]) => work()));
            for (const [i, outcome] of outcomes.entries()) {
              const operation = operations[i]![0];
              assert.equal(outcome.status, 'rejected', operation);
              const { reason } = outcome as { reason: unknown };
              assert.ok(reason instanceof VectorStoreError && reason.isUnavailable, `${operation}: ${String(reason)}`);
            }
          } finally {
            await network.set('fine');
          }
          await store.health();
          assert.equal(await store.count(org, project), 3);
        });

      it('bears a line that breaks in the middle of many writes', async () => {
        const { network } = backend.remote!;
        const writes = Promise.all(Array.from({ length: 20 }, (_, i) => store.upsert(org, many(2, i * 2))));
        await network.set('down');
        await network.set('fine');
        await writes;
        assert.equal(await store.count(org, project), 40);
      });

      it('a slow line is waited for', async () => {
        const { network } = backend.remote!;
        network.delay(100);
        try {
          await store.upsert(org, many(1));
          assert.equal((await nearest(vectorOf(0), 1)).length, 1);
        } finally {
          network.delay(0);
        }
      });
    }
  });
}
