import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { whatElse } from './onnxFacts.ts';
import type { FileFacts, FileFactsReader, TokenizerFacts } from './fileFacts.ts';
import type { ModelFile, ModelFileRole, ModelFiles, ModelSpec, ReadyModel } from './types.ts';
import { usualModelPaths, type WishedModel } from './wishedModel.ts';

/** `absent`: there is no model in the folder at all. `fault`: there is one, and this is wrong with it, in a sentence. */
export type Inspected =
  { ready: ReadyModel; bytes: number } | { absent: true } | { fault: string; details?: Record<string, unknown> };

/** What is wrong with a model; caught in this module. */
class Fault extends Error {
  constructor(
    message: string,
    readonly details?: Record<string, unknown>,
  ) {
    super(message);
  }
}

const roles: readonly ModelFileRole[] = ['model', 'tokenizer', 'tokenizerConfig', 'config'];
/** A tokenizer of a language model has a few megabytes. */
const mostJsonBytes = 64 * 2 ** 20;
const maxTokensOfBert = 512;

async function sizeOf(file: string): Promise<number | null> {
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw new Fault(`${file} is not a file`);
    return stats.size;
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new Fault(`${file} cannot be read (${String(code)})`);
  }
}

/** The ONNX file: the one that is named, else the first of the usual ones that is there. */
export async function modelPath(dir: string, { files, namesFile }: WishedModel): Promise<string | null> {
  for (const each of namesFile ? [files.model.path] : usualModelPaths)
    if ((await sizeOf(path.join(dir, each))) !== null) return each;
  return null;
}

const counted = (bytes: number): string => `${bytes.toLocaleString('en-US')} bytes`;

/** Says by its first bytes what else a file is, when its size or digest is not the expected one. */
async function insteadOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(256);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const other = whatElse(head.subarray(0, bytesRead));
    return other === null ? '' : `; it is ${other}`;
  } finally {
    await handle.close();
  }
}

/** Compares a file with what is known of it. */
async function checkPin(file: string, { path: name, bytes, sha256 }: ModelFile, found: FileFacts): Promise<void> {
  if (bytes !== null && found.size !== bytes)
    throw new Fault(
      `${name} has ${counted(found.size)} where ${counted(bytes)} were expected${await insteadOf(file)}`,
      { file, found: found.size, expected: bytes },
    );
  if (sha256 !== null && found.sha256 !== sha256)
    throw new Fault(`${name} has the SHA-256 ${found.sha256}, expected was ${sha256}${await insteadOf(file)}`, {
      file,
      found: found.sha256,
      expected: sha256,
    });
}

/** The object in a JSON file. */
async function readObject(dir: string, { path: name }: ModelFile): Promise<Record<string, unknown>> {
  const file = path.join(dir, name);
  const size = await sizeOf(file);
  if (size === null) throw new Fault(`${name} is not there`);
  if (size > mostJsonBytes) throw new Fault(`${name} is too large (${counted(size)})`);
  const text = await readFile(file, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    throw new Fault(`${name} is damaged: no valid JSON${await insteadOf(file)}`);
  }
  throw new Fault(`${name} is damaged: not an object`);
}

const wholeNumber = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;

/** What a tokenizer.json says: `model.vocab` as an object (WordPiece, BPE) or as pairs (Unigram), and `added_tokens`. */
function tokenizerFacts(tokenizer: Record<string, unknown>, name: string): TokenizerFacts {
  const { vocab } = (tokenizer['model'] ?? {}) as { vocab?: unknown };
  const added = Array.isArray(tokenizer['added_tokens']) ? (tokenizer['added_tokens'] as unknown[]) : [];
  const pairs: [unknown, unknown][] = Array.isArray(vocab)
    ? vocab.map((pair, id) => [(pair as unknown[])[0], id])
    : Object.entries(vocab ?? {});
  for (const each of added) {
    const { content, id } = (each ?? {}) as { content?: unknown; id?: unknown };
    pairs.push([content, id]);
  }
  if (pairs.length === 0) throw new Fault(`${name} holds no vocabulary`);
  const lacks = new Set(['[CLS]', '[SEP]']);
  let highestId = 0;
  for (const [piece, id] of pairs) {
    if (typeof piece !== 'string' || typeof id !== 'number') throw new Fault(`${name} has a damaged vocabulary`);
    lacks.delete(piece);
    highestId = Math.max(highestId, id);
  }
  return { lacks: [...lacks], highestId };
}

