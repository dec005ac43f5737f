/** Asks the platform from a process of its own, so that measuring and being measured do not share a thread. */
import http from 'node:http';

export interface LoadTask {
  address: string;
  key: string;
  method: 'GET' | 'POST';
  /** Each request takes the next one of these, over and over. */
  requests: readonly { path: string; body?: string }[];
  connections: number;
  /** Ends after so many requests, or so much time. */
  count: number;
  seconds: number;
  /** Requests a second of all connections together, evenly; without it each sends the next when it has its reply. */
  perSecond?: number;
  /** As most clients do. */
  gzip?: boolean;
}

export interface LoadResult {
  /** Milliseconds from when a request was due to the end of its reply: one that is sent late was waited for as well. */
  times: number[];
  seconds: number;
  /** Processor time of this process. */
  cpuSeconds: number;
  bytes: number;
  /** Replies that were made before for the same question. */
  cached: number;
  /** Other replies than 200, by status, with the first one of each. */
  faults: Record<string, { count: number; first: string }>;
}

/** A server that does not keep up is not asked all that was due. */
const graceMs = 3_000;

async function run(task: LoadTask): Promise<LoadResult> {
  const { hostname, port } = new URL(task.address);
  const agent = new http.Agent({ keepAlive: true, maxSockets: task.connections });
  const result: LoadResult = { times: [], seconds: 0, cpuSeconds: 0, bytes: 0, cached: 0, faults: {} };
  const headers = {
    authorization: `Bearer ${task.key}`,
    ...(task.gzip === true ? { 'accept-encoding': 'gzip' } : {}),
    ...(task.method === 'POST' ? { 'content-type': 'application/json' } : {}),
  };
  const until = performance.now() + task.seconds * 1000;
  let next = 0;

  const ask = ({ path, body }: LoadTask['requests'][number], dueAt: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const options = { agent, hostname, port, path, method: task.method, headers: { ...headers, ...length } };
      const request = http.request(options, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          result.times.push(performance.now() - dueAt);
          const status = String(response.statusCode);
          for (const { length: bytes } of pieces) result.bytes += bytes;
          if (status !== '200') {
            const fault = (result.faults[status] ??= { count: 0, first: Buffer.concat(pieces).toString() });
            fault.count++;
          } else if (pieces.at(-1)?.includes('"cache_hit":true') === true) result.cached++;
          resolve();
        });
      });
      request.on('error', reject);
      request.end(body);
    });

  const eachMs = task.perSecond === undefined ? 0 : 1000 / task.perSecond;
  const connection = async (number: number): Promise<void> => {
    let dueAt = performance.now() + number * eachMs;
    while (next < task.count && dueAt < until && performance.now() < until + graceMs) {
      const early = dueAt - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      await ask(task.requests[next++ % task.requests.length]!, dueAt);
      dueAt = eachMs === 0 ? performance.now() : dueAt + eachMs * task.connections;
    }
  };

  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: task.connections }, (_, number) => connection(number)));
  result.seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  result.cpuSeconds = (user + system) / 1e6;
  agent.destroy();
  return result;
}

process.on('message', (task: LoadTask) => {
  run(task).then(
    (result) => process.send!(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
