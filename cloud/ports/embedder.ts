/** The model that a project's vectors come from. Vectors of different models are never compared. */
export interface Embedder {
  /** Name and dimensions, as `text-embedding-3-small/384`. */
  readonly model: string;
  readonly dimensions: number;
  /**
   * A vector of length 1 for each text, in their order.
   * @throws {EmbedderError}
   */
  embed(texts: readonly string[], purpose: 'question' | 'chunk', signal: AbortSignal): Promise<Float32Array[]>;
}

export class EmbedderError extends Error {
  /** It may work later: no connection, too many requests, a fault at the provider. */
  readonly isUnavailable: boolean;
  /** What the provider asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { isUnavailable: boolean; retryAfterMs?: number; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EmbedderError';
    this.isUnavailable = options.isUnavailable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
