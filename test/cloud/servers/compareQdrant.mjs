/**
 * Compares the stand-in for Qdrant with the local mode of Qdrant's own client for Python: the same changes, searches
 * and pages by chance on both, with what is refused. `pip install qdrant-client`, then
 * `node --import tsx test/cloud/servers/compareQdrant.mjs [SEED] [STEPS]`.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { startQdrant } from './qdrantServer.ts';

const [seed = 1, steps = 400] = process.argv.slice(2).map(Number);

/** Reads a line of JSON, does it, writes a line of JSON: { ok, result }. */
const python = `
import json, sys, warnings
warnings.filterwarnings('ignore')
from qdrant_client import QdrantClient, models as m
client = QdrantClient(':memory:')
def condition(f):
    return None if f is None else m.Filter(must=[m.FieldCondition(key='project_id', match=m.MatchValue(value=f))])
def run(op):
    kind, name = op['kind'], op['name']
    if kind == 'create':
        client.create_collection(name, vectors_config=m.VectorParams(size=op['size'], distance=m.Distance.COSINE)); return True
    if kind == 'drop': return client.delete_collection(name)
    if kind == 'exists': return client.collection_exists(name)
    if kind == 'upsert':
        client.upsert(name, [m.PointStruct(id=p['id'], vector=p['vector'], payload=p['payload']) for p in op['points']]); return True
    if kind == 'delete':
        client.delete(name, points_selector=op['ids'] if 'ids' in op else m.FilterSelector(filter=condition(op['project']))); return True
    if kind == 'count': return client.count(name, count_filter=condition(op['project']), exact=True).count
    if kind == 'query':
        found = client.query_points(name, query=op['vector'], query_filter=condition(op['project']), limit=op['limit'],
                                    with_payload=['digest'], search_params=m.SearchParams(exact=True)).points
        return [[p.id, p.score, p.payload] for p in found]
    if kind == 'retrieve':
        return sorted([p.id, list(p.vector), p.payload] for p in client.retrieve(name, op['ids'], with_payload=['digest'], with_vectors=True))
    if kind == 'scroll':
        points, after = client.scroll(name, scroll_filter=condition(op['project']), limit=op['limit'], offset=op['after'],
                                      with_payload=['digest'], with_vectors=True)
        return [[[p.id, list(p.vector), p.payload] for p in points], after]
for line in sys.stdin:
    try: answer = {'ok': True, 'result': run(json.loads(line))}
    except (ValueError, KeyError, AssertionError) as error: answer = {'ok': False, 'result': str(error)[:200]}
    print(json.dumps(answer), flush=True)
`;

let state = seed * 2_654_435_761 + 1;
function random(below) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}
const pick = (all) => all[random(all.length)];
const hex = (length) => Array.from({ length }, () => random(16).toString(16)).join('');
const newId = () => [8, 4, 4, 4, 12].map(hex).join('-');
const newVector = (size) => Array.from({ length: size }, () => Math.fround(random(2_001) / 1_000 - 1) + 0.0005);

const size = 16;
const names = ['org_a', 'org_b', 'org_c'];
const projects = ['p1', 'p2', 'p3'];
const ids = Array.from({ length: 60 }, newId);

function newOperation() {
  const name = pick(names);
  const project = pick([...projects, ...projects, null]);
  const point = () => {
    const id = pick(ids);
    return {
      id,
      vector: newVector(random(40) === 0 ? size + 1 : size),
      payload: { project_id: pick(projects), digest: id },
    };
  };
  const makers = {
    create: () => ({ size }),
    drop: () => ({}),
    exists: () => ({}),
    upsert: () => ({ points: Array.from({ length: 1 + random(12) }, point) }),
    delete: () => (random(3) > 0 ? { ids: [pick(ids), pick(ids)] } : { project: pick(projects) }),
    count: () => ({ project }),
    query: () => ({ vector: newVector(random(40) === 0 ? size - 1 : size), project, limit: 1 + random(20) }),
    retrieve: () => ({ ids: [...new Set(Array.from({ length: 1 + random(9) }, () => pick(ids)))] }),
    scroll: () => ({ project, limit: 1 + random(9), after: random(2) === 0 ? null : pick(ids) }),
  };
  const kind = pick(
    ['create', 'create', 'drop', 'exists', 'count', 'count', 'delete', 'delete'].concat(
      ...Array.from({ length: 5 }, () => ['upsert', 'query', 'scroll', 'retrieve']),
    ),
  );
  return { kind, name, ...makers[kind]() };
}

