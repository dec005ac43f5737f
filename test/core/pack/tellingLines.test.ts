import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readTellingLines } from '../../../core/pack/tellingLines.ts';

/** The same by texts. */
const foldedLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line.length >= 12);

describe('Telling lines', () => {
  it('are those of twelve characters and more, white space folded', () => {
    const text =
      'return first + second;\n}\n\n  return   first\t+ second;  \r\nshort line\n\u00a0return first +\u2003second;';
    const { hashes, lengths } = readTellingLines(text);
    assert.deepEqual(Array.from(lengths), [22, 22, 22]);
    assert.equal(new Set(hashes).size, 1);
  });

  it('are equal where their texts are, and only there', () => {
    const character = fc.constantFrom(
      'a',
      'b',
      ' ',
      '\t',
      '\n',
      '\r',
      '\u00a0',
      '\u2028',
      'é',
      '{',
      '🙂',
      'word',
      'another',
    );
    fc.assert(
      fc.property(fc.array(character, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        const { hashes, lengths } = readTellingLines(text);
        const lines = foldedLines(text);
        assert.deepEqual(
          Array.from(lengths),
          lines.map(({ length }) => length),
        );
        assert.equal(new Set(hashes).size, new Set(lines).size);
      }),
      { numRuns: 2_000 },
    );
  });

  it('differ in a hundred thousand lines that resemble each other', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `const value${i} = ${i * 7};`);
    assert.equal(new Set(readTellingLines(lines.join('\n')).hashes).size, lines.length);
  });
});
