import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { forEachWord } from '../../../core/lexical/splitIdentifier.ts';
import { hashOf, WordTable } from '../../../core/lexical/wordTable.ts';
import { createWordPiece } from '../../../core/tokens/wordPiece.ts';

const vocabulary = path.resolve(import.meta.dirname, '../../../dist/wordpiece.txt');
const { count } = createWordPiece(readFileSync(vocabulary, 'utf8'));

let seed = 11;
/** The low bits of such a generator repeat soon: the high ones are taken. */
const random = (below: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * below);
};
const some = [
  ...['parseQuery', 'snake_case_name', '$scope', '__init__', 'HTTPServer2', 'a', '0x1F', 'größe', 'naïve', '検索する'],
  ...[' ', '  ', '\t', '\n', '\n\n', '\r\n', '(', ')', ';', '->', '[', ']', '[CLS]', '[PAD', '[unk]', '"', '日本'],
  ...['\0', '\u0007', '\f', '\v', '\u00a0', '\u2028', '\ufeff', '🚀', '\ud800', 'e\u0301', 'ﬁ', 'İ', '—'],
  ...['x'.repeat(101), 'long_'.repeat(60), '字'.repeat(300), 'é'.repeat(260)],
];

describe('createTextScanner', () => {
  const scanner = createTextScanner(count, 300);

  it('counts lines as the tokenizer does, and finds the words that there are', () => {
    for (let round = 0; round < 400; round++) {
      const text = Array.from({ length: random(40) }, () => some[random(some.length)]).join('');
      const { lineStarts, tokens, words, offsets, wordCount } = scanner.scan(text);
      assert.equal(tokens.lineCount, lineStarts.length - 1);
      for (let line = 1; line <= tokens.lineCount; line++) {
        const content = text.slice(lineStarts[line - 1], lineStarts[line]);
        assert.equal(tokens.sum(line, line), content.trim() === '' ? 0 : count(content), JSON.stringify(content));
        assert.equal(tokens.isBlank(line), content.trim() === '', JSON.stringify(content));
      }
      const expected: [number, string][] = [];
      forEachWord(text, 0, text.length, (start, end) => {
        const word = text.slice(start, end);
        // Long ones of ASCII have no terms.
        if (word.length <= 256 || /[^\0-\x7f]/.test(word)) expected.push([start, word.slice(0, 256)]);
      });
      const found = Array.from({ length: wordCount }, (_, i) => [offsets[i]!, scanner.table.wordOf(words[i]!)]);
      assert.deepEqual(found, expected);
    }
    assert.ok(scanner.epoch > 0, 'the table was never emptied');
  });
});

describe('WordTable', () => {
  it('keeps words apart that have the same hash, and grows', () => {
    const table = new WordTable();
    const words = Array.from({ length: 3_000 }, (_, i) => `word${i}`);
    const ids = words.map((word) => table.idOf(word, 0, word.length, hashOf(word, 0, word.length) & 7));
    assert.equal(new Set(ids).size, words.length);
    for (const i of [0, 1, 2_047, 2_999]) {
      assert.equal(table.wordOf(ids[i]!), words[i]);
      const text = `(${words[i]!})`;
      assert.equal(table.idOf(text, 1, text.length - 1, hashOf(text, 1, text.length - 1) & 7), ids[i]);
    }
    table.clear();
    assert.equal(table.idOf('word5', 0, 5, 1), 0);
    assert.throws(() => table.wordOf(1), RangeError);
  });
});
