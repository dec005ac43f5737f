import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { VectorTable } from '../../../core/vectors/vectorTable.ts';

const module = new WebAssembly.Module(readFileSync(path.resolve(import.meta.dirname, '../../../dist/vectorScan.wasm')));

/** Numbers from a seed, in a bell around zero. */
function randomVectors(seed: number, dimensions: number): () => Float32Array {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return () => {
    const vector = Float32Array.from({ length: dimensions }, () => next() + next() + next());
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
}

const digestOf = (text: string): Uint8Array => createHash('sha256').update(text).digest().subarray(0, 16);
const digestsOf = (...texts: string[]): Uint8Array => Uint8Array.from(texts.flatMap((text) => [...digestOf(text)]));
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('VectorTable', function () {
  this.timeout(20_000);

  for (const dimensions of [16, 64, 100, 384, 1024]) {
    it(`finds the nearest as an exact comparison does, with ${dimensions} dimensions`, () => {
      const random = randomVectors(dimensions, dimensions);
      const table = new VectorTable(module, dimensions);
      const vectors = Array.from({ length: 3000 }, random);
      for (let file = 0; file < 300; file++) {
        const texts = Array.from({ length: 10 }, (_, i) => `${file} ${i}`);
        table.place(`f${file}`, digestsOf(...texts));
        texts.forEach((text, i) => assert.ok(table.put(`f${file}`, i, digestOf(text), vectors[10 * file + i]!)));
      }
      assert.equal(table.size, 3000);
      for (let i = 0; i < 10; i++) {
        const question = random();
        const exact = vectors.map((vector, at) => ({ at, similarity: dot(question, vector) }));
        exact.sort((a, b) => b.similarity - a.similarity);
        const found = table.nearest(question, 50);
        assert.equal(found.length, 50);
        const best = new Set(exact.slice(0, 10).map(({ at }) => `f${Math.floor(at / 10)} ${at % 10}`));
        const first = found.slice(0, 12).map(({ path: each, index }) => `${each} ${index}`);
        assert.ok(first.filter((each) => best.has(each)).length >= 9, 'the best ten are among the first twelve');
        assert.ok(Math.abs(found[0]!.similarity - exact[0]!.similarity) < 0.02);
      }
    });
  }

  it('keeps what stays of a file, drops what goes and fills the hole', () => {
    const random = randomVectors(7, 64);
    const table = new VectorTable(module, 64);
    const vectors = new Map(['a', 'b', 'c', 'd', 'e'].map((text) => [text, random()]));
    const put = (file: string, index: number, text: string): boolean =>
      table.put(file, index, digestOf(text), vectors.get(text)!);
    const top = (text: string): string => {
      const [best] = table.nearest(vectors.get(text)!, 1);
      return best!.similarity > 0.98 ? `${best!.path} ${best!.index}` : 'none';
    };
    table.place('x', digestsOf('a', 'b', 'c'));
    table.place('y', digestsOf('d'));
    assert.ok(put('x', 0, 'a') && put('x', 1, 'b') && put('x', 2, 'c') && put('y', 0, 'd'));
    assert.deepEqual([table.size, table.chunks], [4, 4]);

    table.place('x', digestsOf('e', 'c', 'a'));
    assert.deepEqual([table.size, table.chunks], [3, 4]);
    assert.deepEqual(table.gapsOf('x'), [0]);
    assert.deepEqual([top('a'), top('b'), top('c'), top('d')], ['x 2', 'none', 'x 1', 'y 0']);
    assert.equal(put('x', 0, 'b'), false, 'a vector of a text that is no longer there');
    assert.ok(put('x', 0, 'e'));
    assert.equal(table.isComplete('x'), true);

    table.remove('x');
    assert.deepEqual([table.size, table.chunks, top('a'), top('d')], [1, 1, 'none', 'y 0']);
    assert.equal(put('x', 0, 'e'), false, 'a file that is no longer there');
    table.retain(() => false);
    assert.deepEqual([table.size, table.nearest(vectors.get('d')!, 5)], [0, []]);
  });

  it('holds vectors that are longer than a page of memory', () => {
    const random = randomVectors(5, 9_000);
    const table = new VectorTable(module, 9_000);
    assert.deepEqual(table.nearest(random(), 1), []);
    const vectors = ['a', 'b', 'c'].map(random);
    table.place('x', digestsOf('a', 'b', 'c'));
    vectors.forEach((vector, i) => assert.ok(table.put('x', i, digestOf('abc'[i]!), vector)));
    vectors.forEach((vector, i) => {
      const [best] = table.nearest(vector, 1);
      assert.equal(best!.index, i);
      assert.ok(best!.similarity > 0.99 && best!.similarity < 1.01);
    });
  });

  it('gives equal chunks of a file a vector each', () => {
    const vector = randomVectors(3, 64)();
    const table = new VectorTable(module, 64);
    table.place('x', digestsOf('a', 'a'));
    assert.ok(table.put('x', 0, digestOf('a'), vector) && table.put('x', 1, digestOf('a'), vector));
    table.place('x', digestsOf('a', 'a', 'a'));
    assert.deepEqual([table.size, table.gapsOf('x')], [2, [2]]);
    assert.deepEqual(
      table.nearest(vector, 9).map(({ index }) => index),
      [0, 1],
    );
  });

  it('compares files with a vector, whole and by their best chunk, wherever their rows lie', () => {
    const random = randomVectors(11, 100);
    const table = new VectorTable(module, 100);
    const vectors = new Map<string, Float32Array>();
    const textsOf = (file: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${file}${i}`);
    const put = (file: string, index: number): void => {
      const vector = random();
      vectors.set(`${file}${index}`, vector);
      assert.ok(table.put(file, index, digestOf(`${file}${index}`), vector));
    };
    for (const [file, count] of Object.entries({ a: 5, b: 4, c: 3, none: 2 }))
      table.place(file, digestsOf(...textsOf(file, count)));
    // Rows of a and b lie between each other, one of c is filled from the end, and one chunk of a has none.
    for (let i = 0; i < 4; i++) for (const file of ['a', 'b']) put(file, i);
    for (let i = 0; i < 3; i++) put('c', i);
    table.place('gone', digestsOf('gone0'));
    put('gone', 0);
    table.place('a', digestsOf('a0', 'a2', 'a3', 'a4'));
    const question = random();
    const own = { a: ['a0', 'a2', 'a3'], b: textsOf('b', 4), c: textsOf('c', 3) };
    const found = table.mostLike(question, ['a', 'b', 'c', 'none', 'unheard of']);
    Object.values(own).forEach((texts, i) => {
      const exact = Math.max(...texts.map((text) => dot(question, vectors.get(text)!)));
      assert.ok(Math.abs(found[i]! - exact) < 0.02, `${found[i]!} is not ${exact}`);
    });
    assert.deepEqual([...found.slice(3)], [-Infinity, -Infinity]);

    const [alike] = table.meansLike(question, ['a']);
    const files = Object.keys(own);
    for (const [i, texts] of Object.values(own).entries()) {
      const mean = new Float32Array(100);
      for (const text of texts) vectors.get(text)!.forEach((value, at) => (mean[at]! += value));
      const length = Math.hypot(...mean);
      const exact = dot(question, mean) / length;
      const cosine = table.meansLike(question, files)[i]!;
      assert.ok(Math.abs(cosine - exact) < 0.01, `${cosine} is not ${exact}`);
      const added = new Float32Array(100);
      assert.ok(table.addMeanTo(added, files[i]!, 3));
      assert.ok(Math.abs(dot(added, mean) / length - 3) < 0.01);
    }
    assert.equal(table.meansLike(question, ['a'])[0], alike, 'a row that was compared before leaves nothing behind');
    assert.deepEqual([...table.meansLike(question, ['none', 'unheard of'])], [-Infinity, -Infinity]);
    assert.equal(table.addMeanTo(new Float32Array(100), 'none', 1), false);
    for (const vector of [random(), question]) {
      assert.ok(table.put('none', 0, digestOf('none0'), vector));
      assert.ok(table.meansLike(vector, ['none'])[0]! > 0.99, 'a mean is worked out anew after a vector has changed');
    }

    const sum = new Float32Array(100);
    table.addTo(sum, 'a', 1, 2);
    assert.ok(dot(sum, vectors.get('a2')!) > 1.98 && dot(sum, vectors.get('a2')!) < 2.02);
  });
});
