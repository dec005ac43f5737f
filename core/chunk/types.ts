/** A node of a syntax tree, as far as chunking looks at it. Children are asked for only where a node is too large. */
export interface OutlineNode {
  startLine: number;
  endLine: number;
  /** Comments, attributes, decorators: they stay with what follows them. */
  leads: boolean;
  children(): readonly OutlineNode[];
}

/** A definition, for scope lines and for keeping definitions apart. */
export interface Definition {
  name: string;
  startLine: number;
  endLine: number;
}

/** What the model can see, and what chunks aim at; in model tokens. */
export const chunkTokens = {
  /** The model's limit, [CLS], [SEP] and the scope line included. */
  cap: 512,
  /** [CLS] and [SEP]. */
  special: 2,
  /** Neighbours are merged up to here, long runs are cut here. */
  target: 384,
  /** A definition of this size is a chunk of its own next to another one of this size. */
  standAlone: 100,
  /** Smaller pieces are merged also across definitions. */
  crumb: 32,
  /** The most that a scope line may take away from a chunk. */
  scopeLine: 96,
} as const;

/** Separates the names of a scope. */
export const scopeSeparator = ' › ';