/**
 * By SHA-256, for where nothing can be remembered on disk: each status looks at the model, and to read the half megabyte
 * of its tokenizer blocks a thread for 50 ms.
 */
const knownTokenizers = new Map<string, TokenizerFacts>();

async function factsOfTokenizer(
  dir: string,
  file: ModelFile,
  seen: FileFacts,
  facts: FileFactsReader,
): Promise<TokenizerFacts> {
  if (seen.tokenizer !== undefined) return seen.tokenizer;
  const tokenizer = knownTokenizers.get(seen.sha256) ?? tokenizerFacts(await readObject(dir, file), file.path);
  knownTokenizers.set(seen.sha256, tokenizer);
  await facts.add(path.join(dir, file.path), { ...seen, tokenizer });
  return tokenizer;
}

function checkTokenizer(
  files: ModelFiles,
  { lacks, highestId }: TokenizerFacts,
  config: Record<string, unknown>,
): void {
  if (lacks.length > 0) throw new Fault(`${files.tokenizer.path} has no ${lacks.join(' and no ')}: not one of BERT`);
  const vocabulary = wholeNumber(config['vocab_size']);
  if (vocabulary !== null && highestId >= vocabulary)
    throw new Fault(
      `${files.tokenizer.path} does not belong to this model: it gives ids up to ${highestId}, the model knows ${vocabulary} pieces`,
    );
}

function checkOnnx(name: string, { onnx }: FileFacts): number | null {
  if (onnx === undefined || 'fault' in onnx) throw new Fault(`${name} ${onnx?.fault ?? 'is not an ONNX file'}`);
  const lacks = ['input_ids', 'attention_mask'].filter((input) => !onnx.inputs.includes(input));
  if (lacks.length > 0) throw new Fault(`${name} is not a model of BERT's kind: it has no input ${lacks.join(', ')}`);
  const output = onnx.outputs.find((each) => each.name === 'last_hidden_state') ?? onnx.outputs[0];
  if (output === undefined) throw new Fault(`${name} has no output`);
  return output.width;
}

/** What sentence-transformers writes beside its models; null where it is not there. */
async function writtenPooling(dir: string): Promise<ModelSpec['pooling'] | null> {
  const file: ModelFile = { path: '1_Pooling/config.json', sha256: null, bytes: null };
  if ((await sizeOf(path.join(dir, file.path))) === null) return null;
  const written = await readObject(dir, file);
  if (written['pooling_mode_mean_tokens'] === true) return 'mean';
  if (written['pooling_mode_cls_token'] === true) return 'cls';
  throw new Fault('its pooling is neither mean nor cls (1_Pooling/config.json)');
}

/** Length of a vector: as it is wished, as config.json says and as the ONNX file says. They must agree. */
function dimensionsOf(wished: number | undefined, config: Record<string, unknown>, width: number | null): number {
  const said = [
    { by: 'the configuration', length: wished ?? null },
    { by: 'config.json', length: wholeNumber(config['hidden_size']) },
    { by: 'the ONNX file', length: width },
  ].filter((each): each is { by: string; length: number } => each.length !== null);
  const [one, ...others] = said;
  if (one === undefined) throw new Fault('nothing says how long its vectors are (hidden_size in config.json)');
  const other = others.find(({ length }) => length !== one.length);
  if (other !== undefined)
    throw new Fault(`its vectors have ${other.length} dimensions by ${other.by}, ${one.length} by ${one.by}`);
  return one.length;
}

