import { digestBytes } from '../chunk/embeddingInput.ts';
import type { NearChunk } from '../rank/types.ts';
import { cosineWith, quantize, scaleOf } from './quantize.ts';

type Scan = (query: number, rows: number, count: number, stride: number, out: number) => void;

/** The chunks of a file: their digests, and of each the row of its vector, -1 for none. */
interface FileVectors {
  path: string;
  digests: Uint8Array;
  rows: Int32Array;
  /** Of all its vectors, where it has been asked for since one of them changed. */
  mean?: Float32Array | null | undefined;
}

const pageBytes = 65_536;
/** What the compiled loop takes at a time. */
const lanes = 64;
const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
const noRow = -1;

/**
 * Vectors of the chunks of an index as rows of bytes, side by side in the memory of a WebAssembly module that compares
 * them with a question (vectorScan.wat). Rows have no order: a removed one is filled with the last.
 */
export class VectorTable {
  readonly dimensions: number;
  readonly #stride: number;
  readonly #memory: WebAssembly.Memory;
  readonly #scan: Scan;
  readonly #files = new Map<string, FileVectors>();
  /** Of each row whose it is. */
  #owners: FileVectors[] = [];
  #places: number[] = [];
  #chunks = 0;
  #capacity = 0;
  /** Addresses: the question first, then the rows, then the results. */
  readonly #firstRow: number;

  /** @param module vectorScan.wat, compiled */
  constructor(module: WebAssembly.Module, dimensions: number) {
    this.dimensions = dimensions;
    this.#stride = roundUp(dimensions, lanes);
    this.#firstRow = roundUp(this.#stride * 2, lanes);
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#scan = exports['scan'] as Scan;
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
    const rows = bestRows(this.#products(0, this.size), count);
    const bytes = new Int8Array(this.#memory.buffer);
    return rows
      .map((row) => ({
        path: this.#owners[row]!.path,
        index: this.#places[row]!,
        similarity: cosineWith(question, bytes, this.#firstRow + row * this.#stride),
      }))
      .sort((a, b) => b.similarity - a.similarity || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.index - b.index));
  }

  /** Adds the vector of a chunk that has one, times a factor, to a sum. */
  addTo(sum: Float32Array, path: string, index: number, factor: number): void {
    const row = this.#row(this.#files.get(path)!.rows[index]!);
    const scale = factor / scaleOf(this.dimensions);
    for (let i = 0; i < sum.length; i++) sum[i]! += scale * row[i]!;
  }

  /** The direction of the mean of a file's vectors; null for a file without one. */
  meanOf(path: string): Float32Array | null {
    const file = this.#files.get(path);
    if (file === undefined) return null;
    return (file.mean ??= this.#meanOfRows(file.rows));
  }

  #meanOfRows(rows: ArrayLike<number>): Float32Array | null {
    // One view of all rows: to make one for each takes longer than to add it up.
    const bytes = new Int8Array(this.#memory.buffer);
    const mean = new Float32Array(this.dimensions);
    let found = false;
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] === noRow) continue;
      found = true;
      addRow(mean, bytes, this.#firstRow + rows[i]! * this.#stride);
    }
    if (!found) return null;
    let squares = 0;
    for (let i = 0; i < mean.length; i++) squares += mean[i]! * mean[i]!;
    const length = Math.sqrt(squares) || 1;
    for (let i = 0; i < mean.length; i++) mean[i]! /= length;
    return mean;
  }

  /**
   * Of each file the highest cosine that one of its chunks has with a vector (of unit length), as exact as bytes are;
   * -Infinity for a file without a vector.
   */
  mostLike(vector: Float32Array, paths: readonly string[]): Float64Array {
    this.#ask(vector);
    const unit = scaleOf(this.dimensions) ** 2;
    return Float64Array.from(paths, (path) => this.#highestOf(this.#files.get(path)?.rows ?? []) / unit);
  }

  /** The highest product of the question with these rows, which mostly lie side by side. */
  #highestOf(rows: ArrayLike<number>): number {
    let highest = -Infinity;
    for (let i = 0; i < rows.length;) {
      const first = rows[i]!;
      let count = 1;
      while (i + count < rows.length && first !== noRow && rows[i + count] === first + count) count++;
      i += count;
      if (first === noRow) continue;
      const products = this.#products(first, count);
      for (let k = 0; k < count; k++) if (products[k]! > highest) highest = products[k]!;
    }
    return highest;
  }

  /** Puts a question where the compiled loop looks for it. */
  #ask(question: Float32Array): void {
    const query = new Int16Array(this.#memory.buffer, 0, this.#stride);
    query.fill(0);
    quantize(question, query);
  }

  #products(firstRow: number, count: number): Int32Array {
    const out = this.#results();
    this.#scan(0, this.#firstRow + firstRow * this.#stride, count, this.#stride, out);
    return new Int32Array(this.#memory.buffer, out, count);
  }

  #row(row: number): Int8Array {
    return new Int8Array(this.#memory.buffer, this.#firstRow + row * this.#stride, this.#stride);
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
    this.#memory.grow(Math.min(65_536 - present, Math.max(1, Math.ceil(present / 2))));
    this.#capacity = this.#fitting(this.#memory.buffer.byteLength);
  }

  /** Bytes of memory that the rows take. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }
}

function addRow(sum: Float32Array, bytes: Int8Array, start: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += bytes[start + i]!;
}

/** Blocks of rows for each row that is wanted. */
const blocksPerRow = 4;

/**
 * Rows with the highest scores; among equal ones the earlier rows. The `count`-th highest of what is highest in each of
 * a number of blocks is a score that at least `count` rows reach, and not many more: they are in the blocks that reach it.
 */
function bestRows(scores: Int32Array, count: number): number[] {
  const size = Math.max(1, Math.floor(scores.length / (blocksPerRow * count)));
  const highest = highestOfBlocks(scores, size);
  const least = highest.length <= count ? -Infinity : Int32Array.from(highest).sort().at(-count)!;
  const rows: number[] = [];
  for (let block = 0; block < highest.length; block++) {
    if (highest[block]! < least) continue;
    const end = Math.min((block + 1) * size, scores.length);
    for (let row = block * size; row < end; row++) if (scores[row]! >= least) rows.push(row);
  }
  return rows.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count);
}

function highestOfBlocks(scores: Int32Array, size: number): Int32Array {
  const highest = new Int32Array(Math.ceil(scores.length / size));
  for (let block = 0; block < highest.length; block++) {
    const end = Math.min((block + 1) * size, scores.length);
    let most = scores[block * size]!;
    for (let row = block * size + 1; row < end; row++) if (scores[row]! > most) most = scores[row]!;
    highest[block] = most;
  }
  return highest;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

const digestAt = (digests: Uint8Array, index: number): Uint8Array =>
  digests.subarray(index * digestBytes, (index + 1) * digestBytes);

function isDigestAt(digests: Uint8Array, index: number, digest: Uint8Array): boolean {
  return digestAt(digests, index).every((byte, i) => byte === digest[i]);
}

const digestKey = (digests: Uint8Array, index: number): string => String.fromCharCode(...digestAt(digests, index));
