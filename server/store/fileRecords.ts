import type { FileLinks } from '../../core/graph/types.ts';
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

/** Strings by number, each written once. */
class StringTable {
  readonly strings: string[] = [];
  readonly #ids = new Map<string, number>();

  idOf(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.strings.push(text) - 1;
      this.#ids.set(text, id);
    }
    return id;
  }
}

/** Links of a file: its distinct strings, then everything else as numbers. Nothing at all for a file without any. */
export function encodeLinks({ roots, imports, calls, bindings }: FileLinks): Uint8Array {
  if (roots.length + imports.length + calls.length + bindings.length === 0) return new Uint8Array(0);
  const table = new StringTable();
  const out = new ByteWriter();
  out.number(roots.length);
  for (const { pattern, targets, local } of roots) {
    out.number(table.idOf(pattern) * 2 + (local ? 1 : 0));
    out.number(targets.length);
    for (const target of targets) out.number(table.idOf(target));
  }
  out.number(imports.length);
  for (const { module, names, line, exported } of imports) {
    out.number(table.idOf(module) * 2 + (exported ? 1 : 0));
    out.number(line);
    out.number(names.length);
    for (const { name, alias } of names) {
      out.number(table.idOf(name));
      out.number(table.idOf(alias));
    }
  }
  out.number(calls.length);
  for (const { name, receiver, line } of calls) {
    out.number(table.idOf(name));
    out.number(table.idOf(receiver));
    out.number(line);
  }
  out.number(bindings.length);
  for (const { name, type, line } of bindings) {
    out.number(table.idOf(name));
    out.number(table.idOf(type));
    out.number(line);
  }
  const record = new ByteWriter();
  record.number(table.strings.length);
  for (const text of table.strings) record.text(text);
  record.bytes(out.finish());
  return record.finish();
}

export function decodeLinks(bytes: Uint8Array): FileLinks {
  if (bytes.length === 0) return { roots: [], imports: [], calls: [], bindings: [] };
  const input = new ByteReader(bytes);
  const strings = Array.from({ length: input.number() }, () => input.text());
  const text = (id: number): string => {
    const found = strings[id];
    if (found === undefined) throw new RangeError(`the record has no string ${id}`);
    return found;
  };
  const list = <T>(one: () => T): T[] => Array.from({ length: input.number() }, one);
  return {
    roots: list(() => {
      const packed = input.number();
      return { pattern: text(packed >>> 1), targets: list(() => text(input.number())), local: (packed & 1) === 1 };
    }),
    imports: list(() => {
      const packed = input.number();
      const line = input.number();
      const names = list(() => ({ name: text(input.number()), alias: text(input.number()) }));
      return { module: text(packed >>> 1), names, line, exported: (packed & 1) === 1 };
    }),
    calls: list(() => ({ name: text(input.number()), receiver: text(input.number()), line: input.number() })),
    bindings: list(() => ({ name: text(input.number()), type: text(input.number()), line: input.number() })),
  };
}
