/**
 * A stand-in for Qdrant in memory: collections, points, filters by keyword, exact search by cosine, scroll, count and
 * deletion. Each request and reply is checked against Qdrant's contract; what breaks it is remembered in `faults`.
 * Where Qdrant promises nothing, it does the less convenient: equally near points come in no good order, a change
 * without `wait` is seen later, and a filter needs an index, as in Qdrant's strict mode.
 */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { loadQdrantContract } from './qdrantContract.ts';

/** Answers one request in place of the server. */
export type QdrantFault = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface QdrantServer {
  url: string;
  port: number;
  /** What was not as the contract says. */
  faults: string[];
  requests: { method: string; path: string; bytes: number }[];
  /** Names of the collections. */
  collections(): string[];
  next(...faults: QdrantFault[]): void;
  close(): Promise<void>;
}

interface Point {
  id: string;
  /** Of length 1 where the distance is a cosine, in floats of 32 bits. */
  vector: Float32Array;
  payload: Record<string, unknown>;
  version: number;
}

interface Collection {
  size: number;
  distance: string;
  hnsw: Record<string, unknown>;
  indexes: Map<string, unknown>;
  points: Map<string, Point>;
  operations: number;
}

interface Condition {
  key: string;
  match: { value: unknown };
}
interface Filter {
  must?: Condition[];
}

/** What bodies of all requests hold, as far as it is looked at; the contract says which have what. */
interface Body {
  vectors: { size: number; distance: string };
  hnsw_config?: Record<string, unknown>;
  field_name: string;
  field_schema: unknown;
  /** Of a deletion they are ids. */
  points?: { id: string; vector: number[]; payload?: Record<string, unknown> }[];
  query: number[];
  filter?: Filter | null;
  params?: { exact?: boolean };
  limit?: number;
  with_payload?: boolean | string[];
  with_vector?: boolean;
}

