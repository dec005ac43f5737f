import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';

/** Why no model can be run here: the program was built without a runtime for this platform. Null if it can. */
export function missingRuntime(assetsDir: string): AppError | null {
  const { platform, arch } = process;
  const folder = path.join(assetsDir, 'node_modules/onnxruntime-node/bin/napi-v6', platform, arch);
  if (existsSync(path.join(folder, 'onnxruntime_binding.node'))) return null;
  return new AppError('model_unusable', `embedding is not available on this platform (${platform} ${arch})`, {
    hint: 'Models run on Linux (x64 and arm64, with glibc), macOS (arm64) and Windows (x64 and arm64).',
  });
}