async function specOf(
  dir: string,
  wish: WishedModel,
  files: ModelFiles,
  { config, width }: { config: Record<string, unknown>; width: number | null },
): Promise<ModelSpec> {
  const { shape } = wish;
  const positions = wholeNumber(config['max_position_embeddings']);
  const maxTokens = shape.maxTokens ?? Math.min(positions ?? maxTokensOfBert, maxTokensOfBert);
  if (positions !== null && maxTokens > positions)
    throw new Fault(`it sees ${positions} tokens at most, configured are ${maxTokens}`);
  return {
    id: wish.id,
    dimensions: dimensionsOf(shape.dimensions, config, width),
    pooling: shape.pooling ?? (await writtenPooling(dir)) ?? 'mean',
    maxTokens,
    queryPrefix: shape.queryPrefix ?? '',
    textPrefix: shape.textPrefix ?? '',
    files,
    source: wish.source,
  };
}

/** Digest of all of the model that decides a vector; the runtime comes to it in `withRuntime`. See `ReadyModel.fingerprint`. */
export function fingerprintOf(spec: ModelSpec, modelSha256: string, tokenizerSha256: string): string {
  const { pooling, dimensions, maxTokens, queryPrefix, textPrefix } = spec;
  return createHash('sha256')
    .update(JSON.stringify([modelSha256, tokenizerSha256, pooling, dimensions, maxTokens, queryPrefix, textPrefix]))
    .digest('hex')
    .slice(0, 24);
}

async function inspect(dir: string, wish: WishedModel, facts: FileFactsReader): Promise<Inspected> {
  const onnx = await modelPath(dir, wish);
  if (onnx === null) {
    const sizes = await Promise.all(roles.map((role) => sizeOf(path.join(dir, wish.files[role].path))));
    if (sizes.every((size) => size === null)) return { absent: true };
    throw new Fault(`${wish.files.model.path} is not there`);
  }
  const files: ModelFiles = { ...wish.files, model: { ...wish.files.model, path: onnx } };
  const found = new Map<ModelFileRole, FileFacts>();
  for (const role of roles) {
    const file = path.join(dir, files[role].path);
    if ((await sizeOf(file)) === null) throw new Fault(`${files[role].path} is not there`);
    const seen = await facts.of(file);
    await checkPin(file, files[role], seen);
    found.set(role, seen);
  }
  const width = checkOnnx(onnx, found.get('model')!);
  const config = await readObject(dir, files.config);
  await readObject(dir, files.tokenizerConfig);
  checkTokenizer(files, await factsOfTokenizer(dir, files.tokenizer, found.get('tokenizer')!, facts), config);
  const seenFiles = Object.fromEntries(
    roles.map((role) => {
      const { sha256, size } = found.get(role)!;
      return [role, { path: files[role].path, sha256, bytes: size }];
    }),
  ) as ModelFiles;
  const spec = await specOf(dir, wish, seenFiles, { config, width });
  return {
    ready: {
      spec,
      dir,
      fingerprint: fingerprintOf(spec, found.get('model')!.sha256, found.get('tokenizer')!.sha256),
    },
    bytes: [...found.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * Looks at the files of a model in `dir` (absolute): sizes and digests against what is known of them, the structure of
 * the ONNX file, the tokenizer against the model, the length of the vectors. Nothing is run.
 */
export async function inspectModel(dir: string, wish: WishedModel, facts: FileFactsReader): Promise<Inspected> {
  try {
    return await inspect(dir, wish, facts);
  } catch (error) {
    if (error instanceof Fault)
      return { fault: error.message, ...(error.details === undefined ? {} : { details: error.details }) };
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === 'string') return { fault: `its files cannot be read (${code})` };
    throw error;
  }
}
