import { digestBytes } from '../chunk/embeddingInput.ts';
import type { NearChunk } from '../rank/types.ts';
import { quantize, scaleOf } from './quantize.ts';

/** What vectorScan.wat exports; addresses and counts. */
interface Loops {
  scan(query: number, rows: number, count: number, stride: number, out: number): void;
  highest(numbers: number, count: number): number;
  product(query: number, row: number, stride: number): number;
}

/** The chunks of a file: their digests, and of each the row of its vector, -1 for none. */
interface FileVectors {
  path: string;
  digests: Uint8Array;
  rows: Int32Array;
  /** Of all its vectors, as a row, where it has been asked for since one of them changed. */
  mean?: Int8Array | null | undefined;
}

const pageBytes = 65_536;
/** 4 GB. */
const mostPages = 65_536;
/** What the compiled loop takes at a time. */
const lanes = 64;
const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
const noRow = -1;
/** Blocks of rows for each row that is wanted. */
const blocksPerRow = 4;

/**
 * Vectors of the chunks of an index as rows of bytes, side by side in the memory of a WebAssembly module that compares
 * them with a question (vectorScan.wat). Rows have no order: a removed one is filled with the last.
 */
export class VectorTable {
  readonly dimensions: number;
  readonly #stride: number;
  readonly #memory: WebAssembly.Memory;
  readonly #loops: Loops;
  readonly #files = new Map<string, FileVectors>();
  /** Of each row whose it is. */
  #owners: FileVectors[] = [];
  #places: number[] = [];
  #chunks = 0;
  #capacity = 0;
  /** Addresses: the question as bytes first, then as floats, a row to compare, then the rows, then the results. */
  readonly #floats: number;
  readonly #loneRow: number;
  readonly #firstRow: number;

  /** @param module vectorScan.wat, compiled */
  constructor(module: WebAssembly.Module, dimensions: number) {
    this.dimensions = dimensions;
    this.#stride = roundUp(dimensions, lanes);
    this.#floats = this.#stride * 2;
    this.#loneRow = this.#floats + this.#stride * 8;
    this.#firstRow = this.#loneRow + this.#stride;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(this.#firstRow / pageBytes), maximum: mostPages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#loops = exports as unknown as Loops;
    this.#capacity = this.#fitting(this.#memory.buffer.byteLength);
  }

  /** Chunks that have a vector. */
  get size(): number {
    return this.#owners.length;
  }

  /** Chunks of all files that were placed. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Says which chunks a file has. What is known of a chunk with an equal text is kept. */
  place(path: string, digests: Uint8Array): void {
    const before = this.#files.get(path);
    if (before !== undefined && isSame(before.digests, digests)) return;
    const count = digests.length / digestBytes;
    const file: FileVectors = { path, digests, rows: new Int32Array(count).fill(noRow) };
    if (before !== undefined) this.#inherit(before, file);
    if (before !== undefined) this.remove(path);
    this.#files.set(path, file);
    this.#chunks += count;
  }

