import assert from 'node:assert/strict';
import { checksum } from '../../../server/embedding/checksum.ts';
import { createKeyTable } from '../../../server/embedding/keyTable.ts';

const key = (...words: number[]): Uint32Array => Uint32Array.from(words);

describe('The table of keys', () => {
  it('finds what was set, and nothing else', () => {
    const table = createKeyTable();
    assert.equal(table.find(key(0, 0, 0, 0), 0), undefined);
    table.set(key(0, 0, 0, 0), 0, { segment: 1, row: 2, checksum: 3 });
    table.set(key(9, 0, 0, 0, 1), 1, { segment: 4, row: 5, checksum: 0xffffffff });
    assert.deepEqual(table.find(key(0, 0, 0, 0), 0), { segment: 1, row: 2, checksum: 3 });
    assert.deepEqual(table.find(key(0, 0, 0, 1), 0), { segment: 4, row: 5, checksum: 0xffffffff });
    for (const other of [key(1, 0, 0, 0), key(0, 1, 0, 0), key(0, 0, 1, 0), key(0, 0, 0, 2)])
      assert.equal(table.find(other, 0), undefined);
    assert.equal(table.size, 2);
  });

  it('moves a key that is set again', () => {
    const table = createKeyTable();
    for (const row of [1, 2]) table.set(key(1, 2, 3, 4), 0, { segment: 0, row, checksum: 0 });
    assert.equal(table.size, 1);
    assert.equal(table.find(key(1, 2, 3, 4), 0)?.row, 2);
    table.clear();
    assert.equal(table.size, 0);
    assert.equal(table.find(key(1, 2, 3, 4), 0), undefined);
  });

  it('keeps hundreds of thousands of keys apart, also ones that differ in a bit', () => {
    const table = createKeyTable();
    const words = new Uint32Array(4);
    const count = 200_000;
    const fill = (i: number): Uint32Array => {
      words.fill(0);
      // Counters in one word or another: nothing like digests.
      words[i % 4] = (i >>> 2) + 1;
      return words;
    };
    for (let i = 0; i < count; i++) table.set(fill(i), 0, { segment: i % 7, row: i, checksum: i * 3 });
    assert.equal(table.size, count);
    for (let i = 0; i < count; i++) assert.equal(table.find(fill(i), 0)?.row, i);
    for (let i = count; i < count + 1000; i++) assert.equal(table.find(fill(i), 0), undefined);
  });
});

describe('The checksum', () => {
  it('is MurmurHash3 of 32 bits', () => {
    // Published values, of bytes in little-endian order: '', 'test', 'Hello, world!!!!'.
    const wordsOf = (text: string): Uint32Array => new Uint32Array(Uint8Array.from(Buffer.from(text)).buffer);
    assert.equal(checksum(wordsOf(''), 0, 0, 1), 0x514e28b7);
    assert.equal(checksum(wordsOf('test'), 0, 1, 0), 0xba6bd213);
    assert.equal(checksum(wordsOf('test'), 0, 1, 0x9747b28c), 0x704b81dc);
  });

  it('differs for every bit that is turned', () => {
    const words = Uint32Array.from({ length: 8 }, (_, i) => i * 0x9e3779b9);
    const seen = new Set([checksum(words, 0, 8)]);
    for (let bit = 0; bit < 256; bit++) {
      const changed = words.slice();
      changed[bit >>> 5]! ^= 1 << (bit & 31);
      seen.add(checksum(changed, 0, 8));
    }
    assert.equal(seen.size, 257);
  });
});
