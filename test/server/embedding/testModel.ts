import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The real model: see `realModel`. Null where it is not on this machine. */
const candidates = [
  process.env['CONTEXTKIT_TEST_MODEL'],
  path.resolve(import.meta.dirname, '../../../../shared/models/all-MiniLM-L6-v2'),
];

export const realModelSha256 = 'eaa1995e9748a844dca02c4860995838a086fd6a4d94e82e1286a06bd4b2ef0d';

const found = candidates.find((each) => each !== undefined && existsSync(path.join(each, 'config.json')));

/** Folder of all-MiniLM-L6-v2 in the layout of transformers.js, quantised. Only for tests that `withRealModel` runs. */
export function realModel(): string {
  if (found !== undefined) return found;
  throw new Error('the model all-MiniLM-L6-v2 is missing: name its folder in CONTEXTKIT_TEST_MODEL');
}

/** Does this where the real model is on this machine; elsewhere it says what is left out. */
export function withRealModel(title: string, register: () => void): void {
  if (found !== undefined) register();
  else console.log(`not run: ${title} (needs all-MiniLM-L6-v2: name its folder in CONTEXTKIT_TEST_MODEL)`);
}

/** A test with the real model. */
export function itWithRealModel(title: string, test: () => Promise<void> | void): void {
  withRealModel(title, () => it(title, test));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}

/** A field of a Protocol Buffers message. */
function field(tag: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.from([...varint(tag * 8), ...varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([...varint(tag * 8 + 2), ...varint(bytes.length)]), bytes]);
}

/** A ValueInfoProto of float32 with these axes; a name is an axis of any length. */
function value(name: string, axes: (number | string)[]): Buffer {
  const shape = Buffer.concat(axes.map((axis) => field(1, typeof axis === 'number' ? field(1, axis) : field(2, axis))));
  const type = field(1, Buffer.concat([field(1, 1), field(2, shape)]));
  return Buffer.concat([field(1, name), field(2, type)]);
}

export interface OnnxShape {
  inputs?: string[];
  outputs?: [name: string, ...axes: (number | string)[]][];
  /** Bytes of weights. */
  weights?: number;
  /** The weights lie in a file of this name. */
  external?: string;
}

/** An ONNX file with the head of a model of BERT's kind and weights that mean nothing. */
export function onnxFile({
  inputs = ['input_ids', 'attention_mask', 'token_type_ids'],
  outputs = [['last_hidden_state', 'batch', 'sequence', 8]],
  weights = 5000,
  external,
}: OnnxShape = {}): Buffer {
  const noise = Buffer.alloc(weights, Buffer.from('a weight that repeats, '));
  const tensor = Buffer.concat([
    field(1, weights),
    field(2, 2),
    field(8, 'weights'),
    ...(external === undefined ? [field(9, noise)] : [field(13, field(1, 'location')), field(14, 1)]),
  ]);
  const graph = Buffer.concat([
    field(1, field(4, 'Identity')),
    field(2, 'graph'),
    field(5, tensor),
    ...inputs.map((name) => field(11, value(name, ['batch', 'sequence']))),
    ...outputs.map(([name, ...axes]) => field(12, value(name, axes))),
  ]);
  return Buffer.concat([field(1, 8), field(2, 'contextkit-test'), field(7, graph), field(8, field(2, 14))]);
}

const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'b', '##c'];

/** The files of a small model whose vectors would have 8 numbers. */
export function smallModel(changes: Record<string, Buffer | object | string | null> = {}): Map<string, Buffer> {
  const files: Record<string, Buffer | object | string | null> = {
    'onnx/model_quantized.onnx': onnxFile(),
    'config.json': { model_type: 'bert', hidden_size: 8, max_position_embeddings: 512, vocab_size: pieces.length },
    'tokenizer.json': {
      model: { type: 'WordPiece', vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])) },
      added_tokens: [{ id: 2, content: '[CLS]', special: true }],
    },
    'tokenizer_config.json': { tokenizer_class: 'BertTokenizer' },
    ...changes,
  };
  return new Map(
    Object.entries(files)
      .filter((entry): entry is [string, Buffer | object | string] => entry[1] !== null)
      .map(([name, content]) => [
        name,
        Buffer.isBuffer(content) || typeof content === 'string'
          ? Buffer.from(content)
          : Buffer.from(JSON.stringify(content)),
      ]),
  );
}

export function writeFiles(dir: string, files: ReadonlyMap<string, Buffer>): string {
  for (const [name, content] of files) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), content);
  }
  return dir;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
