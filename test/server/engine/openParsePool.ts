import { assetsDir } from '../../../server/engine/assets.ts';
import { createParsePool, type ParsePool } from '../../../server/indexing/parsePool.ts';

/** The real parser of a folder, with one thread. */
export const openParsePool = (root: string): ParsePool =>
  createParsePool({
    assetsDir,
    root,
    workers: 1,
    maxFileKb: 1024,
    parseTimeoutMs: 10_000,
    log: () => undefined,
  });
