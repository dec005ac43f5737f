import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { ReadyModel } from './types.ts';

/** Why no model can be run here: the program was built without a runtime for this platform. Null if it can. */
export function missingRuntime(assetsDir: string): AppError | null {
  const { platform, arch } = process;
  const folder = path.join(assetsDir, 'node_modules/onnxruntime-node/bin/napi-v6', platform, arch);
  if (existsSync(path.join(folder, 'onnxruntime_binding.node'))) return null;
  return new AppError('model_unusable', `embedding is not available on this platform (${platform} ${arch})`, {
    hint: 'Models run on Linux (x64 and arm64, with glibc), macOS (arm64) and Windows (x64 and arm64).',
  });
}

/** The runtime of the first caches: their fingerprints do not name it, and stay what they are. */
const firstRuntime = '1.30';

/** Major and minor version of the runtime beside the bundles; `firstRuntime` where there is none, since nothing is embedded there. */
export function runtimeVersion(assetsDir: string): string {
  let text: string;
  try {
    text = readFileSync(path.join(assetsDir, 'node_modules/onnxruntime-node/package.json'), 'utf8');
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    return firstRuntime;
  }
  const { version } = JSON.parse(text) as { version?: unknown };
  return /^\d+\.\d+/.exec(String(version))?.[0] ?? String(version);
}

/**
 * The same model on another runtime gives other vectors (cosine .9986 in the median between 1.14 and 1.30, measured):
 * its fingerprint is another one, too. Patches of a runtime are taken to compute the same.
 */
export function withRuntime(model: ReadyModel, assetsDir: string): ReadyModel {
  const version = runtimeVersion(assetsDir);
  if (version === firstRuntime) return model;
  const digest = createHash('sha256').update(JSON.stringify([model.fingerprint, 'onnxruntime', version]));
  return { ...model, fingerprint: digest.digest('hex').slice(0, 24) };
}
