import assert from 'node:assert/strict';
import { forEachWord, identifierParts, termsOfText, termsOfWord } from '../../../core/lexical/splitIdentifier.ts';

const parts: [word: string, expected: string[]][] = [
  ['parseQuery', ['parse', 'query']],
  ['HTTPServer', ['http', 'server']],
  ['XMLHttpRequest2', ['xml', 'http', 'request', '2']],
  ['snake_case_name', ['snake', 'case', 'name']],
  ['__init__', ['init']],
  ['$scope', ['scope']],
  ['SCREAMING_SNAKE', ['screaming', 'snake']],
  ['utf8', ['utf', '8']],
  ['a', ['a']],
  ['_', []],
  ['iOS', ['i', 'os']],
];

describe('identifierParts', () => {
  for (const [word, expected] of parts) {
    it(`splits ${word} into ${expected.join(' ') || 'nothing'}`, () =>
      assert.deepEqual(identifierParts(word), expected));
  }
});

const terms: [word: string, expected: string[]][] = [
  ['parseQuery', ['parse', 'query', 'parsequery']],
  ['parse', ['parse']],
  ['snake_case', ['snake', 'case', 'snake_case']],
  ['x', []],
  ['größe', ['größe']],
  ['検索機能', ['検索', '索機', '機能']],
  ['a'.repeat(65), []],
];

describe('termsOfWord', () => {
  for (const [word, expected] of terms) {
    it(`searches ${word.slice(0, 20)} as ${expected.join(' ') || 'nothing'}`, () =>
      assert.deepEqual(termsOfWord(word), expected));
  }
});

describe('forEachWord', () => {
  it('stays within the two offsets and cuts words there', () => {
    const found: string[] = [];
    const text = 'alpha beta gamma';
    forEachWord(text, 6, 13, (start, end) => found.push(text.slice(start, end)));
    assert.deepEqual(found, ['beta', 'ga']);
  });

  it('treats typographic punctuation as a border and letters of all scripts as words', () => {
    assert.deepEqual(termsOfText('naïve—façade… “слово”'), ['naïve', 'façade', 'слово']);
  });
});
