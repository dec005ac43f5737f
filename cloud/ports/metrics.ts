/** The measures of the platform. Labels come from bounded sets: route patterns, statuses, organizations that exist. */
export interface Metrics {
  /** `endpoint` is the pattern of the route, never the path of the request. */
  request(endpoint: string, status: number, seconds: number, org: string | undefined): void;
  queryTokens(org: string, tokens: number): void;
  indexOperation(org: string): void;
  storage(org: string, bytes: number): void;
  limited(scope: 'rate' | 'quota'): void;
  /** The text format of Prometheus, and its content type. */
  expose(): Promise<{ contentType: string; text: string }>;
}
