/** Asks the platform from a process of its own, so that measuring and being measured do not share a thread. */
import http from 'node:http';

export interface LoadTask {
  address: string;
  key: string;
  method: 'GET' | 'POST';
  /** Each request takes the next one of these, over and over. */
  requests: { path: string; body?: string }[];
  connections: number;
  /** Ends after so many requests, or so much time. */
  count: number;
  seconds: number;
  /** Milliseconds that a connection waits between two requests. */
  pauseMs?: number;
  /** As most clients do. */
  gzip?: boolean;
}

export interface LoadResult {
  /** Milliseconds from sending a request to the end of its reply. */
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

  const ask = ({ path, body }: LoadTask['requests'][number]): Promise<void> =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const options = { agent, hostname, port, path, method: task.method, headers: { ...headers, ...length } };
      const request = http.request(options, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          result.times.push(performance.now() - started);
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

  const connection = async (): Promise<void> => {
    while (next < task.count && performance.now() < until) {
      await ask(task.requests[next++ % task.requests.length]!);
      if (task.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, task.pauseMs));
    }
  };

  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: task.connections }, connection));
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