interface Incoming {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Checked before anything reads it. */
  body: Body;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function normalised(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

function checkSize(vector: readonly number[], { size }: Collection): void {
  if (vector.length !== size)
    throw new Refusal(400, `Wrong input: Vector dimension error: expected dim: ${size}, got ${vector.length}`);
}

function matching(collection: Collection, filter: Filter | undefined | null): Point[] {
  const conditions = filter?.must ?? [];
  const known = Object.keys(filter ?? {}).every((name) => name === 'must');
  if (!known) throw new Refusal(501, 'the stand-in knows no filter but must');
  for (const { key } of conditions)
    if (!collection.indexes.has(key))
      throw new Refusal(400, `Bad request: Index required but not found for "${key}" of type "keyword"`);
  return [...collection.points.values()].filter(({ payload }) =>
    conditions.every(({ key, match }) => payload[key] === match.value),
  );
}

function payloadOf({ payload }: Point, selection: unknown): Record<string, unknown> | undefined {
  if (selection === true) return payload;
  if (!Array.isArray(selection)) return undefined;
  return Object.fromEntries(Object.entries(payload).filter(([name]) => selection.includes(name)));
}

function withParts(point: Point, { with_payload: payload, with_vector: vector }: Body) {
  const selected = payloadOf(point, payload);
  return {
    ...(selected === undefined ? {} : { payload: selected }),
    ...(vector === true ? { vector: Array.from(point.vector) } : {}),
  };
}

/** Everything as a 32-bit float, added up in one order. */
function similarity(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.fround(sum);
}

const byId = (a: Point, b: Point): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

export interface QdrantSettings {
  apiKey?: string;
  /** Whether requests and replies are held against the contract, which takes longer than all else; default true. */
  isChecked?: boolean;
}

export async function startQdrant({ apiKey, isChecked = true }: QdrantSettings = {}): Promise<QdrantServer> {
  const collections = new Map<string, Collection>();
  const contract = loadQdrantContract();
  const interruptions: QdrantFault[] = [];
  const sockets = new Set<Socket>();

  function collectionOf(name: string): Collection {
    const found = collections.get(name);
    if (found === undefined) throw new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`);
    return found;
  }

  /** Without `wait` a change is written down now and done later. */
  function change(collection: Collection, query: URLSearchParams, work: () => void): unknown {
    const operation = { operation_id: collection.operations++ };
    if (query.get('wait') !== 'true') {
      setTimeout(work, 50);
      return { ...operation, status: 'acknowledged' };
    }
    work();
    return { ...operation, status: 'completed' };
  }

  function create(name: string, body: Body): boolean {
    if (collections.has(name)) throw new Refusal(409, `Wrong input: Collection \`${name}\` already exists!`);
    collections.set(name, {
      size: body.vectors.size,
      distance: body.vectors.distance,
      hnsw: body.hnsw_config ?? {},
      indexes: new Map(),
      points: new Map(),
      operations: 0,
    });
    return true;
  }

  function describe({ size, distance, hnsw, indexes, points }: Collection): unknown {
    return {
      status: 'green',
      optimizer_status: 'ok',
      indexed_vectors_count: 0,
      points_count: points.size,
      segments_count: 1,
      config: {
        params: { vectors: { size, distance }, shard_number: 1, replication_factor: 1, write_consistency_factor: 1 },
        hnsw_config: { m: 16, ef_construct: 100, full_scan_threshold: 10_000, ...hnsw },
        optimizer_config: {
          deleted_threshold: 0.2,
          vacuum_min_vector_number: 1_000,
          default_segment_number: 0,
          flush_interval_sec: 5,
        },
        wal_config: { wal_capacity_mb: 32, wal_segments_ahead: 0 },
        quantization_config: null,
      },
      payload_schema: Object.fromEntries(
        [...indexes].map(([name, params]) => [name, { data_type: 'keyword', params, points: points.size }]),
      ),
    };
  }

  function upsert(collection: Collection, { query, body }: Incoming): unknown {
    const points = body.points ?? [];
    for (const { id, vector } of points) {
      if (typeof id === 'string' && !uuid.test(id))
        throw new Refusal(400, `Format error in JSON body: value ${id} is not a valid point ID`);
      checkSize(vector, collection);
    }
    return change(collection, query, () => {
      for (const { id, vector, payload } of points) {
        const floats = Float32Array.from(vector);
        const stored = collection.distance === 'Cosine' ? normalised(floats) : floats;
        collection.points.set(id, { id, vector: stored, payload: payload ?? {}, version: collection.operations });
      }
    });
  }

  function remove(collection: Collection, { query, body }: Incoming): unknown {
    const named = body.points as unknown as string[] | undefined;
    const ids = named ?? matching(collection, body.filter).map(({ id }) => id);
    return change(collection, query, () => {
      for (const id of ids) collection.points.delete(id);
    });
  }

  function search(collection: Collection, { body }: Incoming): unknown {
    checkSize(body.query, collection);
    if (body.params?.exact !== true) throw new Refusal(501, 'the stand-in searches exactly and no other way');
    const query = normalised(Float32Array.from(body.query));
    const points = matching(collection, body.filter)
      .map((point) => ({ point, score: similarity(query, point.vector) }))
      // Equally near ones come by the end of their ids.
      .sort((a, b) => b.score - a.score || (a.point.id.slice(-4) < b.point.id.slice(-4) ? -1 : 1))
      .slice(0, body.limit ?? 10)
      .map(({ point, score }) => ({ id: point.id, version: point.version, score, ...withParts(point, body) }));
    return { points };
  }

  function scroll(collection: Collection, body: Body & { offset?: string | null }): unknown {
    const limit = body.limit ?? 10;
    const found = matching(collection, body.filter)
      .sort(byId)
      .filter(({ id }) => id >= (body.offset ?? ''));
    const page = found.slice(0, limit).map((point) => ({ id: point.id, ...withParts(point, body) }));
    return { points: page, next_page_offset: found[limit]?.id ?? null };
  }

  function retrieve(collection: Collection, body: Body & { ids: string[] }): unknown {
    const found = body.ids.map((id) => collection.points.get(id)).filter((point) => point !== undefined);
    // In no order that anybody asked for.
    return found.reverse().map((point) => ({ id: point.id, ...withParts(point, body) }));
  }

  const operations: Record<string, (name: string, incoming: Incoming) => unknown> = {
    'GET ': (name) => describe(collectionOf(name)),
    'PUT ': (name, { body }) => create(name, body),
    'DELETE ': (name) => collections.delete(name),
    'GET /exists': (name) => ({ exists: collections.has(name) }),
    'PUT /index': (name, { query, body }) =>
      change(collectionOf(name), query, () => collectionOf(name).indexes.set(body.field_name, body.field_schema)),
    'PUT /points': (name, incoming) => upsert(collectionOf(name), incoming),
    'POST /points': (name, { body }) => retrieve(collectionOf(name), body as Body & { ids: string[] }),
    'POST /points/delete': (name, incoming) => remove(collectionOf(name), incoming),
    'POST /points/query': (name, incoming) => search(collectionOf(name), incoming),
    'POST /points/scroll': (name, { body }) => scroll(collectionOf(name), body),
    'POST /points/count': (name, { body }) => ({ count: matching(collectionOf(name), body.filter).length }),
  };

  /** What is said, and whether it was a request that Qdrant knows. */
  function answerTo(incoming: Incoming): { status: number; body: unknown } {
    const [, name = '', rest = ''] = /^\/collections\/([^/]+)(.*)$/.exec(incoming.path) ?? [];
    const broken = isChecked ? contract.checkRequest(incoming) : [];
    server.faults.push(...broken.map((fault) => `${incoming.method} ${incoming.path}: ${fault}`));
    try {
      if (broken.length > 0) throw new Refusal(400, `Format error in JSON body: ${broken.join('; ')}`);
      const operation = operations[`${incoming.method} ${rest}`];
      if (operation === undefined) throw new Refusal(404, 'there is no such operation');
      return { status: 200, body: { result: operation(name, incoming), status: 'ok', time: 0.0001 } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, body: { status: { error: error.message }, time: 0.0001 } };
    }
  }

  function parse(text: string): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      server.faults.push(`this is no JSON: ${String(error)}`);
      return null;
    }
  }

  async function onRequest(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://qdrant');
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    server.requests.push({ method, path: pathname, bytes: text.length });
    const interruption = interruptions.shift();
    if (interruption !== undefined) return interruption(request, response);
    if (apiKey !== undefined && headers['api-key'] !== apiKey)
      return void response.writeHead(401, { 'Content-Type': 'text/plain' }).end('Must provide an API key');
    const { status, body } = answerTo({ method, path: pathname, query: searchParams, body: parse(text) as Body });
    const written: unknown = JSON.parse(JSON.stringify(body));
    const broken = isChecked ? contract.checkReply({ method, path: pathname }, status, written) : [];
    server.faults.push(...broken.map((fault) => `${method} ${pathname}: ${fault}`));
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  }

  const listener = http.createServer((request, response) => {
    onRequest(request, response).catch((error: unknown) => {
      server.faults.push(String(error));
      response.destroy();
    });
  });
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const server: QdrantServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    faults: [],
    requests: [],
    collections: () => [...collections.keys()].sort(),
    next: (...more) => void interruptions.push(...more),
    close: () =>
      new Promise((done) => {
        listener.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;
}
