import { existsSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;

/**
 * The folder with the worker bundles, grammars and WebAssembly files: beside the bundle that runs,
 * or dist/ when this module runs from source.
 */
export const assetsDir: string = existsSync(path.join(here, 'storeWorker.cjs'))
  ? here
  : path.resolve(here, '../../dist');
