import type { AppParts } from '../http/appTypes.ts';

/** Everything behind the app, opened; the same for every way to run it. */
export interface Stack extends Pick<
  AppParts,
  | 'database'
  | 'blobs'
  | 'vectors'
  | 'embedder'
  | 'analyzer'
  | 'context'
  | 'limits'
  | 'usage'
  | 'metrics'
  | 'identityProvider'
  | 'health'
> {
  /** No other server uses its database. */
  isAlone: boolean;
  /** After the last request: waits for what is being written. */
  close(): Promise<void>;
}
