/** What the thread of the context engine is started with. */
export interface ContextWorkerData {
  /** Where the scan of vectors and the program that counts tokens lie. */
  assetsFolder: string;
  /** What indexes may take in memory, and what texts may. */
  maxBytes: number;
  maxTextBytes: number;
}

/** Vectors of one page, one after the other. */
export interface PackedVectors {
  digests: string[];
  vectors: Float32Array;
}
