import { AppError } from '../../core/errors.ts';
import { catalog, gteSmall } from './modelCatalog.ts';
import type { ModelFiles, ModelSpec } from './types.ts';

/** What a user says of a model; what is left out is taken from the catalog or read from the model's own files. */
export interface ModelConfig {
  id?: string | undefined;
  /** On the hub, `owner/name`. */
  repository?: string | undefined;
  revision?: string | undefined;
  /** The ONNX file inside the repository or folder. */
  file?: string | undefined;
  dimensions?: number | undefined;
  pooling?: ModelSpec['pooling'] | undefined;
  maxTokens?: number | undefined;
  queryPrefix?: string | undefined;
  textPrefix?: string | undefined;
  /** Of the ONNX file, hex. */
  sha256?: string | undefined;
}

type Shape = Pick<ModelSpec, 'dimensions' | 'pooling' | 'maxTokens' | 'queryPrefix' | 'textPrefix'>;

/** The model that is wanted, as far as it is known before its files are seen. */
export interface WishedModel {
  id: string;
  source: ModelSpec['source'];
  files: ModelFiles;
  /** Whether `files.model.path` was named; otherwise the usual names are looked for in a folder. */
  namesFile: boolean;
  shape: Partial<Shape>;
}

/** Names of the ONNX file in the layout of transformers.js, the first one there is taken. */
export const usualModelPaths = [
  'onnx/model_quantized.onnx',
  'onnx/model_int8.onnx',
  'onnx/model.onnx',
  'model_quantized.onnx',
  'model.onnx',
] as const;

const unknownFiles: ModelFiles = {
  model: { path: usualModelPaths[0], sha256: null, bytes: null },
  tokenizer: { path: 'tokenizer.json', sha256: null, bytes: null },
  tokenizerConfig: { path: 'tokenizer_config.json', sha256: null, bytes: null },
  config: { path: 'config.json', sha256: null, bytes: null },
};

const reservedOnWindows = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Ids become names of folders on every platform. */
export function isModelId(id: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/.test(id) && !reservedOnWindows.test(id);
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_config', message, { hint });
}

/** No path of a repository leaves its folder, on any platform. */
function isInside(file: string): boolean {
  return !/^[\\/]|\\|:/.test(file) && !file.split('/').some((part) => part === '' || part === '..' || part === '.');
}

function check({ id, repository, revision, file, sha256 }: ModelConfig): void {
  if (id !== undefined && !isModelId(id))
    throw invalid(`model.id is not a name for a model: ${id}`, 'Use letters, digits, dots, dashes and underscores.');
  if (repository !== undefined && !/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repository))
    throw invalid(`model.repository is not one of the hub: ${repository}`, 'Write it as owner/name.');
  if (revision !== undefined && !(/^[\w./-]+$/.test(revision) && isInside(revision)))
    throw invalid(`model.revision is not a branch, tag or commit: ${revision}`, 'Leave it out for the newest one.');
  if (file !== undefined && !(isInside(file) && file.endsWith('.onnx')))
    throw invalid(
      `model.file is not an ONNX file in the repository: ${file}`,
      'For example onnx/model_quantized.onnx.',
    );
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256))
    throw invalid(`model.sha256 is not a SHA-256: ${sha256}`, 'It has 64 hexadecimal digits.');
}

function shapeOf(from: Pick<ModelConfig, keyof Shape>): Partial<Shape> {
  const { dimensions, pooling, maxTokens, queryPrefix, textPrefix } = from;
  return {
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(pooling === undefined ? {} : { pooling }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(queryPrefix === undefined ? {} : { queryPrefix }),
    ...(textPrefix === undefined ? {} : { textPrefix }),
  };
}

const nameOf = (repository: string): string => repository.slice(repository.indexOf('/') + 1);

/** The files of a model as they are known before they are seen. */
function filesOf({ file, repository, sha256 }: ModelConfig, known: ModelSpec | undefined): ModelFiles {
  const isKnownPlace =
    known !== undefined &&
    (file === undefined || file === known.files.model.path) &&
    (repository === undefined || repository === known.source?.repository);
  const files = isKnownPlace ? known.files : unknownFiles;
  const { model } = files;
  const configured = sha256?.toLowerCase() ?? model.sha256;
  return {
    ...files,
    model: {
      path: file ?? known?.files.model.path ?? model.path,
      sha256: configured,
      bytes: configured === model.sha256 ? model.bytes : null,
    },
  };
}

function sourceOf({ repository, revision }: ModelConfig, known: ModelSpec | undefined): ModelSpec['source'] {
  const from = repository ?? known?.source?.repository;
  return from === undefined ? null : { repository: from, revision: revision ?? known?.source?.revision ?? 'main' };
}

/**
 * What is wanted, from what is configured; without any, the product's own model. Digests of the catalog hold for the
 * file of the catalog only: another repository or another file has the digest that is configured, or none.
 */
export function wishedModel(config: ModelConfig = {}): WishedModel {
  check(config);
  const id = config.id ?? (config.repository === undefined ? gteSmall.id : nameOf(config.repository));
  if (!isModelId(id)) throw invalid(`this is not a name for a model: ${id}`, 'Give it another one with model.id.');
  const known = catalog.find((each) => each.id === id);
  return {
    id,
    source: sourceOf(config, known),
    files: filesOf(config, known),
    namesFile: config.file !== undefined || known !== undefined,
    shape: { ...(known === undefined ? {} : shapeOf(known)), ...shapeOf(config) },
  };
}