  /** Hands rows of equal chunks on to the file's new state. */
  #inherit(before: FileVectors, file: FileVectors): void {
    const known = new Map<string, number[]>();
    before.rows.forEach((row, index) => {
      if (row === noRow) return;
      const key = digestKey(before.digests, index);
      known.set(key, [...(known.get(key) ?? []), index]);
    });
    for (let index = 0; index < file.rows.length; index++) {
      const from = known.get(digestKey(file.digests, index))?.shift();
      if (from === undefined) continue;
      this.#own(before.rows[from]!, file, index);
      before.rows[from] = noRow;
    }
  }

  #own(row: number, file: FileVectors, index: number): void {
    this.#owners[row] = file;
    this.#places[row] = index;
    file.rows[index] = row;
    file.mean = undefined;
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#chunks -= file.rows.length;
    for (const row of file.rows) if (row !== noRow) this.#free(file, row);
  }

  #free(file: FileVectors, row: number): void {
    file.rows[this.#places[row]!] = noRow;
    file.mean = undefined;
    const last = this.#owners.length - 1;
    if (row !== last) {
      this.#row(row).set(this.#row(last));
      this.#own(row, this.#owners[last]!, this.#places[last]!);
    }
    this.#owners.pop();
    this.#places.pop();
  }

  /** Keeps only the files that are asked for. */
  retain(isWanted: (path: string) => boolean): void {
    for (const path of [...this.#files.keys()]) if (!isWanted(path)) this.remove(path);
  }

  /** False when the chunk is no longer the one with this digest. The vector has unit length. */
  put(path: string, index: number, digest: Uint8Array, vector: Float32Array): boolean {
    const file = this.#files.get(path);
    if (file === undefined || index >= file.rows.length || !isDigestAt(file.digests, index, digest)) return false;
    const row = file.rows[index]!;
    quantize(vector, this.#row(row === noRow ? this.#newRow(file, index) : row));
    file.mean = undefined;
    return true;
  }

  /** Gives chunks that have no vector those that equal chunks have in another table, of the same model. */
  adopt(other: VectorTable): void {
    const known = new Map<string, number>();
    for (const { digests, rows } of other.#files.values())
      rows.forEach((row, index) => row !== noRow && known.set(digestKey(digests, index), row));
    for (const file of this.#files.values()) {
      file.rows.forEach((row, index) => {
        const from = row === noRow ? known.get(digestKey(file.digests, index)) : undefined;
        if (from !== undefined) this.#row(this.#newRow(file, index)).set(other.#row(from));
      });
    }
  }

  #newRow(file: FileVectors, index: number): number {
    const row = this.#owners.length;
    if (row >= this.#capacity) this.#grow();
    this.#own(row, file, index);
    return row;
  }

  /** Whether each chunk that has a vector in the other table has one here. Both hold the same files. */
  covers(other: VectorTable): boolean {
    for (const { path, rows } of other.#files.values()) {
      const mine = this.#files.get(path)?.rows;
      if (rows.some((row, index) => row !== noRow && (mine?.[index] ?? noRow) === noRow)) return false;
    }
    return true;
  }

  has(path: string, index: number): boolean {
    return (this.#files.get(path)?.rows[index] ?? noRow) !== noRow;
  }

  /** False while a chunk of the file has no vector. */
  isComplete(path: string): boolean {
    return this.#files.get(path)?.rows.includes(noRow) !== true;
  }

  /** Numbers of the chunks of a file that have no vector. */
  gapsOf(path: string): number[] {
    const rows = this.#files.get(path)?.rows ?? [];
    return Array.from(rows).flatMap((row, index) => (row === noRow ? [index] : []));
  }

  /** Some chunk that has a vector. */
  first(): { path: string; index: number } | undefined {
    const owner = this.#owners[0];
    return owner === undefined ? undefined : { path: owner.path, index: this.#places[0]! };
  }

  digestOf(path: string, index: number): Uint8Array {
    return digestAt(this.#files.get(path)!.digests, index);
  }

  /** The chunks most like a question (of unit length), best first; ties by path and place. */
  nearest(question: Float32Array, count: number): NearChunk[] {
    if (question.length !== this.dimensions)
      throw new RangeError(`the vector has ${question.length} dimensions, not ${this.dimensions}`);
    this.#ask(question);
    this.#askAsIs(question);
    return this.#bestRows(count)
      .map((row) => ({
        path: this.#owners[row]!.path,
        index: this.#places[row]!,
        similarity: this.#cosineWith(this.#addressOf(row)),
      }))
      .sort((a, b) => b.similarity - a.similarity || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.index - b.index));
  }

  /**
   * Rows with the highest products with the question; among equal ones the earlier rows. The `count`-th highest of what
   * is highest in each of a number of blocks is a product that at least `count` rows reach, and not many more: they are
   * in the blocks that reach it.
   */
  #bestRows(count: number): number[] {
    const products = this.#products(0, this.size);
    const size = Math.max(1, Math.floor(products.length / (blocksPerRow * count)));
    const highest = this.#highestOfBlocks(products.length, size);
    const least = highest.length <= count ? -Infinity : highest.slice().sort().at(-count)!;
    const rows: number[] = [];
    for (let block = 0; block < highest.length; block++) {
      if (highest[block]! < least) continue;
      const end = Math.min((block + 1) * size, products.length);
      for (let row = block * size; row < end; row++) if (products[row]! >= least) rows.push(row);
    }
    return rows.sort((a, b) => products[b]! - products[a]! || a - b).slice(0, count);
  }

  /** Of the results, so many at a time. */
  #highestOfBlocks(count: number, size: number): Int32Array {
    const results = this.#results();
    const highest = new Int32Array(Math.ceil(count / size));
    for (let block = 0; block < highest.length; block++) {
      const first = block * size;
      highest[block] = this.#loops.highest(results + first * 4, Math.min(size, count - first));
    }
    return highest;
  }

  /** Adds the vector of a chunk that has one, times a factor, to a sum. */
  addTo(sum: Float32Array, path: string, index: number, factor: number): void {
    this.#addRow(sum, this.#row(this.#files.get(path)!.rows[index]!), factor);
  }

  /** Adds the direction of the mean of a file's vectors, times a factor, to a sum; false for a file without one. */
  addMeanTo(sum: Float32Array, path: string, factor: number): boolean {
    const mean = this.#meanOf(path);
    if (mean !== null) this.#addRow(sum, mean, factor);
    return mean !== null;
  }

  #addRow(sum: Float32Array, row: Int8Array, factor: number): void {
    const scale = factor / scaleOf(this.dimensions);
    for (let i = 0; i < sum.length; i++) sum[i]! += scale * row[i]!;
  }

  /** The direction of the mean of a file's vectors as a row; null for a file without one. */
  #meanOf(path: string): Int8Array | null {
    const file = this.#files.get(path);
    if (file === undefined) return null;
    return (file.mean ??= this.#meanOfRows(file.rows));
  }

  #meanOfRows(rows: Int32Array): Int8Array | null {
    const mean = new Float32Array(this.dimensions);
    let found = false;
    for (const row of rows) {
      if (row === noRow) continue;
      found = true;
      this.#addRow(mean, this.#row(row), 1);
    }
    if (!found) return null;
    const length = Math.sqrt(mean.reduce((squares, value) => squares + value * value, 0)) || 1;
    const quantized = new Int8Array(this.#stride);
    quantize(
      mean.map((value) => value / length),
      quantized,
    );
    return quantized;
  }

  /** Of each file the cosine of its mean with a vector (of unit length); -Infinity for a file without one. */
  meansLike(vector: Float32Array, paths: readonly string[]): Float64Array {
    this.#askAsIs(vector);
    const row = new Int8Array(this.#memory.buffer, this.#loneRow, this.#stride);
    const cosines = new Float64Array(paths.length).fill(-Infinity);
    for (let i = 0; i < paths.length; i++) {
      const mean = this.#meanOf(paths[i]!);
      if (mean === null) continue;
      row.set(mean);
      cosines[i] = this.#cosineWith(this.#loneRow);
    }
    return cosines;
  }

  /**
   * Of each file the highest cosine that one of its chunks has with a vector (of unit length), as exact as bytes are;
   * -Infinity for a file without a vector.
   */
  mostLike(vector: Float32Array, paths: readonly string[]): Float64Array {
    this.#ask(vector);
    const unit = scaleOf(this.dimensions) ** 2;
    const cosines = new Float64Array(paths.length).fill(-Infinity);
    for (let i = 0; i < paths.length; i++) {
      const rows = this.#files.get(paths[i]!)?.rows;
      if (rows !== undefined) cosines[i] = this.#highestOf(rows) / unit;
    }
    return cosines;
  }

  /** The highest product of the question with these rows, which mostly lie side by side. */
  #highestOf(rows: Int32Array): number {
    const results = this.#results();
    let highest = -Infinity;
    for (let i = 0; i < rows.length;) {
      const first = rows[i]!;
      let count = 1;
      while (i + count < rows.length && first !== noRow && rows[i + count] === first + count) count++;
      i += count;
      if (first === noRow) continue;
      this.#scan(first, count, results);
      highest = Math.max(highest, this.#loops.highest(results, count));
    }
    return highest;
  }

  /** Puts a question where the compiled loop looks for it. */
  #ask(question: Float32Array): void {
    const query = new Int16Array(this.#memory.buffer, 0, this.#stride);
    query.fill(0);
    quantize(question, query);
  }

  /** The same, for comparisons that lose nothing of it. */
  #askAsIs(question: Float32Array): void {
    const query = new Float64Array(this.#memory.buffer, this.#floats, this.#stride);
    query.fill(0);
    query.set(question);
  }

  /** Cosine of the question as it is with a row; only the latter has lost anything. */
  #cosineWith(address: number): number {
    return this.#loops.product(this.#floats, address, this.#stride) / scaleOf(this.dimensions);
  }

  #products(firstRow: number, count: number): Int32Array {
    const results = this.#results();
    this.#scan(firstRow, count, results);
    return new Int32Array(this.#memory.buffer, results, count);
  }

  #scan(firstRow: number, count: number, results: number): void {
    this.#loops.scan(0, this.#addressOf(firstRow), count, this.#stride, results);
  }

  #row(row: number): Int8Array {
    return new Int8Array(this.#memory.buffer, this.#addressOf(row), this.#stride);
  }

  #addressOf(row: number): number {
    return this.#firstRow + row * this.#stride;
  }

  /** Address of the results: behind the rows that there is room for. */
  #results(): number {
    return this.#firstRow + this.#capacity * this.#stride;
  }

  /** How many rows and results fit. */
  #fitting(bytes: number): number {
    return Math.floor((bytes - this.#firstRow) / (this.#stride + 4));
  }

  /** By half, at least by a page; what lies behind the rows is only a scratch pad. */
  #grow(): void {
    const present = this.#memory.buffer.byteLength / pageBytes;
    this.#memory.grow(Math.min(mostPages - present, Math.max(1, Math.ceil(present / 2))));
    this.#capacity = this.#fitting(this.#memory.buffer.byteLength);
  }

  /** Bytes of memory that the rows take. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

const digestAt = (digests: Uint8Array, index: number): Uint8Array =>
  digests.subarray(index * digestBytes, (index + 1) * digestBytes);

function isDigestAt(digests: Uint8Array, index: number, digest: Uint8Array): boolean {
  return digestAt(digests, index).every((byte, i) => byte === digest[i]);
}

const digestKey = (digests: Uint8Array, index: number): string => String.fromCharCode(...digestAt(digests, index));
