import assert from 'node:assert/strict';
import type { CodeSymbol } from '../../../core/model.ts';
import {
  countSymbols,
  decodeChunkRanges,
  decodeChunks,
  decodeLinks,
  decodeOwnWords,
  decodeSymbols,
  decodeWords,
  encodeChunks,
  encodeLinks,
  encodeOwnWords,
  encodeSymbols,
  encodeWords,
  openLinks,
} from '../../../core/records/fileRecords.ts';

let seed = 42;
const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;

describe('File records', () => {
  it('give chunks back as they were', () => {
    const chunks = [
      { startLine: 1, endLine: 40, tokens: 300, scope: 'Größe › öffnen', truncated: false },
      { startLine: 41, endLine: 41, tokens: 70_000, scope: '', truncated: true },
    ];
    assert.deepEqual(decodeChunks(encodeChunks(chunks)), chunks);
    assert.deepEqual(decodeChunks(encodeChunks([])), []);
    assert.deepEqual(decodeChunkRanges(encodeChunks(chunks)), {
      flat: Uint32Array.of(1, 40, 300, 41, 41, 70_000),
      truncated: 1,
    });
  });

  it('give symbols back in the order of their lines', () => {
    const symbol = (name: string, line: number, container: string[] = []): CodeSymbol => ({
      name,
      kind: 'method',
      line,
      startLine: Math.max(1, line - 2),
      endLine: line + 300,
      signature: `${name}(größe)\n${'x'.repeat(200)}`,
      container,
    });
    const symbols = [symbol('öffnen', 70_000, ['Tür', 'Schloss']), symbol('first', 1), symbol('second', 3, ['Tür'])];
    const bytes = encodeSymbols(symbols);
    assert.deepEqual(decodeSymbols(bytes), [symbols[1], symbols[2], symbols[0]]);
    assert.equal(countSymbols(bytes), 3);
    assert.throws(() => decodeSymbols(bytes.subarray(0, bytes.length - 1)), RangeError);
    assert.deepEqual(decodeSymbols(encodeSymbols([])), []);
  });

  it('give links back as they were, and refuse what is cut off', () => {
    const links = {
      roots: [{ pattern: '@/*', targets: ['src/*', 'lib/*'], local: true }],
      imports: [{ module: './größe', names: [{ name: '*', alias: '' }], line: 3, exported: true }],
      calls: [{ name: 'open', receiver: 'this.door', line: 70_000 }],
      bindings: [{ name: 'this.door', type: 'Door', line: 2 }],
    };
    const bytes = encodeLinks(links);
    assert.deepEqual(decodeLinks(bytes), links);
    assert.throws(() => decodeLinks(bytes.subarray(0, bytes.length - 1)), RangeError);
    const none = { roots: [], imports: [], calls: [], bindings: [] };
    assert.deepEqual(decodeLinks(encodeLinks(none)), none);
    assert.deepEqual(openLinks(encodeLinks(none)), none);
  });

  it('read packed links each time as they are read at once', () => {
    const names = Array.from({ length: 300 }, (_, i) => `größe${i}`);
    const links = {
      roots: [{ pattern: '@/*', targets: ['src/*'], local: false }],
      imports: names.slice(0, 40).map((name, i) => ({
        module: `./${name}`,
        names: [{ name, alias: i % 2 === 0 ? '' : `other${i}` }],
        line: i + 1,
        exported: i % 3 === 0,
      })),
      calls: names.map((name, i) => ({ name, receiver: names[(i * 7) % 300]!, line: 70_000 + i })),
      bindings: names.map((name, i) => ({ name: `this.${name}`, type: names[(i * 3) % 300]!, line: i })),
    };
    const packed = openLinks(encodeLinks(links));
    for (let turn = 0; turn < 2; turn++) {
      assert.deepEqual(packed.bindings, links.bindings);
      assert.deepEqual(packed.calls, links.calls);
      assert.deepEqual(packed.imports, links.imports);
      assert.deepEqual(packed.roots, links.roots);
    }
  });

  it('give words back in order of term, whatever their numbers', () => {
    for (let round = 0; round < 50; round++) {
      const sizes = Array.from({ length: random(6) }, () => random(40));
      const chunkOffsets = Uint32Array.from([
        0,
        ...sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0)),
      ]);
      const pairs = sizes.map((size) => {
        const terms = new Set<number>();
        while (terms.size < size) terms.add(random(2 ** 26));
        return [...terms].map((term): [number, number] => [
          term,
          random(2) === 0 ? 1 + random(9) : 0xffffffff - random(99),
        ]);
      });
      const flat = pairs.flat();
      const words = {
        chunkOffsets,
        termIds: Uint32Array.from(flat, ([term]) => term),
        counts: Uint32Array.from(flat, ([, count]) => count),
      };
      const sorted = pairs.flatMap((chunk) => [...chunk].sort((a, b) => a[0] - b[0]));
      const decoded = decodeWords(encodeWords(words));
      assert.deepEqual([...decoded.chunkOffsets], [...chunkOffsets]);
      assert.deepEqual(
        [...decoded.termIds].map((term, i) => [term, decoded.counts[i]]),
        sorted,
      );
    }
  });

  it('give words back with their terms where these stand in the record itself', () => {
    const words = {
      terms: ['unused', 'open', 'größe', 'tür'],
      chunkOffsets: Uint32Array.of(0, 2, 2, 4),
      termIds: Uint32Array.of(3, 1, 1, 2),
      counts: Uint32Array.of(1, 2, 3, 0xffffffff),
    };
    const terms: string[] = ['other'];
    const idOf = (term: string): number => {
      if (!terms.includes(term)) terms.push(term);
      return terms.indexOf(term);
    };
    const bytes = encodeOwnWords(words);
    const decoded = decodeOwnWords(bytes, idOf);
    assert.deepEqual(terms, ['other', 'tür', 'open', 'größe']);
    assert.deepEqual([...decoded.chunkOffsets], [0, 2, 2, 4]);
    assert.deepEqual(
      [...decoded.termIds].map((id, i) => [terms[id], decoded.counts[i]]),
      [
        ['tür', 1],
        ['open', 2],
        ['open', 3],
        ['größe', 0xffffffff],
      ],
    );
    assert.throws(() => decodeOwnWords(bytes.subarray(0, bytes.length - 1), idOf), RangeError);
    assert.throws(() => decodeOwnWords(Uint8Array.of(0, 1, 1, 5, 1), idOf), /no term 5/);
  });

  it('give texts back as they were, whatever their length and script', () => {
    const texts = [
      '',
      'a',
      'ab'.repeat(8),
      'ab'.repeat(8) + 'c',
      'ä',
      '\ufeffBOM',
      '😀'.repeat(20),
      'x'.repeat(5_000) + 'ß',
    ];
    const chunks = texts.map((scope, i) => ({ startLine: i + 1, endLine: i + 1, tokens: i, scope, truncated: false }));
    assert.deepEqual(decodeChunks(encodeChunks(chunks)), chunks);
  });

  it('say so when they end too early', () => {
    const bytes = encodeChunks([{ startLine: 1, endLine: 2, tokens: 3, scope: 'scope', truncated: false }]);
    const cut = bytes.subarray(0, bytes.length - 2);
    assert.throws(() => decodeChunks(cut), RangeError);
    assert.throws(() => decodeChunkRanges(cut), RangeError);
  });
});
