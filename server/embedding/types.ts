/** A BERT-like embedding model, as it is published or configured. */
export interface ModelSpec {
  /** Short name for people and for the configuration, e.g. `gte-small`. */
  id: string;
  /** Length of a vector. */
  dimensions: number;
  /** How the vectors of the tokens become one. */
  pooling: 'mean' | 'cls';
  /** Longest input in tokens, `[CLS]` and `[SEP]` included. */
  maxTokens: number;
  /** Put before a question, as some models want; '' for none. */
  queryPrefix: string;
  /** Put before a text that is searched; '' for none. */
  textPrefix: string;
  files: ModelFiles;
  /** Where it can be had; null for one that only lies in a folder. */
  source: { repository: string; revision: string } | null;
}

export type ModelFileRole = 'model' | 'tokenizer' | 'tokenizerConfig' | 'config';

/** Relative to the model's folder (and to the repository it comes from). */
export interface ModelFile {
  /** With `/`, e.g. `onnx/model_quantized.onnx`. */
  path: string;
  /** Hex; null for a file that is taken as it is. */
  sha256: string | null;
  /** Bytes; null when not known. */
  bytes: number | null;
}

export type ModelFiles = Record<ModelFileRole, ModelFile>;

/** A model whose files are here and have been looked at. */
export interface ReadyModel {
  spec: ModelSpec;
  /** Absolute folder that holds the files of the spec. */
  dir: string;
  /**
   * Hex, 24 digits: digest of all that decides a vector (the model's and the tokenizer's bytes, pooling, dimensions,
   * prefixes, longest input, the runtime's version). Vectors of different fingerprints are never compared.
   */
  fingerprint: string;
}

/** Who waits for a vector; lower numbers go first. */
export const embedPriority = { query: 0, answer: 1, background: 2 } as const;
export type EmbedPriority = (typeof embedPriority)[keyof typeof embedPriority];

/** What became of a text: its vector (unit length, `dimensions` floats), or why there is none. */
export type Embedded = { vector: Float32Array; tokens: number; truncated: boolean } | { failure: string };

/** Embedding processes for one model. */
export interface Embedder {
  readonly model: ReadyModel;
  /**
   * Vectors of texts, in their order. A text that crashed a process twice, or gave no finite vector, has a `failure`
   * and is not tried again. Rejects with `cancelled` once the signal is given; texts that run are finished before.
   * `onEmbedded` hears of each as it is done, in any order.
   */
  embed(
    texts: readonly string[],
    options: {
      kind: 'query' | 'text';
      priority: EmbedPriority;
      signal?: AbortSignal | undefined;
      onEmbedded?: (index: number, embedded: Embedded) => void;
    },
  ): Promise<Embedded[]>;
  /** Texts that wait or run at background priority are held back; questions and answers go on. */
  pause(): void;
  resume(): void;
  /** Cores that the background may use in the mean; Infinity for no limit. */
  setCores(cores: number): void;
  /** What could not be done is tried anew with the next text, whatever its time. */
  retry(): void;
  /** What was done to stay within bounds, in a sentence; null for nothing. */
  readonly note: string | null;
  /** Texts wait or run. */
  readonly isWanted: boolean;
  /** Finishes the running texts, then ends the processes. Idempotent. */
  close(): Promise<void>;
}

/** Vectors by model and content, kept in the user's cache directory and shared by everything that embeds. */
export interface EmbeddingCache {
  /**
   * Digests are 16 bytes each, one after the other; the answer has a row of `dimensions` floats for each one found.
   * @param now also what other processes have added in the last second
   */
  get(digests: Uint8Array, now?: boolean): Promise<{ index: number; vector: Float32Array }[]>;
  /** Which of the digests are there, without reading vectors. */
  has(digests: Uint8Array): Promise<boolean[]>;
  /** Kept once this resolves, also when the process is killed right after. */
  put(digest: Uint8Array, vector: Float32Array): Promise<void>;
  /** What went wrong with the disk, in a sentence; null while all is well. A full disk stops the keeping, not the program. */
  readonly problem: string | null;
  close(): Promise<void>;
}
