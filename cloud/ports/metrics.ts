/** Jobs of the index, of all organizations. */
export interface JobQueue {
  /** Could be at work now. */
  waiting: number;
  running: number;
  /** To be tried again after a while. */
  later: number;
  /** For how long the first of those that wait has been due. */
  oldestSeconds: number;
}

/** The measures of the platform. Labels come from bounded sets: route patterns, statuses, organizations that exist. */
export interface Metrics {
  /** `endpoint` is the pattern of the route, never the path of the request. */
  request(endpoint: string, status: number, seconds: number, org: string | undefined): void;
  queryTokens(org: string, tokens: number): void;
  indexOperation(org: string): void;
  /** How a try of an index job ended. */
  jobEnded(as: 'succeeded' | 'failed' | 'cancelled' | 'tried_again'): void;
  /** Undefined: the database does not say. */
  jobQueue(queue: JobQueue | undefined): void;
  /** A store that requests need, by the name it has in the readiness. */
  dependency(name: string, isUp: boolean): void;
  ready(isReady: boolean): void;
  storage(org: string, bytes: number): void;
  limited(scope: 'rate' | 'quota'): void;
  /** The text format of Prometheus, and its content type. */
  expose(): Promise<{ contentType: string; text: string }>;
}
