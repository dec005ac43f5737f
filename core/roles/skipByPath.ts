import type { SkipReason } from '../model.ts';

export interface Skip {
  reason: SkipReason;
  detail: string;
}

/** Endings of files that hold no text; these are never opened. */
const binaryEndings = new Set(
  (
    '3ds 3g2 3gp 7z a aac accdb ai aif aiff apk ar arrow arw avi avif avro bin blend bmp br bz2 cab class cr2 crx cur ' +
    'dat-shm dat-wal db db-shm db-wal dcm deb dex dll dmg doc docm docx dylib ear egg eot eps epub exe fbx fla flac flv ' +
    'gif glb gz h5 hdf5 heic heif ico icns idx img iso jar jfif jks joblib jp2 jpeg jpg jxl keystore ktx lib lockb lz lz4 ' +
    'lzma m4a m4v mdb mid midi mkv mo mobi mov mp3 mp4 mpeg mpg msi nef node npy npz o obj.gz odp ods odt oga ogg ogv onnx ' +
    'opus orc otf ott p12 parquet pak pb pcap pdb pdf pfx pickle pkl png pot.gz ppt pptm pptx psd pt pth pyc pyd pyo rar ' +
    'raw rlib rmeta rpm safetensors sav sketch snappy so sqlite sqlite3 swf tar tbz tbz2 tflite tga tgz tif tiff ttc ttf ' +
    'txz vsix wasm wav webm webp whl wma wmv woff woff2 xls xlsm xlsx xpi xz z zip zst'
  ).split(' '),
);

/**
 * Files that a package manager writes: long, and of no use as an answer. People who ask for a version ask for
 * package.json, Cargo.toml or go.mod, which are indexed.
 */
const lockFiles = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'deno.lock',
  'cargo.lock',
  'go.sum',
  'go.work.sum',
  'poetry.lock',
  'pdm.lock',
  'uv.lock',
  'pipfile.lock',
  'conda-lock.yml',
  'composer.lock',
  'gemfile.lock',
  'podfile.lock',
  'package.resolved',
  'pubspec.lock',
  'mix.lock',
  'flake.lock',
  'packages.lock.json',
  'gradle.lockfile',
  '.terraform.lock.hcl',
  'cabal.project.freeze',
  'stack.yaml.lock',
  'rebar.lock',
  'module.bazel.lock',
]);

/**
 * What the path alone says: files without text, lock files, source maps, snapshots and minified bundles are left out.
 * Other generated files (`*.pb.go`, `// Code generated`) are indexed with the role 'generated': people ask for them
 * now and then, and ranking puts them last.
 */
export function skipByPath(path: string): Skip | null {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (lockFiles.has(name)) return { reason: 'generated', detail: 'lock file' };
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return null;
  const ending = name.slice(dot + 1);
  if (binaryEndings.has(ending)) return { reason: 'binary', detail: `.${ending} file` };
  if (/\.(?:js|mjs|cjs|css|ts|jsx)\.map$/.test(name)) return { reason: 'generated', detail: 'source map' };
  if (ending === 'snap') return { reason: 'generated', detail: 'test snapshot' };
  const minified = /[.-]min\.(?:js|mjs|cjs|css)$/.exec(name);
  return minified === null ? null : { reason: 'minified', detail: `named *${minified[0]}` };
}
