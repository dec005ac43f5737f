import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ModelSpec, ReadyModel } from '../../../server/embedding/types.ts';
import { createGraph } from './onnxWriter.ts';

const root = path.resolve(import.meta.dirname, '../../..');
export const assetsDir = path.join(root, 'dist');

const file = (name: string) => ({ path: name, sha256: null, bytes: null });

export function readyModel(dir: string, changes: Partial<ModelSpec> = {}): ReadyModel {
  return {
    dir,
    fingerprint: '0123456789abcdef01234567',
    spec: {
      id: 'test',
      dimensions: 384,
      pooling: 'mean',
      maxTokens: 512,
      queryPrefix: '',
      textPrefix: '',
      source: null,
      files: {
        model: file('onnx/model_quantized.onnx'),
        tokenizer: file('tokenizer.json'),
        tokenizerConfig: file('tokenizer_config.json'),
        config: file('config.json'),
      },
      ...changes,
    },
  };
}

export interface SmallModelOptions {
  dimensions?: number;
  /** Rows of the embedding table; ids beyond are out of range unless `wrap`. */
  rows?: number;
  wrap?: boolean;
  /** A word whose row of the table is not a number, and one whose row is zeros. */
  nanWord?: string;
  zeroWord?: string;
  /** Multiplications by a square matrix, to make a run long. */
  work?: number;
  inputs?: string[];
  /** Axes of the output. */
  output?: 'per token' | 'per text';
  config?: object;
  tokenizer?: object;
}

/** The vocabulary that the program counts tokens with. */
function vocabulary(): Record<string, number> {
  const pieces = readFileSync(path.join(assetsDir, 'wordpiece.txt'), 'utf8').trimEnd().split('\n');
  return Object.fromEntries(pieces.map((piece, id) => [piece, id]));
}

function tokenizerOf(vocab: Record<string, number>): object {
  const special = (name: string) => ({ SpecialToken: { id: name, type_id: 0 } });
  return {
    truncation: { max_length: 128, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].map((content) => ({
      id: vocab[content],
      content,
      special: true,
      normalized: false,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((name) => [name, { id: name, ids: [vocab[name]], tokens: [name] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

/** Rows of random numbers from a fixed seed: equal words are equal, different ones nearly at right angles. */
function tableOf(rows: number, dimensions: number): Float32Array {
  let state = 0x2545f491;
  return Float32Array.from({ length: rows * dimensions }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  });
}

/**
 * Writes a model that runs: a table of vectors by token, so that texts are alike as far as they share words. It has
 * the inputs and outputs of a BERT model, and whatever `options` say is wrong with it.
 */
export function writeSmallModel(dir: string, options: SmallModelOptions = {}): ReadyModel {
  const { dimensions = 16, rows = 1000, wrap = true, work = 0, output = 'per token' } = options;
  const vocab = vocabulary();
  const table = tableOf(rows, dimensions);
  const fill = (word: string | undefined, value: number): void => {
    if (word === undefined) return;
    const row = vocab[word]! % rows;
    table.fill(value, row * dimensions, (row + 1) * dimensions);
  };
  fill(options.nanWord, NaN);
  fill(options.zeroWord, 0);

  const graph = createGraph();
  const inputs = options.inputs ?? ['input_ids', 'attention_mask', 'token_type_ids'];
  for (const name of inputs) graph.input(name, 'int64', ['batch', 'sequence']);
  const ids = wrap
    ? graph.node('Mod', [inputs[0]!, graph.constant('rows', [1], BigInt64Array.of(BigInt(rows)))], 'row')
    : inputs[0]!;
  let hidden = graph.node('Gather', [graph.constant('table', [rows, dimensions], table), ids], 'embedded');
  if (work > 0) {
    const side = 768;
    const wide = graph.constant('widen', [dimensions, side], new Float32Array(dimensions * side));
    const square = graph.constant('square', [side, side], new Float32Array(side * side));
    const narrow = graph.constant('narrow', [side, dimensions], new Float32Array(side * dimensions));
    let busy = graph.node('MatMul', [hidden, wide], 'busy');
    for (let i = 0; i < work; i++) busy = graph.node('MatMul', [busy, square], `busy${i}`);
    // All zeros: the work changes nothing but the time.
    hidden = graph.node('Add', [hidden, graph.node('MatMul', [busy, narrow], 'nothing')], 'worked');
  }
  if (output === 'per token') {
    graph.node('Identity', [hidden], 'last_hidden_state');
    graph.output('last_hidden_state', 'float', ['batch', 'sequence', dimensions]);
  } else {
    const axis = graph.constant('axis', [1], BigInt64Array.of(1n));
    graph.node('ReduceSum', [hidden, axis], 'sentence_embedding', { keepdims: 0 });
    graph.output('sentence_embedding', 'float', ['batch', dimensions]);
  }

  const files: Record<string, string | Buffer> = {
    'onnx/model_quantized.onnx': graph.finish(),
    'tokenizer.json': JSON.stringify(options.tokenizer ?? tokenizerOf(vocab)),
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'BertTokenizer', model_max_length: 512 }),
    'config.json': JSON.stringify(options.config ?? { model_type: 'bert', max_position_embeddings: 512 }),
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), content);
  }
  return readyModel(dir, { dimensions });
}