const server = await startQdrant();
async function ask(method, path, body) {
  const answer = await fetch(server.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const content = await answer.json();
  return answer.status === 200 ? { ok: true, result: content.result } : { ok: false, result: content.status.error };
}
const filterOf = (project) =>
  project === null ? {} : { filter: { must: [{ key: 'project_id', match: { value: project } }] } };

async function onServer(op) {
  const at = `/collections/${op.name}`;
  const done = (answer) => (answer.ok ? { ok: true, result: true } : answer);
  switch (op.kind) {
    case 'create': {
      const answer = await ask('PUT', at, { vectors: { size: op.size, distance: 'Cosine' } });
      if (answer.ok) await ask('PUT', `${at}/index?wait=true`, { field_name: 'project_id', field_schema: 'keyword' });
      return answer;
    }
    case 'drop':
      return ask('DELETE', at);
    case 'exists': {
      const { ok, result } = await ask('GET', `${at}/exists`);
      return { ok, result: result.exists };
    }
    case 'upsert':
      return done(await ask('PUT', `${at}/points?wait=true`, { points: op.points }));
    case 'delete':
      return done(
        await ask('POST', `${at}/points/delete?wait=true`, op.ids ? { points: op.ids } : filterOf(op.project)),
      );
    case 'count': {
      const { ok, result } = await ask('POST', `${at}/points/count`, { exact: true, ...filterOf(op.project) });
      return { ok, result: ok ? result.count : result };
    }
    case 'query': {
      const body = { query: op.vector, limit: op.limit, params: { exact: true }, with_payload: ['digest'] };
      const { ok, result } = await ask('POST', `${at}/points/query`, { ...body, ...filterOf(op.project) });
      return { ok, result: ok ? result.points.map(({ id, score, payload }) => [id, score, payload]) : result };
    }
    case 'retrieve': {
      const body = { ids: op.ids, with_payload: ['digest'], with_vector: true };
      const { ok, result } = await ask('POST', `${at}/points`, body);
      const points = ok ? result.map(({ id, vector, payload }) => [id, vector, payload]) : result;
      return { ok, result: ok ? points.sort(([a], [b]) => (a < b ? -1 : 1)) : points };
    }
    case 'scroll': {
      const body = { limit: op.limit, offset: op.after, with_payload: ['digest'], with_vector: true };
      const { ok, result } = await ask('POST', `${at}/points/scroll`, { ...body, ...filterOf(op.project) });
      const points = ok ? result.points.map(({ id, vector, payload }) => [id, vector, payload]) : [];
      return { ok, result: ok ? [points, result.next_page_offset] : result };
    }
  }
}

/** Numbers agree to a rounding of 32 bits. */
function isSame(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) < 1e-5;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(a[key], b[key]));
}

const child = spawn('python3', ['-c', python], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const counts = {};
let different = 0;
for (let step = 0; step < steps; step++) {
  const op = newOperation();
  const ours = await onServer(op);
  child.stdin.write(`${JSON.stringify(op)}\n`);
  const theirs = JSON.parse((await lines.next()).value);
  const kind = `${op.kind} ${theirs.ok ? 'done' : 'refused'}`;
  counts[kind] = (counts[kind] ?? 0) + 1;
  if (ours.ok === theirs.ok && (!ours.ok || isSame(ours.result, theirs.result))) continue;
  different++;
  console.log(
    'different:',
    JSON.stringify(op).slice(0, 160),
    '\n  ours  ',
    JSON.stringify(ours).slice(0, 300),
    '\n  theirs',
    JSON.stringify(theirs).slice(0, 300),
  );
}
child.stdin.end();
await server.close();
console.log(counts);
for (const fault of server.faults.slice(0, 5)) console.log('against the contract:', fault);
console.log(`seed ${seed}: ${steps} operations, ${different} different, ${server.faults.length} against the contract`);
process.exitCode = different + server.faults.length > 0 ? 1 : 0;
