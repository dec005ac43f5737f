/** Counts tokens in the encoding of the budget. */
export interface TokenCounting {
  /** Of each text. */
  count(texts: readonly string[]): Promise<number[]>;
}
