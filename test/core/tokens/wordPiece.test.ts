import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createWordPiece } from '../../../core/tokens/wordPiece.ts';

const wordPiece = createWordPiece(
  readFileSync(path.resolve(import.meta.dirname, '../../../dist/wordpiece.txt'), 'utf8'),
);

/** Ids as the reference tokenizer of the model family gives them. */
const cases: [text: string, ids: number[]][] = [
  ['', []],
  ['hello world', [7592, 2088]],
  ['Hello, World!', [7592, 1010, 2088, 999]],
  ['[MASK]', [103]],
  ['x'.repeat(150), [100]],
];

describe('createWordPiece', () => {
  for (const [text, ids] of cases) {
    it(`splits ${JSON.stringify(text.slice(0, 20))}`, () => assert.deepEqual(wordPiece.ids(text), ids));
  }

  it('counts lines that add up to their text', () => {
    const text = 'const größe = fn(a_b);\r\n// 日本語 – “quoted”\n\treturn [SEP] ?? x;\n';
    const sum = text.split('\n').reduce((total, line) => total + wordPiece.count(line), 0);
    assert.equal(wordPiece.count(text), sum);
    assert.equal(wordPiece.count(text), wordPiece.ids(text).length);
  });

  it('refuses a vocabulary that is none', () => assert.throws(() => createWordPiece('a\nb'), /\[UNK\]/));
});
