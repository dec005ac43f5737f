import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { AppError, isAppError } from '../../core/errors.ts';
import { createTokenizer, type TextTokenizer } from './tokenizer.ts';
import type { ReadyModel } from './types.ts';

/** What of onnxruntime-node is used; loaded by who opens a session, since not every platform has it. */
export interface OnnxRuntime {
  InferenceSession: { create(path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  Tensor: typeof Tensor;
}

export interface ModelSession {
  tokenizer: TextTokenizer;
  /**
   * A text gets the same vector whatever it shares a run with. Not so in a model that is quantised dynamically: its
   * scales are taken over the whole batch, and the cosine between alone and together falls below 0.99 (measured).
   */
  batches: boolean;
  /**
   * One run. A row of `dimensions` floats of unit length for each text; null for one whose vector is not finite or zero.
   * `ids` are with special tokens and may differ in length.
   */
  run(texts: readonly (readonly number[])[]): Promise<(Float32Array | null)[]>;
  /** Time inside the model since it was loaded, on the clock and of the processor. */
  readonly spent: { modelMs: number; modelCpuMs: number };
  release(): Promise<void>;
}

/** What rounding may do to a number of a unit vector. */
const sameWithin = 1e-5;
const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

function unusable(message: string, cause?: unknown): AppError {
  return new AppError('model_unusable', message, {
    hint: 'Fetch or import the model again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

const firstLine = (error: unknown): string => ((error as Error).message || String(error)).split('\n')[0]!.slice(0, 300);

async function readText(model: ReadyModel, role: 'tokenizer' | 'tokenizerConfig' | 'config'): Promise<string> {
  const file = path.join(model.dir, model.spec.files[role].path);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unusable(`a file of the embedding model cannot be read: ${file} (${firstLine(error)})`, error);
  }
}

/** What config.json says of the sizes; a number that is not there is not checked. */
async function checkConfig(model: ReadyModel, tokenizer: TextTokenizer): Promise<void> {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(await readText(model, 'config')) as Record<string, unknown>;
  } catch (error) {
    throw isAppError(error) ? error : unusable('config.json of the embedding model is not JSON', error);
  }
  const { vocab_size: vocabulary, max_position_embeddings: positions } = config;
  if (typeof vocabulary === 'number' && tokenizer.maxId >= vocabulary)
    throw unusable(
      `the tokenizer does not belong to the embedding model: it gives ids up to ${tokenizer.maxId}, the model knows ${vocabulary}`,
    );
  if (typeof positions === 'number' && model.spec.maxTokens > positions)
    throw unusable(`the embedding model takes ${positions} tokens at most, not ${model.spec.maxTokens}`);
}

/** The output with a vector a token. */
function tokenOutput(session: InferenceSession, dimensions: number): string {
  const metadata = session.outputMetadata.filter((each) => each.isTensor);
  const perToken = metadata.filter(({ type, shape }) => type === 'float32' && shape.length === 3);
  const output = perToken.find(({ name }) => name === 'last_hidden_state') ?? perToken[0];
  if (output === undefined)
    throw unusable(
      `the embedding model has no output of a vector a token, only ${metadata.map(({ name, type, shape }) => `${name} (${type}, ${shape.join(' × ')})`).join(', ') || 'none'}`,
    );
  const width = output.shape[2];
  if (typeof width === 'number' && width !== dimensions)
    throw unusable(`the embedding model gives vectors of ${width} numbers, not ${dimensions}`);
  return output.name;
}

function checkInputs(session: InferenceSession): void {
  const unknown = session.inputNames.filter((name) => !knownInputs.includes(name));
  if (!session.inputNames.includes('input_ids') || unknown.length > 0)
    throw unusable(`the embedding model takes ${session.inputNames.join(', ')}; known are ${knownInputs.join(', ')}`);
}

async function createSession(model: ReadyModel, ort: OnnxRuntime): Promise<InferenceSession> {
  const file = path.join(model.dir, model.spec.files.model.path);
  try {
    return await ort.InferenceSession.create(file, {
      executionProviders: ['cpu'],
      // Two processes of one thread beat one of two (measured).
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Its plans are kept for each shape, and there are as many shapes as lengths: memory for nothing.
      enableMemPattern: false,
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw unusable(`the embedding model cannot be loaded: ${file} (${firstLine(error)})`, error);
  }
}

/** Loads a model and tries it, so that whatever is wrong with its files is said before the first text. */
export async function openModelSession(model: ReadyModel, ort: OnnxRuntime): Promise<ModelSession> {
  const { dimensions, pooling, maxTokens } = model.spec;
  const tokenizer = createTokenizer(
    await readText(model, 'tokenizer'),
    await readText(model, 'tokenizerConfig'),
    maxTokens,
  );
  await checkConfig(model, tokenizer);
  const session = await createSession(model, ort);
  checkInputs(session);
  const output = tokenOutput(session, dimensions);

  const spent = { modelMs: 0, modelCpuMs: 0 };

  async function run(texts: readonly (readonly number[])[]): Promise<(Float32Array | null)[]> {
    const length = Math.max(...texts.map((ids) => ids.length));
    const shape = [texts.length, length];
    const feeds = feedsOf(texts, length, shape);
    const cpu = process.cpuUsage();
    const started = performance.now();
    const result = await session.run(feeds);
    spent.modelMs += performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    spent.modelCpuMs += (user + system) / 1000;
    const hidden = result[output];
    if (hidden === undefined || hidden.dims.join() !== [...shape, dimensions].join())
      throw unusable(
        `the embedding model gave ${hidden?.dims.join(' × ') ?? 'nothing'} where ${[...shape, dimensions].join(' × ')} was due`,
      );
    const numbers = hidden.data as Float32Array;
    const vectors = texts.map((ids, row) => {
      const start = row * length * dimensions;
      const tokens = pooling === 'cls' ? 1 : ids.length;
      return pooled(numbers.subarray(start, start + tokens * dimensions), dimensions);
    });
    hidden.dispose();
    return vectors;
  }

  function feedsOf(texts: readonly (readonly number[])[], length: number, shape: number[]): Record<string, Tensor> {
    const size = texts.length * length;
    const ids = new BigInt64Array(size).fill(BigInt(tokenizer.padId));
    const mask = new BigInt64Array(size);
    for (const [row, text] of texts.entries()) {
      for (let i = 0; i < text.length; i++) ids[row * length + i] = BigInt(text[i]!);
      mask.fill(1n, row * length, row * length + text.length);
    }
    const data: Record<string, BigInt64Array> = { input_ids: ids, attention_mask: mask };
    if (session.inputNames.includes('token_type_ids')) data['token_type_ids'] = new BigInt64Array(size);
    return Object.fromEntries(session.inputNames.map((name) => [name, new ort.Tensor('int64', data[name]!, shape)]));
  }

  /** Tried on two texts of different words and lengths. */
  async function keepsApart(): Promise<boolean> {
    const [a, b] = [tokenizer.encode('a'), tokenizer.encode('if (index >= count) return undefined;')];
    const [alone] = await run([a.ids]);
    const [together] = await run([a.ids, b.ids]);
    return alone?.every((value, i) => Math.abs(value - (together?.[i] ?? NaN)) < sameWithin) === true;
  }

  let batches: boolean;
  try {
    // The highest id finds an embedding table that is too small, whatever config.json says.
    await run([[...tokenizer.encode('a').ids, tokenizer.maxId]]);
    batches = await keepsApart();
  } catch (error) {
    await session.release();
    throw isAppError(error)
      ? error
      : unusable(`the embedding model fails on a first text (${firstLine(error)})`, error);
  }
  return { tokenizer, batches, run, spent, release: () => session.release() };
}

/** Mean of the rows, made unit length; null when that gives no finite vector. */
function pooled(rows: Float32Array, dimensions: number): Float32Array | null {
  const vector = new Float64Array(dimensions);
  for (let at = 0; at < rows.length; at += dimensions) for (let i = 0; i < dimensions; i++) vector[i]! += rows[at + i]!;
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  if (!Number.isFinite(scale) || !Number.isFinite(squares)) return null;
  return Float32Array.from(vector, (value) => value * scale);
}
