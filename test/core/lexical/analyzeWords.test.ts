import assert from 'node:assert/strict';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { lineStartsOf } from '../../../core/lexical/lineStarts.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { bodyCount, commentCount, nameCount, packCounts, scopeCount } from '../../../core/lexical/types.ts';
import type { Chunk, CodeSymbol } from '../../../core/model.ts';

const chunk = (startLine: number, endLine: number): Chunk => ({
  startLine,
  endLine,
  tokens: 0,
  scope: '',
  truncated: false,
});
const symbol = (name: string, line: number): CodeSymbol => ({
  name,
  kind: 'function',
  line,
  startLine: line,
  endLine: line,
  signature: '',
  container: [],
});

function analyze(text: string, chunks: Chunk[], comments: number[] = [], symbols: CodeSymbol[] = []) {
  const scanner = createTextScanner(() => 0);
  const words = createWordAnalyzer(scanner).analyze({ scanned: scanner.scan(text), chunks, comments, symbols });
  return chunks.map((_, i) => {
    const counts: Record<string, [body: number, comment: number, name: number]> = {};
    for (let pair = words.chunkOffsets[i]!; pair < words.chunkOffsets[i + 1]!; pair++) {
      const packed = words.counts[pair]!;
      counts[words.terms[words.termIds[pair]!]!] = [bodyCount(packed), commentCount(packed), nameCount(packed)];
    }
    return counts;
  });
}

describe('createWordAnalyzer', () => {
  it('counts each chunk on its own', () => {
    assert.deepEqual(analyze('open file\nopen door\n', [chunk(1, 1), chunk(2, 2)]), [
      { open: [1, 0, 0], file: [1, 0, 0] },
      { open: [1, 0, 0], door: [1, 0, 0] },
    ]);
  });

  it('tells code from comments by their offsets', () => {
    const text = 'read(); // read again\nread();';
    assert.deepEqual(analyze(text, [chunk(1, 2)], [8, 21]), [{ read: [2, 1, 0], again: [0, 1, 0] }]);
  });

  it('counts the parts of defined names in the chunk that holds them', () => {
    const text = 'x\nfunction readFile() {}\n';
    const [first, second] = analyze(text, [chunk(1, 1), chunk(2, 2)], [], [symbol('readFile', 2)]);
    assert.deepEqual(first, {});
    assert.deepEqual(second, {
      function: [1, 0, 0],
      read: [1, 0, 1],
      file: [1, 0, 1],
      readfile: [1, 0, 1],
      '=readFile': [0, 0, 1],
    });
  });

  it('counts the last part of a qualified name as defined, too', () => {
    const [counts] = analyze('Server::listen\n', [chunk(1, 1)], [], [symbol('Server::listen', 1)]);
    assert.deepEqual(
      [counts!['=Server::listen'], counts!['=listen']],
      [
        [0, 0, 1],
        [0, 0, 1],
      ],
    );
  });

  it('counts the words of the scope line apart from those of the lines', () => {
    const text = 'return backlog\n';
    const scanner = createTextScanner(() => 0);
    const words = createWordAnalyzer(scanner).analyze({
      scanned: scanner.scan(text),
      chunks: [{ ...chunk(1, 1), scope: 'Server › listen' }],
      comments: [],
      symbols: [],
    });
    const scopes = Object.fromEntries(
      [...words.termIds].map((id, pair) => [words.terms[id]!, scopeCount(words.counts[pair]!)]),
    );
    assert.deepEqual(scopes, { return: 0, backlog: 0, server: 1, listen: 1 });
  });

  it('keeps the fields of a packed count apart when they overflow', () => {
    const packed = packCounts(1e6, 1e6, 1e6, 1e6);
    assert.deepEqual(
      [bodyCount, commentCount, nameCount, scopeCount].map((count) => count(packed)),
      [0x7ff, 0x3ff, 0x7f, 0xf],
    );
    assert.equal(nameCount(packCounts(0, 1e6, 3, 0)), 3);
  });

  describe('with many files', () => {
    const scanner = createTextScanner(() => 0, 6);
    const analyzer = createWordAnalyzer(scanner);
    const of = (text: string): Record<string, number> => {
      const words = analyzer.analyze({
        scanned: scanner.scan(text),
        chunks: [chunk(1, 1)],
        comments: [],
        symbols: [],
      });
      return Object.fromEntries(
        [...words.termIds].map((id, pair) => [words.terms[id]!, bodyCount(words.counts[pair]!)]),
      );
    };

    it('keeps their counts apart', () => {
      of('alpha beta');
      assert.deepEqual(of('beta gamma'), { beta: 1, gamma: 1 });
    });

    it('shares one list of terms in a batch and begins anew with the next', () => {
      analyzer.startBatch();
      const terms = (text: string) =>
        analyzer.analyze({ scanned: scanner.scan(text), chunks: [chunk(1, 1)], comments: [], symbols: [] }).terms;
      const first = terms('alpha beta');
      assert.equal(terms('beta gamma'), first);
      assert.deepEqual(first, ['alpha', 'beta', 'gamma']);
      analyzer.startBatch();
      assert.deepEqual(terms('beta'), ['beta']);
    });

    it('counts on when the scanner has forgotten its words, within a batch, too', () => {
      analyzer.startBatch();
      const before = scanner.epoch;
      for (let i = 0; i < 40; i++) assert.deepEqual(of(`alpha beta word${'x'.repeat(i)}`)['alpha'], 1);
      assert.ok(scanner.epoch > before);
      assert.deepEqual(of('beta beta gamma'), { beta: 2, gamma: 1 });
    });
  });
});

describe('lineStartsOf', () => {
  const cases: [text: string, starts: number[]][] = [
    ['', [0]],
    ['a', [0, 1]],
    ['a\n', [0, 2]],
    ['a\nb', [0, 2, 3]],
    ['\n\n', [0, 1, 2]],
    ['a\r\nb\r\n', [0, 3, 6]],
  ];
  for (const [text, starts] of cases) {
    it(`finds ${starts.length - 1} lines in ${JSON.stringify(text)}`, () =>
      assert.deepEqual([...lineStartsOf(text)], starts));
  }
});
