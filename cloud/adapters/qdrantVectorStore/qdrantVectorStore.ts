import { isUuid, type OrgId } from '../../ports/organization.ts';
import {
  VectorStoreError,
  type NearestQuery,
  type Neighbour,
  type StoredVector,
  type VectorPage,
  type VectorStore,
} from '../../ports/vectorStore.ts';
import {
  checkDigests,
  checkFound,
  checkedVectors,
  checkProject,
  checkQuery,
  checkReadLimit,
  isDigest,
  mostRead,
} from '../rules/vectorRules.ts';
import { pointId } from './pointId.ts';
import { createQdrantClient, nonsense, type QdrantClientOptions } from './qdrantClient.ts';

export interface QdrantVectorStoreOptions extends QdrantClientOptions {
  /** Of the vectors; default 384. */
  dimensions?: number;
}

/** Of one request: about 1.3 MB at 384 dimensions, far below the 32 MB that Qdrant takes. */
const pointsOfUpsert = 256;
const idsOfDeletion = 5_000;
/** Beyond the limit, to see whether those at its edge are equally near. */
const spareNeighbours = 8;
/** Where more than these are equally near, it is left to Qdrant which of them are given. */
const mostAsked = 16_384;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Nine digits are all that a float of 32 bits has; JSON would write up to 17. */
const numbersOf = (vector: Float32Array): number[] => Array.from(vector, (value) => Number(value.toPrecision(9)));

const ofProject = (projectId: string) => ({ must: [{ key: 'project_id', match: { value: projectId } }] });

function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

function neighbourOf(point: unknown): Neighbour {
  if (!isObject(point) || !isObject(point['payload'])) throw nonsense('find neighbours');
  const { score, payload } = point;
  const { digest } = payload;
  if (typeof score !== 'number' || !isDigest(digest)) throw nonsense('find neighbours');
  return { digest, similarity: score };
}

function storedVectorOf(point: unknown, projectId: string, dimensions: number): StoredVector {
  if (!isObject(point) || !isObject(point['payload'])) throw nonsense('read vectors');
  const { vector, payload } = point;
  const { digest } = payload;
  const isVector = Array.isArray(vector) && vector.length === dimensions && vector.every(Number.isFinite);
  if (!isVector || !isDigest(digest)) throw nonsense('read vectors');
  return { projectId, digest, vector: Float32Array.from(vector as number[]) };
}

const byRank = (a: Neighbour, b: Neighbour): number => b.similarity - a.similarity || (a.digest < b.digest ? -1 : 1);

/**
 * Vectors in Qdrant (1.10 or newer), a collection for each organization. Qdrant makes vectors of length 1 itself, which
 * changes the last digit of some. There is no graph for approximate search, since all search is exact: over the points
 * of one project, which an index of the payload finds.
 */
