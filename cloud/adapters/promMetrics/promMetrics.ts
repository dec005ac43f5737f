import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { JobQueue, Metrics } from '../../ports/metrics.ts';

/** Seconds; the alerts look at 2 s, the figures at 0.15 s. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10];

/** Somebody seen within so long is active. */
const activeMs = 3_600_000;

const unknownQueue: JobQueue = { waiting: NaN, running: NaN, later: NaN, oldestSeconds: NaN };

export interface PromMetricsOptions {
  /** Of the connections to the database. */
  databaseLoad: () => { active: number; waiting: number; max: number };
  now?: () => number;
}

/** The measures of the seed, by the names it gives them, and those its alerts need. */
export function promMetrics({ databaseLoad, now = Date.now }: PromMetricsOptions): Metrics {
  const registers = [new Registry()];
  const requests = new Counter({
    name: 'api_requests_total',
    help: 'Requests by route and status',
    labelNames: ['endpoint', 'status'],
    registers,
  });
  const latency = new Histogram({
    name: 'api_latency_seconds',
    help: 'Time from a request to its reply',
    labelNames: ['endpoint'],
    buckets: latencyBuckets,
    registers,
  });
  const indexOperations = new Counter({
    name: 'index_operations_total',
    help: 'Index jobs that were taken up',
    labelNames: ['org_id'],
    registers,
  });
  const queryTokens = new Counter({
    name: 'query_tokens_total',
    help: 'Tokens of the answers to questions',
    labelNames: ['org_id'],
    registers,
  });
  const storage = new Gauge({
    name: 'storage_bytes',
    help: 'What an organization keeps',
    labelNames: ['org_id'],
    registers,
  });
  const limited = new Counter({
    name: 'api_limited_total',
    help: 'Requests that came too often',
    labelNames: ['scope'],
    registers,
  });
  const jobsEnded = new Counter({
    name: 'index_jobs_ended_total',
    help: 'Tries of index jobs, by how they ended',
    labelNames: ['status'],
    registers,
  });
  const jobs = new Gauge({
    name: 'index_jobs',
    help: 'Index jobs of all servers that are not over; each server says the same',
    labelNames: ['state'],
    registers,
  });
  const oldestJob = new Gauge({
    name: 'index_jobs_oldest_seconds',
    help: 'For how long the first index job that waits has been due',
    registers,
  });
  const dependencies = new Gauge({
    name: 'dependency_up',
    help: '1: the store answers this server',
    labelNames: ['dependency'],
    registers,
  });
  const ready = new Gauge({ name: 'server_ready', help: '1: this server wants requests', registers });
  for (const status of ['succeeded', 'failed', 'cancelled', 'tried_again']) jobsEnded.inc({ status }, 0);
  for (const scope of ['rate', 'quota']) limited.inc({ scope }, 0);
  const seen = new Map<string, number>();
  new Gauge({
    name: 'active_organizations',
    help: 'Organizations that asked something within an hour',
    registers,
    collect() {
      for (const [org, at] of seen) if (now() - at > activeMs) seen.delete(org);
      this.set(seen.size);
    },
  });
  new Gauge({
    name: 'database_connections',
    help: 'Connections to the database, by what they do; max is how many there may be',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(databaseLoad())) this.set({ state }, count);
    },
  });
  return {
    request: (endpoint, status, seconds, org) => {
      requests.inc({ endpoint, status });
      latency.observe({ endpoint }, seconds);
      if (org !== undefined) seen.set(org, now());
    },
    queryTokens: (org, tokens) => queryTokens.inc({ org_id: org }, tokens),
    indexOperation: (org) => indexOperations.inc({ org_id: org }),
    jobEnded: (status) => jobsEnded.inc({ status }),
    jobQueue: (queue) => {
      // A value that nobody knows any more would look like a quiet queue.
      const { waiting, running, later, oldestSeconds } = queue ?? unknownQueue;
      jobs.set({ state: 'waiting' }, waiting);
      jobs.set({ state: 'running' }, running);
      jobs.set({ state: 'later' }, later);
      oldestJob.set(oldestSeconds);
    },
    dependency: (name, isUp) => dependencies.set({ dependency: name }, Number(isUp)),
    ready: (isReady) => ready.set(Number(isReady)),
    storage: (org, bytes) => storage.set({ org_id: org }, bytes),
    limited: (scope) => limited.inc({ scope }),
    expose: async () => ({ contentType: registers[0]!.contentType, text: await registers[0]!.metrics() }),
  };
}
