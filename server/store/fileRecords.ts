import type { FileWords } from '../../core/lexical/types.ts';
import type { Chunk } from '../../core/model.ts';
import { ByteReader, ByteWriter } from './varint.ts';

/** Chunks of a file: per chunk its length in lines, tokens, flag and scope. They follow one another from line 1 on. */
export function encodeChunks(chunks: readonly Chunk[]): Uint8Array {
  const out = new ByteWriter();
  out.number(chunks.length);
  for (const { startLine, endLine, tokens, truncated, scope } of chunks) {
    out.number(startLine);
    out.number(endLine - startLine);
    out.number(tokens * 2 + (truncated ? 1 : 0));
    out.text(scope);
  }
  return out.finish();
}

export function decodeChunks(bytes: Uint8Array): Chunk[] {
  const input = new ByteReader(bytes);
  return Array.from({ length: input.number() }, () => {
    const startLine = input.number();
    const endLine = startLine + input.number();
    const packed = input.number();
    return { startLine, endLine, tokens: packed >>> 1, truncated: (packed & 1) === 1, scope: input.text() };
  });
}

/** Room for the place of a pair below its term in one sortable number; a chunk has far fewer terms. */
const places = 2 ** 24;

/** Words of a file: per chunk its pairs in ascending order of term, ids as differences. */
export function encodeWords({ chunkOffsets, termIds, counts }: FileWords): Uint8Array {
  const out = new ByteWriter();
  out.number(chunkOffsets.length - 1);
  for (let chunk = 0; chunk + 1 < chunkOffsets.length; chunk++) {
    const first = chunkOffsets[chunk]!;
    const order = new Float64Array(chunkOffsets[chunk + 1]! - first);
    for (let i = 0; i < order.length; i++) order[i] = termIds[first + i]! * places + i;
    order.sort();
    out.number(order.length);
    let before = 0;
    for (const key of order) {
      const pair = first + (key % places);
      out.number(termIds[pair]! - before);
      before = termIds[pair]!;
      out.number(counts[pair]!);
    }
  }
  return out.finish();
}

export function decodeWords(bytes: Uint8Array): FileWords {
  const input = new ByteReader(bytes);
  const chunkOffsets = new Uint32Array(input.number() + 1);
  const termIds: number[] = [];
  const counts: number[] = [];
  for (let chunk = 0; chunk + 1 < chunkOffsets.length; chunk++) {
    let term = 0;
    for (let left = input.number(); left > 0; left--) {
      term += input.number();
      termIds.push(term);
      counts.push(input.number());
    }
    chunkOffsets[chunk + 1] = termIds.length;
  }
  return { chunkOffsets, termIds: Uint32Array.from(termIds), counts: Uint32Array.from(counts) };
}