export function qdrantVectorStore(options: QdrantVectorStoreOptions): VectorStore {
  const { dimensions = 384 } = options;
  const qdrant = createQdrantClient(options);
  const pathOf = (org: OrgId, rest = ''): string => `/collections/org_${org}${rest}`;

  /** The description of a collection; undefined where there is none. */
  async function describe(org: OrgId): Promise<Record<string, unknown> | undefined> {
    const action = 'describe a collection';
    const { status, result } = await qdrant.ask(action, { method: 'GET', path: pathOf(org), alsoExpected: [404] });
    if (status === 404) return undefined;
    if (!isObject(result)) throw nonsense(action);
    return result;
  }

  async function create(org: OrgId): Promise<void> {
    const body = { vectors: { size: dimensions, distance: 'Cosine' }, hnsw_config: { m: 0 } };
    await qdrant.ask('create a collection', {
      method: 'PUT',
      path: pathOf(org),
      body: JSON.stringify(body),
      // Another server was faster; older versions say 400.
      alsoExpected: [409, 400],
    });
  }

  function checkCollection(description: Record<string, unknown>): void {
    const config = isObject(description['config']) ? description['config'] : {};
    const params = isObject(config['params']) ? config['params'] : {};
    const vectors = isObject(params['vectors']) ? params['vectors'] : {};
    if (vectors['size'] !== dimensions || vectors['distance'] !== 'Cosine')
      throw new VectorStoreError(
        `the collection of the organization is not one of ${dimensions} dimensions by cosine`,
        { isUnavailable: false },
      );
  }

  const hasIndex = ({ payload_schema: schema }: Record<string, unknown>): boolean =>
    isObject(schema) && isObject(schema['project_id']);

  /** A change that later searches see: it is complete, not only written down. */
  async function change(action: string, org: OrgId, request: { method: 'PUT' | 'POST'; at: string; body: object }) {
    const { status, result } = await qdrant.ask(action, {
      method: request.method,
      path: pathOf(org, request.at),
      query: '?wait=true',
      body: JSON.stringify(request.body),
      alsoExpected: [404],
    });
    if (status === 404) return false;
    if (!isObject(result) || typeof result['status'] !== 'string') throw nonsense(action);
    if (result['status'] !== 'completed')
      throw new VectorStoreError(`the vector store is too busy to ${action} in time`, { isUnavailable: true });
    return true;
  }

  async function addIndex(org: OrgId): Promise<void> {
    const body = { field_name: 'project_id', field_schema: { type: 'keyword', is_tenant: true } };
    await change('index projects', org, { method: 'PUT', at: '/index', body });
  }

  /** Points, or undefined where the organization has no collection. */
  async function search(
    org: OrgId,
    { projectId, vector }: NearestQuery,
    limit: number,
  ): Promise<unknown[] | undefined> {
    const action = 'find neighbours';
    const body = {
      query: numbersOf(vector),
      filter: ofProject(projectId),
      params: { exact: true },
      limit,
      with_payload: ['digest'],
      with_vector: false,
    };
    const { status, result } = await qdrant.ask(action, {
      method: 'POST',
      path: pathOf(org, '/points/query'),
      body: JSON.stringify(body),
      alsoExpected: [404],
    });
    if (status === 404) return undefined;
    if (!isObject(result) || !Array.isArray(result['points']) || result['points'].length > limit)
      throw nonsense(action);
    return result['points'] as unknown[];
  }

  /**
   * Qdrant cuts off at the limit wherever that falls among equally near ones: more are asked for until the edge is
   * seen, and then ordered and cut here.
   */
  async function nearest(org: OrgId, query: NearestQuery): Promise<Neighbour[]> {
    const { limit } = query;
    for (let asked = limit + spareNeighbours; ; asked = Math.min(asked * 4, mostAsked)) {
      const points = await search(org, query, asked);
      const found = (points ?? []).map(neighbourOf).sort(byRank);
      const isEdgeSeen = found.length < asked || found[limit - 1]!.similarity > found.at(-1)!.similarity;
      if (isEdgeSeen || asked === mostAsked) return found.slice(0, limit);
    }
  }

  async function scroll(org: OrgId, projectId: string, after: string | undefined, limit: number): Promise<VectorPage> {
    const action = 'read vectors';
    const body = {
      filter: ofProject(projectId),
      limit,
      with_payload: ['digest'],
      with_vector: true,
      ...(after === undefined ? {} : { offset: after }),
    };
    const { status, result } = await qdrant.ask(action, {
      method: 'POST',
      path: pathOf(org, '/points/scroll'),
      body: JSON.stringify(body),
      alsoExpected: [404],
    });
    if (status === 404) return { vectors: [], next: null };
    if (!isObject(result) || !Array.isArray(result['points'])) throw nonsense(action);
    const next = result['next_page_offset'] ?? null;
    if (next !== null && !(typeof next === 'string' && isUuid(next))) throw nonsense(action);
    return { vectors: result['points'].map((point) => storedVectorOf(point, projectId, dimensions)), next };
  }

  async function retrieve(org: OrgId, projectId: string, digests: readonly string[]): Promise<StoredVector[]> {
    const action = 'look vectors up';
    const ids = digests.map((digest) => pointId(projectId, digest));
    const { status, result } = await qdrant.ask(action, {
      method: 'POST',
      path: pathOf(org, '/points'),
      body: JSON.stringify({ ids, with_payload: ['digest'], with_vector: true }),
      alsoExpected: [404],
    });
    if (status === 404) return [];
    if (!Array.isArray(result) || result.length > digests.length) throw nonsense(action);
    const asked = new Set(digests);
    return result.map((point) => {
      const vector = storedVectorOf(point, projectId, dimensions);
      if (!asked.has(vector.digest)) throw nonsense(action);
      return vector;
    });
  }

  return {
    dimensions,
    async ensure(org) {
      let found = await describe(org);
      if (found === undefined) {
        await create(org);
        found = await describe(org);
      }
      if (found === undefined)
        throw new VectorStoreError('the vector store does not make a collection', { isUnavailable: false });
      checkCollection(found);
      if (!hasIndex(found)) await addIndex(org);
    },
    async drop(org) {
      await qdrant.ask('drop a collection', { method: 'DELETE', path: pathOf(org), alsoExpected: [404] });
    },
    async upsert(org, vectors) {
      const points = checkedVectors(vectors, dimensions).map(({ projectId, digest, vector }) => ({
        id: pointId(projectId, digest),
        vector: numbersOf(vector),
        payload: { project_id: projectId, digest },
      }));
      for (const piece of pieces(points, pointsOfUpsert)) {
        const isThere = await change('write vectors', org, { method: 'PUT', at: '/points', body: { points: piece } });
        if (!isThere)
          throw new VectorStoreError('the organization has no room in the vector store yet', { isUnavailable: false });
      }
    },
    async delete(org, projectId, digests) {
      checkProject(projectId);
      checkDigests(digests);
      const ids = digests.map((digest) => pointId(projectId, digest));
      for (const piece of pieces(ids, idsOfDeletion))
        await change('delete vectors', org, { method: 'POST', at: '/points/delete', body: { points: piece } });
    },
    async deleteProject(org, projectId) {
      checkProject(projectId);
      const body = { filter: ofProject(projectId) };
      await change('delete the vectors of a project', org, { method: 'POST', at: '/points/delete', body });
    },
    async nearest(org, query) {
      checkQuery(query, dimensions);
      return nearest(org, query);
    },
    async find(org, projectId, digests) {
      checkProject(projectId);
      checkFound(digests);
      return digests.length === 0 ? [] : retrieve(org, projectId, digests);
    },
    async read(org, projectId, { after, limit = mostRead } = {}) {
      checkProject(projectId);
      checkReadLimit(limit);
      if (after !== undefined && !isUuid(after)) throw new RangeError('vectors are read on after a page of theirs');
      return scroll(org, projectId, after, limit);
    },
    async count(org, projectId) {
      const action = 'count vectors';
      if (projectId !== undefined) checkProject(projectId);
      const body = { exact: true, ...(projectId === undefined ? {} : { filter: ofProject(projectId) }) };
      const { status, result } = await qdrant.ask(action, {
        method: 'POST',
        path: pathOf(org, '/points/count'),
        body: JSON.stringify(body),
        alsoExpected: [404],
      });
      if (status === 404) return 0;
      if (!isObject(result) || typeof result['count'] !== 'number') throw nonsense(action);
      return result['count'];
    },
    async health() {
      // Of a collection that nobody has: unlike its health page, this needs the key.
      const path = '/collections/org_00000000-0000-0000-0000-000000000000/exists';
      const { result } = await qdrant.ask('answer', { method: 'GET', path });
      if (!isObject(result) || typeof result['exists'] !== 'boolean') throw nonsense('answer');
    },
    async close() {},
  };
}
