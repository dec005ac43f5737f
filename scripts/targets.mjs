/** The platforms that a VSIX can be made for, by the names of the marketplace, and what is native in it. */

/** Where the runtime of the embedding model has no binary, the program searches by keywords alone. */
export const targets = {
  'win32-x64': { runtime: { folder: 'win32/x64', files: ['onnxruntime_binding.node', 'onnxruntime.dll'] } },
  'win32-arm64': { runtime: { folder: 'win32/arm64', files: ['onnxruntime_binding.node', 'onnxruntime.dll'] } },
  'linux-x64': { runtime: { folder: 'linux/x64', files: ['onnxruntime_binding.node', 'libonnxruntime.so.1'] } },
  'linux-arm64': { runtime: { folder: 'linux/arm64', files: ['onnxruntime_binding.node', 'libonnxruntime.so.1'] } },
  'linux-armhf': { runtime: null },
  'alpine-x64': { runtime: null },
  'alpine-arm64': { runtime: null },
  'darwin-x64': { runtime: null },
  'darwin-arm64': {
    runtime: { folder: 'darwin/arm64', files: ['onnxruntime_binding.node', 'libonnxruntime.1.dylib'] },
  },
};

const isMusl = () =>
  process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;

/** The name of the platform that this runs on; one that is not in the table has nothing native. */
export function thisPlatform() {
  const system = isMusl() ? 'alpine' : process.platform;
  return `${system}-${process.arch === 'arm' ? 'armhf' : process.arch}`;
}
