import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { lineCounter, piecesOf } from '../../../core/tokens/lineCounter.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const tokensOf = (text: string): number => countTokens(text, { disallowedSpecial: new Set<string>() });

/** Counts what it is asked. */
function witness() {
  const asked: string[] = [];
  return {
    asked,
    count: (texts: readonly string[]) => {
      asked.push(...texts);
      return Promise.resolve(texts.map(tokensOf));
    },
  };
}

describe('A counter by lines', function () {
  this.timeout(20_000);

  it('finds as many tokens in real files as the encoding', async () => {
    const counter = lineCounter({ counter: witness(), characters: 1e6 });
    for (const folder of ['core/graph', 'docs', 'test/core/format', 'cloud/migrations', '.']) {
      const names = readdirSync(path.join(repository, folder)).filter((name) => /\.(ts|md|json|cjs)$/.test(name));
      const texts = names
        .map((name) => readFileSync(path.join(repository, folder, name), 'utf8'))
        .filter((text) => text.length < 200_000);
      assert.ok(texts.length > 0);
      assert.deepEqual(await counter.count(texts), texts.map(tokensOf));
    }
  });

  it('finds as many in whatever stands together at the ends of lines', async () => {
    const counter = lineCounter({ counter: witness(), characters: 1_000 });
    const bit = fc.constantFrom(
      ...['\n', '\n\n', '\r\n', '\r', ' ', '  ', '\t', '/', '//', '{', '}', ');', '"', "'s", 'a', 'Word', '12', '_'],
      ...['\u00a0', '\u2028', '\u3000', '\v', '\f', 'é', '漢', '😀', '\ufeff', '<|endoftext|>', '`', '…', '-'],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bit, { maxLength: 40 }), async (bits) => {
        const text = bits.join('');
        assert.equal(piecesOf(text).join(''), text);
        assert.deepEqual(await counter.count([text]), [tokensOf(text)]);
      }),
      { numRuns: 4_000, seed: 7 },
    );
  });

  it('counts a line once, and forgets lines that were not asked for in a long time', async () => {
    const inner = witness();
    const counter = lineCounter({ counter: inner, characters: 20 });
    await counter.count(['one();\ntwo();\none();\n']);
    assert.deepEqual(inner.asked, ['one();\n', 'two();\n']);
    await counter.count(['two();\nthree();\n']);
    assert.deepEqual(inner.asked.slice(2), ['three();\n']);
    for (let i = 0; i < 20; i++) await counter.count([`line${i}();\n`]);
    const before = inner.asked.length;
    await counter.count(['one();\n']);
    assert.equal(inner.asked.length, before + 1);
  });

  it('counts alike when several ask at once while it forgets', async () => {
    const counter = lineCounter({ counter: witness(), characters: 30 });
    const texts = Array.from({ length: 50 }, (_, i) => `a${i % 7}();\n  b${i % 5}();\nc${i}\n`);
    const counts = await Promise.all(texts.map((text) => counter.count([text, text])));
    assert.deepEqual(
      counts,
      texts.map((text) => [tokensOf(text), tokensOf(text)]),
    );
  });
});
