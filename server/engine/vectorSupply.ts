import { chunkText, digestBytes, modelText } from '../../core/chunk/embeddingInput.ts';
import { lineStartsOf, sliceLines } from '../../core/lexical/lineStarts.ts';
import { type Embedded, type EmbedPriority } from '../embedding/types.ts';
import { readSource } from '../indexing/discovery/readSource.ts';
import { toOsPath } from '../indexing/discovery/workspacePath.ts';
import type { FileToEmbed, Store } from '../store/index.ts';
import type { EmbeddingParts } from './embeddings.ts';

/** A chunk with the text that the model is given of it. */
export interface ChunkPlace {
  path: string;
  index: number;
  startLine: number;
  digest: Uint8Array;
  text: string;
}

export interface VectorSupplyOptions {
  store: Store;
  parts: EmbeddingParts;
  root: string;
  maxFileKb: number;
  /** A chunk has been embedded. */
  onEmbedded: () => void;
}

/** Brings one model's vectors into the store: from the cache where they are known, from the model where they are not. */
export interface VectorSupply {
  readonly parts: EmbeddingParts;
  readonly counts: { embedded: number; chunks: number };
  /** Chunks that cannot be embedded. */
  readonly failed: number;
  /** Says that counts may have changed otherwise. */
  recount(): Promise<void>;
  /** Begins to keep the vectors. */
  open(): Promise<void>;
  /** Forgets them; the cache does not. */
  close(): Promise<void>;
  /** Reads what the cache knows of these files; what it gives brings that into the store. */
  lookUp(paths: readonly string[]): Promise<() => Promise<void>>;
  /** Files with chunks that lack a vector, the ones that are named before those that answers need most. */
  filesToEmbed(first: readonly string[]): Promise<string[]>;
  /** The chunks without a vector in these files, or those of them that begin at the lines that are given. */
  chunksToEmbed(ranges: { path: string; startLines?: number[] }[]): Promise<FileToEmbed[]>;
  /** The texts of chunks, from files that are still what the index knows. */
  textsOf(files: readonly FileToEmbed[]): ChunkPlace[];
  /** Embeds, and keeps each vector in the cache as soon as it is there, whatever becomes of the rest. */
  embed(places: readonly ChunkPlace[], options: { priority: EmbedPriority; signal: AbortSignal }): Promise<void>;
}

interface Made {
  path: string;
  index: number;
  digest: Uint8Array;
  vector: Float32Array;
}

const keyOf = (digest: Uint8Array): string => Buffer.from(digest).toString('base64');

/** Equal texts are embedded once. */
function placesByText(places: readonly ChunkPlace[]): Map<string, ChunkPlace[]> {
  const byText = new Map<string, ChunkPlace[]>();
  for (const place of places) {
    const key = keyOf(place.digest);
    byText.set(key, [...(byText.get(key) ?? []), place]);
  }
  return byText;
}

/** What has come into the cache since gaps were looked up: from equal chunks of other files, from other processes. */
async function knownVectors(
  cache: EmbeddingParts['cache'],
  byText: ReadonlyMap<string, readonly ChunkPlace[]>,
): Promise<Map<string, Float32Array>> {
  const keys = [...byText.keys()];
  // Another process may have written a moment ago, as after a pause: a look costs far less than a text.
  const found = await cache.get(Buffer.concat([...byText.values()].map(([place]) => place!.digest)), true);
  return new Map(found.map(({ index, vector }) => [keys[index]!, vector]));
}

export function createVectorSupply(options: VectorSupplyOptions): VectorSupply {
  const { store, parts, root, maxFileKb, onEmbedded } = options;
  const { embedder, cache, model } = parts;
  const { fingerprint } = model;
  const { dimensions } = model.spec;
  /** By digest, what cannot be embedded and why. */
  const failures = new Map<string, string>();
  let counts = { embedded: 0, chunks: 0 };

  async function put(made: readonly Made[]): Promise<void> {
    if (made.length === 0) return;
    const digests = new Uint8Array(made.length * digestBytes);
    const vectors = new Float32Array(made.length * dimensions);
    made.forEach(({ digest, vector }, i) => {
      digests.set(digest, i * digestBytes);
      vectors.set(vector, i * dimensions);
    });
    const paths = made.map(({ path }) => path);
    const indexes = made.map(({ index }) => index);
    counts = await store.putVectors({ model: fingerprint, paths, indexes, digests, vectors });
  }

  return {
    parts,
    get counts() {
      return counts;
    },
    get failed() {
      return failures.size;
    },

    async recount() {
      counts = await store.vectorCounts({ model: fingerprint });
    },

    async open() {
      counts = await store.openVectors({ model: fingerprint, dimensions });
    },

    async close() {
      await store.closeVectors({ model: fingerprint });
    },

    filesToEmbed: (first) => store.filesToEmbed({ model: fingerprint, first: [...first] }),
    chunksToEmbed: (ranges) => store.chunksToEmbed({ model: fingerprint, ranges }),

    async lookUp(paths) {
      const gaps = await store.chunkGaps({ model: fingerprint, paths: [...paths] });
      if (gaps.paths.length === 0) return () => Promise.resolve();
      const found = await cache.get(gaps.digests);
      const made = found.map(({ index, vector }) => ({
        path: gaps.paths[index]!,
        index: gaps.indexes[index]!,
        digest: gaps.digests.subarray(index * digestBytes, (index + 1) * digestBytes),
        vector,
      }));
      return () => put(made);
    },

    textsOf(files) {
      return files.flatMap(({ chunks, ...known }) => {
        const wanted = chunks.filter(({ digest }) => !failures.has(keyOf(digest)));
        if (wanted.length === 0) return [];
        const source = readSource(toOsPath(root, known.path), known, { maxFileKb });
        if (source.kind === 'skip' || source.hash !== known.hash) return [];
        const starts = lineStartsOf(source.text);
        return wanted.map(({ index, digest, startLine, endLine, scope }) => ({
          path: known.path,
          index,
          startLine,
          digest,
          text: modelText(chunkText(scope, sliceLines(source.text, starts, startLine, endLine))),
        }));
      });
    },

    async embed(places, { priority, signal }) {
      if (places.length === 0) return;
      const made: Made[] = [];
      const kept: Promise<void>[] = [];
      const byText = placesByText(places);
      const give = (key: string, vector: Float32Array): void => {
        for (const { path, index, digest } of byText.get(key)!) made.push({ path, index, digest, vector });
      };
      const known = await knownVectors(cache, byText);
      known.forEach((vector, key) => give(key, vector));
      const unknown = [...byText].filter(([key]) => !known.has(key)).map(([key, [place]]) => ({ key, ...place! }));
      const take = ({ key, digest }: (typeof unknown)[number], embedded: Embedded): void => {
        if ('failure' in embedded) {
          failures.set(key, embedded.failure);
          return;
        }
        onEmbedded();
        give(key, embedded.vector);
        kept.push(cache.put(digest, embedded.vector));
      };
      try {
        await embedder.embed(
          unknown.map(({ text }) => text),
          { kind: 'text', priority, signal, onEmbedded: (i, embedded) => take(unknown[i]!, embedded) },
        );
      } finally {
        await Promise.all(kept);
        await put(made);
      }
    },
  };
}
