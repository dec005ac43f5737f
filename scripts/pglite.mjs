/** The embedded database of the cloud as it lies beside the program: what Node loads and what that reads, no more. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { shortManifest } from './onnxRuntime.mjs';

/** Files of each package. */
export const pgliteFiles = {
  '@electric-sql/pglite': ['dist/index.cjs', 'dist/pglite.wasm', 'dist/pglite.data', 'dist/initdb.wasm'],
  '@electric-sql/pglite-pgvector': ['dist/index.cjs', 'dist/vector.tar.gz'],
};

/** Names relative to a node_modules folder, and contents. */
export function pglitePackageFiles(root) {
  return Object.entries(pgliteFiles).flatMap(([name, files]) => {
    const folder = path.join(root, 'node_modules', name);
    const contents = files.map((file) => ({ name: `${name}/${file}`, content: readFileSync(path.join(folder, file)) }));
    return [{ name: `${name}/package.json`, content: shortManifest(folder) }, ...contents];
  });
}
