/** Everything that crosses the border of the cloud's HTTP API. */
export * from './auth.ts';
export * from './common.ts';
export * from './context.ts';
export * from './indexing.ts';
export * from './keys.ts';
export * from './organization.ts';
export * from './projects.ts';
export * from './snapshots.ts';
export * from './usage.ts';
