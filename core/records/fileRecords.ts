import type { Binding, CallSite, FileLinks, ImportLink, ModuleRoot } from '../graph/types.ts';
import type { AnalyzedWords, FileWords } from '../lexical/types.ts';
import type { Chunk, CodeSymbol, SymbolKind } from '../model.ts';
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

/** What search needs of the chunks of a file. */
export interface ChunkRanges {
  /** First line, last line and tokens of each chunk, one after the other. */
  flat: Uint32Array;
  /** How many chunks are longer than the model sees. */
  truncated: number;
}

/** The same record without its texts. */
export function decodeChunkRanges(bytes: Uint8Array): ChunkRanges {
  const input = new ByteReader(bytes);
  const flat = new Uint32Array(input.number() * 3);
  let truncated = 0;
  for (let at = 0; at < flat.length; at += 3) {
    flat[at] = input.number();
    flat[at + 1] = flat[at]! + input.number();
    const packed = input.number();
    flat[at + 2] = packed >>> 1;
    truncated += packed & 1;
    input.skipText();
  }
  return { flat, truncated };
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

export const decodeWords = (bytes: Uint8Array): FileWords => readWords(new ByteReader(bytes));

function readWords(input: ByteReader): FileWords {
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

/** Words of a file with the terms that they are, for a record that stands by itself: those, then as `encodeWords`. */
export function encodeOwnWords({ terms, ...words }: AnalyzedWords): Uint8Array {
  const own = new Map<number, number>();
  const termIds = words.termIds.map((id) => {
    const known = own.get(id);
    if (known !== undefined) return known;
    own.set(id, own.size);
    return own.size - 1;
  });
  const out = new ByteWriter();
  out.number(own.size);
  for (const id of own.keys()) out.text(terms[id]!);
  out.bytes(encodeWords({ ...words, termIds }));
  return out.finish();
}

/** What `encodeOwnWords` wrote, with the ids that `idOf` gives to the terms. */
export function decodeOwnWords(bytes: Uint8Array, idOf: (term: string) => number): FileWords {
  const input = new ByteReader(bytes);
  const ids = Uint32Array.from({ length: input.number() }, () => idOf(input.text()));
  const words = readWords(input);
  for (const [pair, local] of words.termIds.entries()) {
    if (local >= ids.length) throw new RangeError(`the record has no term ${local}`);
    words.termIds[pair] = ids[local]!;
  }
  return words;
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

  write(out: ByteWriter): void {
    out.number(this.strings.length);
    for (const text of this.strings) out.text(text);
  }
}

/** Reads what `StringTable.write` wrote, and gives the string of a number. Each is made when it is first asked for. */
function readStrings(input: ByteReader): (id: number) => string {
  const starts = Uint32Array.from({ length: input.number() }, () => {
    const before = input.position;
    input.skipText();
    return before;
  });
  const strings: (string | undefined)[] = [];
  return (id) => {
    const start = starts[id];
    if (start === undefined) throw new RangeError(`the record has no string ${id}`);
    return (strings[id] ??= input.textAt(start));
  };
}

/** Definitions of a file in the order of their lines: how many, their distinct strings, then everything as numbers. */
export function encodeSymbols(symbols: readonly CodeSymbol[]): Uint8Array {
  const table = new StringTable();
  const out = new ByteWriter();
  const sorted = [...symbols].sort((a, b) => a.line - b.line);
  for (const { name, kind, line, startLine, endLine, signature, container } of sorted) {
    out.number(table.idOf(name));
    out.number(table.idOf(kind));
    out.number(startLine);
    out.number(line - startLine);
    out.number(endLine - startLine);
    out.number(table.idOf(signature));
    out.number(container.length);
    for (const outer of container) out.number(table.idOf(outer));
  }
  const record = new ByteWriter();
  record.number(symbols.length);
  if (symbols.length > 0) {
    table.write(record);
    record.bytes(out.finish());
  }
  return record.finish();
}

/** How many definitions a record holds. */
export const countSymbols = (bytes: Uint8Array): number => new ByteReader(bytes).number();

export function decodeSymbols(bytes: Uint8Array): CodeSymbol[] {
  const input = new ByteReader(bytes);
  const count = input.number();
  if (count === 0) return [];
  const text = readStrings(input);
  return Array.from({ length: count }, () => {
    const name = text(input.number());
    const kind = text(input.number()) as SymbolKind;
    const startLine = input.number();
    const line = startLine + input.number();
    const endLine = startLine + input.number();
    const signature = text(input.number());
    const container = Array.from({ length: input.number() }, () => text(input.number()));
    return { name, kind, line, startLine, endLine, signature, container };
  });
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
  for (const { name, type, line, until } of bindings) {
    out.number(table.idOf(name));
    out.number(table.idOf(type));
    out.number(line);
    out.number(until === undefined ? 0 : 1 + until - line);
  }
  const record = new ByteWriter();
  table.write(record);
  record.bytes(out.finish());
  return record.finish();
}

/** Reads a record of links; its parts in the order in which they stand. */
class LinkReader {
  readonly input: ByteReader;
  readonly string: (id: number) => string;

  constructor(bytes: Uint8Array) {
    this.input = new ByteReader(bytes);
    this.string = readStrings(this.input);
  }

  text(): string {
    return this.string(this.input.number());
  }

  list<T>(one: () => T): T[] {
    return Array.from({ length: this.input.number() }, one);
  }

  roots(): ModuleRoot[] {
    return this.list(() => {
      const packed = this.input.number();
      return {
        pattern: this.string(packed >>> 1),
        targets: this.list(() => this.text()),
        local: (packed & 1) === 1,
      };
    });
  }

  imports(): ImportLink[] {
    return this.list(() => {
      const packed = this.input.number();
      const line = this.input.number();
      const names = this.list(() => ({ name: this.text(), alias: this.text() }));
      return { module: this.string(packed >>> 1), names, line, exported: (packed & 1) === 1 };
    });
  }

  calls(): CallSite[] {
    return this.list(() => ({ name: this.text(), receiver: this.text(), line: this.input.number() }));
  }

  bindings(): Binding[] {
    return this.list(() => {
      const [name, type, line, lines] = [this.text(), this.text(), this.input.number(), this.input.number()];
      return { name, type, line, ...(lines === 0 ? {} : { until: line + lines - 1 }) };
    });
  }
}

/** Only the imports. */
export function decodeImports(bytes: Uint8Array): ImportLink[] {
  if (bytes.length === 0) return [];
  const reader = new LinkReader(bytes);
  reader.roots();
  return reader.imports();
}

/** Goes past so many calls: two strings and a line each. */
function skipThrees(input: ByteReader): void {
  for (let left = 3 * input.number(); left > 0; left--) input.number();
}

/**
 * The links of a file, of which only what others ask of it is unpacked. Calls are seventy of a hundred links, and
 * nobody needs those of all files at once: calls and bindings are read from the record each time they are asked for.
 */
class PackedLinks implements FileLinks {
  readonly roots: ModuleRoot[];
  readonly imports: ImportLink[];
  readonly #bytes: Uint8Array;
  /** Where in the record the calls begin. */
  readonly #callsAt: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const reader = new LinkReader(bytes);
    this.roots = reader.roots();
    this.imports = reader.imports();
    this.#callsAt = reader.input.position;
  }

  #readerOfCalls(): LinkReader {
    const reader = new LinkReader(this.#bytes);
    reader.input.position = this.#callsAt;
    return reader;
  }

  get calls(): CallSite[] {
    return this.#readerOfCalls().calls();
  }

  get bindings(): Binding[] {
    const reader = this.#readerOfCalls();
    skipThrees(reader.input);
    return reader.bindings();
  }
}

const noLinks = (): FileLinks => ({ roots: [], imports: [], calls: [], bindings: [] });

/** The links of a file as the graph keeps them: see `PackedLinks`. */
export const openLinks = (bytes: Uint8Array): FileLinks => (bytes.length === 0 ? noLinks() : new PackedLinks(bytes));

/** All links of a file at once. */
export function decodeLinks(bytes: Uint8Array): FileLinks {
  if (bytes.length === 0) return noLinks();
  const reader = new LinkReader(bytes);
  return { roots: reader.roots(), imports: reader.imports(), calls: reader.calls(), bindings: reader.bindings() };
}
