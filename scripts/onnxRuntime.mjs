/**
 * The runtime of the embedding model as it is shipped: onnxruntime-node and onnxruntime-common, without what does not
 * run (sources, types, maps, installers) and with the binaries of one platform. Its add-on cannot be bundled.
 *
 * Of the Windows libraries only onnxruntime.dll is taken: by the import tables, the ones for graphics cards are loaded
 * when a graphics card is asked for, which the product does not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { targets } from './targets.mjs';

export const runtimePackages = ['onnxruntime-node', 'onnxruntime-common'];

/** What Node needs to find a module. Its exports may name files that are left out. */
export function shortManifest(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const kept = ['name', 'version', 'license', 'type', 'main', 'exports'].filter((key) => manifest[key] !== undefined);
  return JSON.stringify(Object.fromEntries(kept.map((key) => [key, manifest[key]])), null, 2) + '\n';
}

/** Names relative to a node_modules folder, and contents; none for a platform that the runtime does not support. */
export function onnxRuntimeFiles(root, target) {
  const runtime = targets[target]?.runtime ?? null;
  if (runtime === null) return [];
  const folderOf = (name) => path.join(root, 'node_modules', name);
  const read = (name) => ({ name, content: readFileSync(folderOf(name)) });
  const scripts = (folder) =>
    readdirSync(folderOf(folder))
      .filter((name) => name.endsWith('.js') || name === 'package.json')
      .map((name) => read(`${folder}/${name}`));
  return [
    ...runtimePackages.map((name) => ({ name: `${name}/package.json`, content: shortManifest(folderOf(name)) })),
    ...scripts('onnxruntime-node/dist'),
    ...scripts('onnxruntime-common/dist/cjs'),
    ...runtime.files.map((file) => read(`onnxruntime-node/bin/napi-v6/${runtime.folder}/${file}`)),
  ];
}
