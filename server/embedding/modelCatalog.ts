import type { ModelSpec } from './types.ts';

/**
 * gte-small (Li et al. 2023, "Towards General Text Embeddings with Multi-stage Contrastive Learning"; MIT), as int8 with a
 * scale per channel and weights of 7 bits, so that its vectors agree across processors. config.json decides nothing that
 * is not written here, hence no digest of it.
 */
export const gteSmall: ModelSpec = {
  id: 'gte-small',
  dimensions: 384,
  pooling: 'mean',
  maxTokens: 512,
  queryPrefix: '',
  textPrefix: '',
  files: {
    model: {
      path: 'onnx/model_quantized.onnx',
      sha256: '34440558460f3d0d05fda102ade2d2a0672d112dd8c05b540c8fc3bc2051db90',
      bytes: 34_014_427,
    },
    tokenizer: {
      path: 'tokenizer.json',
      sha256: 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0',
      bytes: 711_661,
    },
    tokenizerConfig: { path: 'tokenizer_config.json', sha256: null, bytes: null },
    config: { path: 'config.json', sha256: null, bytes: null },
  },
  source: { repository: 'koxy-ai/gte-small', revision: 'main' },
};

/** The models whose bytes are known. The first one is the product's own. */
export const catalog: readonly ModelSpec[] = [gteSmall];

/** The model of the catalog whose ONNX file has this digest. */
export function knownBySha256(sha256: string): ModelSpec | undefined {
  return catalog.find(({ files }) => files.model.sha256 === sha256);
}
